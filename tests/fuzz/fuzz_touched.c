/* Whatever the bytes: the scan of a patch's headers ends, reads nothing outside them, and gives sorted paths that an
 * index can hold. */

#include <stdint.h>
#include <string.h>

#include "git/binary.h"
#include "git/touched.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_paths(const struct rt_strs *paths)
{
	size_t i;

	for (i = 0; i < paths->n; i++) {
		if (!*paths->at[i] || strstr(paths->at[i], "//"))
			rt_bug("\"%s\" is no path", paths->at[i]);
		if (i && strcmp(paths->at[i - 1], paths->at[i]) >= 0)
			rt_bug("\"%s\" comes before \"%s\"", paths->at[i - 1], paths->at[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* A copy of just this size, so that a sanitizer sees a read beyond it. */
	rt_auto(free) char *patch = rt_alloc(len ? len : 1, 1);
	rt_auto(strs) struct rt_strs paths = {0};
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	int result;

	memcpy(patch, bytes, len);
	result = rt_touched_scan(patch, len, &limits, &paths, &why);
	if (result != 0 && result != 2)
		rt_bug("the scan gave %d", result);
	if ((result == 2) != (why.len > 0))
		rt_bug("the scan gave %d and \"%s\"", result, why.data);
	check_paths(&paths);
	(void)rt_touched_unquote(patch, len, &name);
	(void)rt_binary_delta_result(patch, len);
	return 0;
}
