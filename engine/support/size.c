#include <fts.h>

#include "support/file.h"

uint64_t
rt_tree_size(const char *path)
{
	rt_auto(free) char *top = rt_strdup(path);
	char *const paths[] = {top, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	uint64_t size = 0;

	if (!walk)
		return 0;
	for (FTSENT *entry; (entry = fts_read(walk)) != NULL;)
		if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS && entry->fts_info != FTS_ERR)
			size += (uint64_t)entry->fts_statp->st_blocks * 512;
	fts_close(walk);
	return size;
}

bool
rt_room_take(uint64_t *room, const char *path)
{
	uint64_t size = rt_tree_size(path);

	if (size > *room)
		return false;
	*room -= size;
	return true;
}
