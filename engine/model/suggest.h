#ifndef RT_MODEL_SUGGEST_H
#define RT_MODEL_SUGGEST_H

/*
 * "Did you mean": the known word that a mistyped one is closest to, for error messages of files that users write.
 */

#include "support/buf.h"

/*
 * The one of n words that needs the fewest edits (a swap of neighbours is one edit), if that is few for the word's
 * length; else NULL. Case is ignored.
 */
const char *rt_suggest(const char *word, const char *const *words, size_t n);
/* Appends "; did you mean `x`?" when there is such a word, and else "; known: a, b, c". */
void rt_suggest_add(struct rt_buf *out, const char *word, const char *const *words, size_t n);

#endif
