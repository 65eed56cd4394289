#include "git/binary.h"

#include <string.h>
#include <zlib.h>

/* Two numbers of at most ten bytes of seven bits each. */
#define DELTA_HEAD 20
#define LINE_BYTES 52

int
rt_binary_header(const char *line, size_t len, uint64_t *declared, bool *is_delta)
{
	const char *word = "literal ";
	char number[32] = "", *end;

	if (len >= 6 && !memcmp(line, "delta ", 6))
		word = "delta ";
	else if (len < 8 || memcmp(line, word, 8))
		return 0;
	*is_delta = *word == 'd';
	line += strlen(word);
	len -= strlen(word);
	/* git reads it with strtoul: signs and spaces are taken, a negative one is huge, and what follows is ignored.
	 */
	memcpy(number, line, len < sizeof(number) ? len : sizeof(number) - 1);
	*declared = strtoull(number, &end, 10);
	if (end == number + sizeof(number) - 1)
		*declared = UINT64_MAX;
	return 1;
}

/* The alphabet of git's base 85 (RFC 1924). -1: not in it. */
static int
digit(char c)
{
	static const char alphabet[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* One line: a letter for the number of bytes, then five digits for every four. Returns the number, 0 when malformed. */
static size_t
decode_line(const char *line, size_t len, unsigned char out[LINE_BYTES])
{
	size_t n, i, done;
	uint64_t group;
	int value;

	if (!len)
		return 0;
	n = line[0] >= 'A' && line[0] <= 'Z'   ? (size_t)(line[0] - 'A' + 1)
	    : line[0] >= 'a' && line[0] <= 'z' ? (size_t)(line[0] - 'a' + 27)
					       : 0;
	if (!n || len - 1 < (n + 3) / 4 * 5)
		return 0;
	for (done = 0, line++; done < n; line += 5) {
		for (i = 0, group = 0; i < 5; i++) {
			value = digit(line[i]);
			if (value < 0)
				return 0;
			group = group * 85 + (unsigned)value;
		}
		for (i = 0; i < 4 && done < n; i++)
			out[done++] = (unsigned char)(group >> (24 - 8 * i));
	}
	return n;
}

/* The second of the two numbers at the start of a delta: base size, result size. 0 when they are not both there. */
static uint64_t
result_size(const unsigned char *head, size_t n)
{
	uint64_t value = 0;
	unsigned shift = 0, which = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (shift > 63 || (shift == 63 && (head[i] & 0x7e)))
			return UINT64_MAX;
		value |= (uint64_t)(head[i] & 0x7f) << shift;
		shift += 7;
		if (head[i] & 0x80)
			continue;
		if (which++)
			return value;
		value = 0;
		shift = 0;
	}
	return 0;
}

uint64_t
rt_binary_delta_result(const char *data, size_t len)
{
	unsigned char head[DELTA_HEAD], bytes[LINE_BYTES];
	z_stream stream = {.next_out = head, .avail_out = sizeof(head)};
	const char *end = data + len, *stop;
	int state = Z_OK;

	if (inflateInit(&stream) != Z_OK)
		return 0;
	while (data < end && state == Z_OK && stream.avail_out) {
		stop = memchr(data, '\n', (size_t)(end - data));
		if (!stop)
			break;
		stream.next_in = bytes;
		stream.avail_in = (unsigned)decode_line(data, (size_t)(stop - data), bytes);
		if (!stream.avail_in)
			break;
		data = stop + 1;
		state = inflate(&stream, Z_NO_FLUSH);
	}
	inflateEnd(&stream);
	return result_size(head, sizeof(head) - stream.avail_out);
}
