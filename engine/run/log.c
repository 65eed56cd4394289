#include "run/inner.h"

#include <string.h>

void
rt_log_add(struct rt_log *log, const char *bytes, size_t len)
{
	if (log->head.len < RT_LOG_HEAD) {
		size_t part = RT_LOG_HEAD - log->head.len;
		part = part < len ? part : len;
		rt_buf_add(&log->head, bytes, part);
		bytes += part;
		len -= part;
	}
	if (!len)
		return;
	if (!log->ring)
		log->ring = rt_alloc(1, RT_LOG_TAIL);
	if (len > RT_LOG_TAIL) {
		log->tail += len - RT_LOG_TAIL;
		bytes += len - RT_LOG_TAIL;
		len = RT_LOG_TAIL;
	}
	size_t at = log->tail % RT_LOG_TAIL;
	size_t first = len < RT_LOG_TAIL - at ? len : RT_LOG_TAIL - at;
	memcpy(log->ring + at, bytes, first);
	memcpy(log->ring, bytes + first, len - first);
	log->tail += len;
}

void
rt_log_write(const struct rt_log *log, struct rt_buf *out)
{
	rt_buf_add(out, log->head.data, log->head.len);
	if (log->tail <= RT_LOG_TAIL) {
		if (log->tail)
			rt_buf_add(out, log->ring, log->tail);
		return;
	}
	rt_buf_addf(out, "\n[... %llu bytes left out ...]\n", (unsigned long long)(log->tail - RT_LOG_TAIL));
	size_t at = log->tail % RT_LOG_TAIL;
	rt_buf_add(out, log->ring + at, RT_LOG_TAIL - at);
	rt_buf_add(out, log->ring, at);
}

void
rt_log_release(struct rt_log *log)
{
	rt_buf_release(&log->head);
	free(log->ring);
	log->ring = NULL;
	log->tail = 0;
}
