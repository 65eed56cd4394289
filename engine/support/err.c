#include "support/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const int exits[] = {
#define X(name, exit, text) [RT_E##name] = exit,
    RT_ERR_CODES(X)
#undef X
};

/* Errors are one line on a terminal: names come from hostile repositories and may hold line feeds and escapes. */
static void
one_line(char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n' || c == '\r' || c == '\t')
			*s = ' ';
		else if (c < 0x20 || c == 0x7f)
			*s = '?';
	}
}

/* Formats aside first, as the arguments may well be the present err->text. */
static void RT_PRINTF(3, 0) fill(struct rt_err *err, enum rt_err_code code, const char *fmt, va_list args)
{
	char text[sizeof(err->text)];

	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	one_line(text);
	err->code = code;
	err->line = err->column = 0;
	err->file[0] = '\0';
	memcpy(err->text, text, strlen(text) + 1);
}

int
rt_fail(struct rt_err *err, enum rt_err_code code, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	if (err) {
		va_start(args, fmt);
		fill(err, code, fmt, args);
		va_end(args);
	}
	errno = saved;
	return -1;
}

int
rt_fail_errno(struct rt_err *err, const char *fmt, ...)
{
	int saved = errno;
	char unknown[64];
	size_t len;
	va_list args;

	if (err) {
		va_start(args, fmt);
		fill(err, RT_EIO, fmt, args);
		va_end(args);
		len = strlen(err->text);
		snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror_r(saved, unknown, sizeof(unknown)));
	}
	errno = saved;
	return -1;
}

int
rt_fail_at(struct rt_err *err, const char *file, unsigned line, unsigned column, const char *fmt, ...)
{
	int saved = errno;
	va_list args;
	char name[sizeof(err->file)];

	if (err) {
		snprintf(name, sizeof(name), "%s", file ? file : "");
		one_line(name);
		va_start(args, fmt);
		fill(err, RT_ECONFIG, fmt, args);
		va_end(args);
		memcpy(err->file, name, strlen(name) + 1);
		err->line = line;
		err->column = column;
	}
	errno = saved;
	return -1;
}

int
rt_err_while(struct rt_err *err, const char *fmt, ...)
{
	int saved = errno;
	char doing[512];
	size_t before, len;
	va_list args;

	if (err) {
		va_start(args, fmt);
		if (vsnprintf(doing, sizeof(doing), fmt, args) < 0)
			doing[0] = '\0';
		va_end(args);
		one_line(doing);
		before = strlen("while ") + strlen(doing) + strlen(": ");
		len = strnlen(err->text, sizeof(err->text) - 1 - before);
		memmove(err->text + before, err->text, len);
		err->text[before + len] = '\0';
		memcpy(err->text, "while ", 6);
		memcpy(err->text + 6, doing, strlen(doing));
		memcpy(err->text + before - 2, ": ", 2);
	}
	errno = saved;
	return -1;
}

int
rt_err_exit(enum rt_err_code code)
{
	return (size_t)code < RT_COUNT(exits) ? exits[code] : exits[RT_EINTERNAL];
}

void
rt_bug_(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "ratchet: bug at %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
