#ifndef RT_MODEL_ID_H
#define RT_MODEL_ID_H

/*
 * Names of cells and ids of cases (design section 4, "Ids"). Every interface uses the escaped form: `\\ \t \n \r`,
 * `\xHH` for other control bytes and for bytes that are not UTF-8, `\u{H}` for bidirectional controls (U+061C, U+200E,
 * U+200F, U+202A..E, U+2066..9) and the C1 controls. Hexadecimal digits are lower-case.
 */

#include <stdbool.h>

#include "support/buf.h"

/* Appends the escaped form of bytes. */
void rt_id_escape(struct rt_buf *out, const char *bytes, size_t len);
/* The same for running text that people read: newline, tab and backslash stay as they are, so it can't be turned back.
 */
void rt_id_escape_text(struct rt_buf *out, const char *bytes, size_t len);
/*
 * Appends the bytes that an escaped text stands for: 0, or -1 when it is not well escaped. Takes an escape of any
 * character (`\x20` too), so that ids can be written where a space would part them.
 */
int rt_id_unescape(struct rt_buf *out, const char *text) RT_MUST_USE;
/* True when text is exactly what rt_id_escape would write of what it stands for. */
bool rt_id_escaped(const char *text, size_t len);
/* Checks, axes and axis values are named with [A-Za-z0-9_.-]+. */
bool rt_name_valid(const char *name);
/*
 * Appends the id of a case: cell, "/", the parts (raw bytes, escaped here) joined by "::", empty and NULL parts
 * dropped; nothing left:
 * "(unnamed)".
 */
void rt_id_case(struct rt_buf *out, const char *cell, const char *const *parts, size_t n);
/* Length of the cell's name in an id (up to the first "/"), or of the check's name in it (up to "[" or "/"). */
size_t rt_id_cell_len(const char *id);
size_t rt_id_check_len(const char *id);

#endif
