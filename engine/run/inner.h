#ifndef RT_RUN_INNER_H
#define RT_RUN_INNER_H

/*
 * Private to engine/run. A cell has three processes at least: the engine (pool.c), the cell's init (init.c: pid 1 of
 * the cell's namespaces, or a supervisor without them), and the command. With namespaces a fourth stands between engine
 * and init, the keeper (keeper.c), which builds what cells see and serves one after the other. Engine and init talk
 * over a sequenced-packet socketpair: init sends notes, and takes the end of file as the order to kill everything and
 * leave.
 *
 * What runs between clone and exec is a copy of a single-threaded engine: it may use the heap, but never returns to the
 * engine's code and leaves with _exit.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run/cell.h"

struct sock_fprog;

/* Where the workspace's changes go. */
enum rt_workspace {
	RT_WORKSPACE_MEMORY, /* an overlay whose upper layer lies on the cell's own tmpfs and dies with it */
	RT_WORKSPACE_DISK,   /* an overlay whose upper layer is a directory of the host */
	RT_WORKSPACE_COPY    /* no overlay: the layers copied into one directory of the host */
};

/* Everything that the child needs to know; made by the engine before the clone, or sent to a keeper. */
struct rt_launch {
	const struct rt_cell_spec *spec;
	bool lends; /* the keeper may serve another cell behind this one */
	enum rt_workspace workspace;
	bool rehearsal; /* the probe's: build everything, run nothing */
	char *scratch;	/* a host directory of this cell alone, removed after it; NULL: not needed */
	char *tree;	/* host path of the copy or of the overlay's upper directory; NULL for RT_WORKSPACE_MEMORY */
	char *work;	/* the overlay's work directory beside it */
	char *home, *tmp;
	struct rt_strs argv, env;
	const struct sock_fprog *filter; /* NULL: none */
	int landlock;			 /* ABI, 0: none */
	uint64_t tmp_bytes, max_pids;
	int sock, out, errs; /* the child's ends */
};
#define RT_LAUNCH_INIT                            \
	{                                         \
		.sock = -1, .out = -1, .errs = -1 \
	}
/* Makes the directories, the environment and the filter. At NAMESPACES how says where the changes go. */
int rt_launch_prepare(struct rt_launch *launch, const struct rt_cell_spec *spec, enum rt_workspace how,
		      struct rt_err *err) RT_MUST_USE;
/* Removes the scratch directory and frees. */
void rt_launch_release(struct rt_launch *launch);

/* note.c: what init and keeper tell the engine. */
enum rt_note_kind {
	RT_NOTE_READY = 1, /* the command starts now; carries the upper directory in memory, if there is one */
	RT_NOTE_EXIT,	   /* the command ended */
	RT_NOTE_PROBLEM,   /* the isolation could not be set up: text says why */
	RT_NOTE_OVER,	   /* the keeper's: every process of the cell is dead, and another may be asked for */
	RT_NOTE_HOME	   /* the keeper's, if OVER said that it is busy: no longer */
};
struct rt_note {
	enum rt_note_kind kind;
	int status;	  /* EXIT: as of waitpid */
	unsigned leaked;  /* EXIT: processes that outlived the command */
	bool busy;	  /* OVER: the cell wrote so much that its end takes long */
	int64_t ms;	  /* rt_clock_ms when it happened */
	int64_t start_ns; /* READY: see rt_cell_outcome */
	char text[1600];
};
/* fd: -1 or what goes along. 0 or -1 with errno. */
int rt_note_send(int sock, const struct rt_note *note, int fd);
/* 1 a note, 0 the other side is gone, -1 with errno (EAGAIN: nothing there). fd is the caller's, -1 where none came. */
int rt_note_receive(int sock, struct rt_note *note, int *fd) RT_MUST_USE;

