#include "model/suggest.h"

#include <ctype.h>
#include <string.h>

/* Longer words are nobody's typing mistake of a key. */
enum { MAX_WORD = 64 };

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits that turn a into b; both at most MAX_WORD long. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][MAX_WORD + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = above[j - 1] + !same(a[i - 1], b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

const char *
rt_suggest(const char *word, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t len = strlen(word);
	size_t limit = len < 3 ? 1 : len < 6 ? 2 : 3;

	if (len == 0 || len > MAX_WORD)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t edits = strlen(words[i]) > MAX_WORD ? limit + 1 : distance(word, words[i]);
		/* replacing every letter is no resemblance */
		if (edits <= limit && edits < strlen(words[i]) && edits < len) {
			best = words[i];
			limit = edits ? edits - 1 : 0;
			if (edits == 0)
				break;
		}
	}
	return best;
}

void
rt_suggest_add(struct rt_buf *out, const char *word, const char *const *words, size_t n)
{
	const char *near = rt_suggest(word, words, n);

	if (near) {
		rt_buf_addf(out, "; did you mean `%s`?", near);
		return;
	}
	for (size_t i = 0; i < n; i++)
		rt_buf_addf(out, "%s%s", i ? ", " : "; known: ", words[i]);
}
