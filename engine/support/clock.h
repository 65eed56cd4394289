#ifndef RT_SUPPORT_CLOCK_H
#define RT_SUPPORT_CLOCK_H

/* Time. Deadlines are monotonic milliseconds; the wall clock is only written into records and never decides order. */

#include <stdint.h>

#include "support/buf.h"

/* Monotonic milliseconds (CLOCK_BOOTTIME). */
int64_t rt_clock_ms(void);
/* Wall clock, seconds since 1970 UTC. RATCHET_TEST_NOW (an integer) replaces it, for tests; it is read here alone. */
int64_t rt_clock_now(void);
/* "2026-01-31T12:00:00Z" */
void rt_clock_iso(struct rt_buf *out, int64_t seconds);
/* "2026-01-31" to seconds at the start of that UTC day: 0 or -1. */
int rt_clock_parse_date(const char *s, int64_t *seconds) RT_MUST_USE;
/* "500ms", "30s", "10m", "2h", "1d" or plain seconds to milliseconds: 0 or -1. */
int rt_clock_parse_duration(const char *s, int64_t *ms) RT_MUST_USE;

#endif