/* request.c: the launch of another cell, for a keeper whose first one was of the same kind. */
/* What cells must have in common for that, as one word; NULL: its keeper serves this one alone. The caller frees. */
char *rt_request_kind(const struct rt_cell_spec *spec);
/* 0, or -1 with errno: the keeper is gone, or this is more than a message can hold. */
int rt_request_send(int sock, const struct rt_launch *launch);
struct rt_request {
	struct rt_launch launch;
	struct rt_cell_spec spec;
	struct rt_strs lowers;
	char *reports;
};
/* Waits for one. first: what a request does not say is as there. 0, or -1 when there will be none. */
int rt_request_receive(struct rt_request *request, const struct rt_launch *first) RT_MUST_USE;
void rt_request_release(struct rt_request *request);

/* spawn.c. Starts the cell's keeper, or its supervisor; *pidfd is the caller's. cgroup: directory descriptor of a v2
 * group to start in, or -1. */
int rt_spawn(const struct rt_launch *launch, int cgroup, pid_t *pid, int *pidfd, struct rt_err *err) RT_MUST_USE;
/* Closes every descriptor from 3 up but those of keep, which is sorted; -1 and doubles do no harm. */
void rt_close_others(int *keep, size_t n);
/* Tells the engine what is wrong, and leaves. */
_Noreturn void rt_give_up(const struct rt_launch *launch, const struct rt_err *err);
/* Fills the workspace of RT_WORKSPACE_COPY. */
int rt_copy_workspace(const struct rt_launch *launch, struct rt_err *err) RT_MUST_USE;

/* keeper.c: in the new user, mount, pid, network and host name namespaces. The ids are the caller's outside. */
_Noreturn void rt_keeper_main(const struct rt_launch *launch, uid_t uid, gid_t gid);

/* What a keeper gives to the init of a cell in namespaces. */
struct rt_cradle {
	int upper;   /* to be announced: where the workspace's changes are in memory, or -1 */
	int domain;  /* Landlock's, for the command; -1: none */
	int traffic; /* /proc/net/dev */
	bool quiet;  /* init's answer: the command left nothing, and nothing went over the loopback interface */
};

/* init.c: announces the cell, starts the command, waits for it, kills what it left and tells. cradle: NULL without
 * namespaces. */
_Noreturn void rt_init_main(const struct rt_launch *launch, struct rt_cradle *cradle);

/* command.c: what the command's process does before it is the command. domain: Landlock's at NAMESPACES, or -1. */
_Noreturn void rt_command_main(const struct rt_launch *launch, int domain);

/* view.c: builds the file system that a keeper's cells see and makes it the root. In the keeper, in a mount namespace
 * of its own, with all capabilities in it. */
int rt_view_enter(const struct rt_launch *launch, struct rt_err *err) RT_MUST_USE;

/* shown.c: what is shown of this machine, found once. Host paths, in an order that makes parents before children. */
struct rt_shown {
	char *path;
	char *link; /* it is a symbolic link to this; NULL: a file or directory */
	bool dir;
};
const struct rt_shown *rt_shown_system(size_t *n);
/* Where a path of tools or caches is shown: it is already, for all cells of a keeper alike, or in a place of the cell's
 * own. -1: it can't be. */
enum { RT_PLACE_SYSTEM, RT_PLACE_VIEW, RT_PLACE_OWN };
int rt_shown_place(const char *path, struct rt_err *err) RT_MUST_USE;
/* Top-level entries of /proc that root may write to without any capability: covered by read-only mounts. */
const struct rt_strs *rt_shown_proc_covers(void);

/* env.c: the whole environment of the command. */
void rt_env_build(const struct rt_cell_spec *spec, const char *home, const char *tmp, struct rt_strs *env);

/* landlock.c */
int rt_landlock_abi(void);
/* At NAMESPACES: everything that is visible may be read, the cell's own places written (directories, open; -1 is left
 * out). nested: scopes alone. *domain becomes a descriptor to enter, or -1: this kernel has none. */
