#ifndef RT_CYCLE_HOME_H
#define RT_CYCLE_HOME_H

/*
 * A repository together with what ratchet keeps about it in <commondir>/ratchet: the writer id, the lane, layers,
 * quarantines, hooks. Made on first use; nothing in it is ever needed to understand the repository.
 */

#include "git/repo.h"
#include "git/worktree.h"
#include "support/file.h"

struct rt_home {
	struct rt_repo *repo;
	char *dir;	 /* <commondir>/ratchet */
	char writer[17]; /* 16 hex digits, random, made once per clone */
	char *cell_home; /* the operator's home directory, or NULL */
	struct rt_seen_index *seen;
};
#define RT_HOME_INIT \
	{            \
		0    \
	}

int rt_home_open(struct rt_home *home, const char *dir, struct rt_err *err) RT_MUST_USE;
/* Of a repository that is open already; takes it over. */
int rt_home_adopt(struct rt_home *home, struct rt_repo *repo, struct rt_err *err) RT_MUST_USE;
void rt_home_release(struct rt_home *home);
RT_DEFINE_AUTO(home, struct rt_home, rt_home_release);

/* "sub/path" in the ratchet directory; the caller frees. */
char *rt_home_path(const struct rt_home *home, const char *fmt, ...) RT_PRINTF(2, 3);

/* This boot (kernel's random id), borrowed; "unknown" without /proc. */
const char *rt_boot_id(void);
/*
 * What of ratchet acts, as "command propose" or "hook pre-commit"; a static string, set once before a home is opened.
 * Opening one touches <ratchet>/use/<via>, so that use is seen of what leaves no entry; entries have it as extra.via.
 */
void rt_via_set(const char *via);
const char *rt_via(void); /* NULL: not set */
/* Who acts: $RATCHET_ACTOR, else user@host; borrowed. */
const char *rt_actor(void);
/* The name of this machine, for record_on: ratchet.machine of git's configuration, else the host's name. */
int rt_machine_name(const struct rt_home *home, struct rt_buf *name, struct rt_err *err) RT_MUST_USE;

#endif
