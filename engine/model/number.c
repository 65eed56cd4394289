#include "model/baseline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 400 /* bytes of a number's text */

/* The fewest significant digits that read back as x > 0, without trailing zeros; x = 0.DIGITS * 10^return. */
static int
shortest_digits(double x, char digits[20])
{
	char text[40], *e, *c;
	int precision, n = 0;

	for (precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, x);
		if (strtod(text, NULL) == x)
			break;
	}
	e = strchr(text, 'e');
	for (c = text; c < e; c++)
		if (*c >= '0' && *c <= '9')
			digits[n++] = *c;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	return (int)strtol(e + 1, NULL, 10) + 1;
}

static void
add_zeros(struct rt_buf *out, int n)
{
	for (; n > 0; n--)
		rt_buf_addc(out, '0');
}

void
rt_number_write(struct rt_buf *out, double x)
{
	char digits[20];
	int n, point;

	if (!isfinite(x))
		rt_bug("a number that is not finite is written");
	if (fabs(x) < 1e15 && x == (double)(int64_t)x) {
		rt_buf_addf(out, "%lld", (long long)x);
		return;
	}
	if (x < 0)
		rt_buf_addc(out, '-');
	point = shortest_digits(fabs(x), digits);
	n = (int)strlen(digits);
	if (fabs(x) < 1e-4 || fabs(x) >= 1e15) {
		rt_buf_addc(out, digits[0]);
		rt_buf_addf(out, "%s%se%d", n > 1 ? "." : "", digits + 1, point - 1);
	} else if (point <= 0) {
		rt_buf_adds(out, "0.");
		add_zeros(out, -point);
		rt_buf_adds(out, digits);
	} else {
		/* An integer this large was written above, so there are digits behind the point. */
		rt_buf_add(out, digits, (size_t)point);
		rt_buf_addf(out, ".%s", digits + point);
	}
}

static const char *
skip_digits(const char *s)
{
	return s + strspn(s, "0123456789");
}

int
rt_number_parse(const char *text, size_t len, double *out)
{
	char copy[NUMBER_MAX + 1];
	const char *s = copy, *whole, *part;
	double x;

	if (!len || len > NUMBER_MAX || memchr(text, '\0', len))
		return -1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (*s == '-' || *s == '+')
		s++;
	whole = s;
	s = skip_digits(s);
	part = s;
	if (*s == '.')
		s = skip_digits(s + 1);
	/* At least one digit on either side of the point. */
	if (s == whole || (part == whole && s == part + 1))
		return -1;
	if (*s == 'e' || *s == 'E') {
		s += s[1] == '-' || s[1] == '+' ? 2 : 1;
		if (s == skip_digits(s))
			return -1;
		s = skip_digits(s);
	}
	x = strtod(copy, NULL);
	if (*s || !isfinite(x))
		return -1;
	*out = x == 0 ? 0 : x;
	return 0;
}