int rt_landlock_make_view(int *domain, int abi, bool nested, int root, const int *writable, size_t n,
			  struct rt_err *err) RT_MUST_USE;
/* no_new_privs is set already. */
int rt_landlock_enter(int domain, struct rt_err *err) RT_MUST_USE;
/* At LANDLOCK: the allowlist of host paths. */
int rt_landlock_enter_host(const struct rt_launch *launch, struct rt_err *err) RT_MUST_USE;

/* seccomp.c: compiled once for each combination; owned by the module. Not for level NONE. */
const struct sock_fprog *rt_seccomp_filter(enum rt_isolation level, bool nested, enum rt_network network,
					   struct rt_err *err);
int rt_seccomp_enter(const struct sock_fprog *filter, struct rt_err *err) RT_MUST_USE;

/* privilege.c: gives up every capability for good, uid 0's too. no_new_privs is set by it. */
int rt_privilege_drop(struct rt_err *err) RT_MUST_USE;

/* kill.c: control groups of the cell, where they are writable. All of it is best effort but limits that were asked for.
 */
struct rt_cage {
	int dir;	       /* v2 group, or -1 */
	char *paths[3];	       /* directories to remove: v2, v1 memory, v1 pids */
	uint64_t memory_bytes; /* limit that is in force, 0: none */
};
#define RT_CAGE_INIT      \
	{                 \
		.dir = -1 \
	}
void rt_cage_make(struct rt_cage *cage, const struct rt_cell_spec *spec);
/*
 * Once what is in the group has run for a while: without a limit of memory so far, a v1 group sets one. Its processes
 * are frozen meanwhile, so that none is forked past it.
 */
void rt_cage_tighten(struct rt_cage *cage);
/* Moves pid into the v1 groups; before the child is told to go on. */
void rt_cage_admit(const struct rt_cage *cage, pid_t pid);
/* Whether there was a group to kill. */
bool rt_cage_kill(const struct rt_cage *cage);
bool rt_cage_out_of_memory(const struct rt_cage *cage);
void rt_cage_release(struct rt_cage *cage);

/* tree.c: kill without namespaces. */
struct rt_spare {
	const pid_t *at; /* these children of root and what is below them are left alone */
	size_t n;
};
/* How many descendants of root are alive. */
unsigned rt_tree_count(pid_t root, struct rt_spare spare);
/*
 * Freezes, then kills all descendants of root, reaping what becomes the caller's child. Returns whether none was left
 * at until (rt_clock_ms). The caller is their subreaper, or they could slip away to init.
 */
bool rt_tree_kill(pid_t root, struct rt_spare spare, int64_t until);
/* The present children of pid, for sparing them later. Appends to *at, counted by *n; the caller frees. */
void rt_tree_children(pid_t pid, pid_t **at, size_t *n);

/* probe.c: the facts behind rt_isolation_probe. */
struct rt_machine {
	int landlock; /* ABI */
	bool namespaces, overlay, overlay_in_memory;
	struct rt_strs why;
};
const struct rt_machine *rt_machine(void);
/* A cell could not be set up: what was kept of an earlier trial is not to be trusted. */
void rt_machine_forget(void);

/* log.c: what is kept of a cell's output. */
#define RT_LOG_HEAD ((size_t)64 << 10)
#define RT_LOG_TAIL ((size_t)192 << 10)
struct rt_log {
	struct rt_buf head;
	char *ring;    /* the last RT_LOG_TAIL bytes behind the head */
	uint64_t tail; /* bytes that ever went into the ring */
};
#define RT_LOG_INIT                 \
	{                           \
		.head = RT_BUF_INIT \
	}
void rt_log_add(struct rt_log *log, const char *bytes, size_t len);
/* Appends what was kept to out, with a line on what was left out. */
void rt_log_write(const struct rt_log *log, struct rt_buf *out);
void rt_log_release(struct rt_log *log);

#endif
