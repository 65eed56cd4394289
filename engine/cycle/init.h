#ifndef RT_CYCLE_INIT_H
#define RT_CYCLE_INIT_H

/*
 * Adopting ratchet in a repository (design sections 5 and 6): recognises the project, writes ratchet.yml and the folder
 * beside it, runs the matrix several times, lands what passes every time as the first baseline in one commit, and
 * installs the hooks. What the user had staged is never committed. Run again, it changes nothing but mends what is
 * missing of the installation.
 */

#include "cycle/gate.h"

struct rt_init {
	const char *target;	      /* NULL: the branch HEAD is on */
	const struct rt_strs *checks; /* "name=command"; in the place of what is recognised. May be empty */
	const char *signer;	      /* a public key or a file that holds one; NULL: none */
	bool no_commit, agents, server_governance;
	unsigned runs;	    /* of the matrix; at least 1 */
	const char *binary; /* absolute path of ratchet, for the hooks */
	const char *path;   /* the operator's $PATH */
	/* Asks for the one command where nothing is recognised: 1, 0 nobody to ask, -1. */
	int (*ask)(void *data, struct rt_buf *command, struct rt_err *err);
	void *data;
	struct rt_progress progress;
};

enum rt_init_end {
	RT_INIT_ADOPTED,
	RT_INIT_IN_PLACE,   /* it was adopted before */
	RT_INIT_FILES,	    /* --no-commit: the files are in the work tree */
	RT_INIT_INCOMPLETE, /* no whole evidence: the files are in the work tree; the report says why */
	RT_INIT_IN_THE_WAY, /* the work tree or another process; nothing was committed; the report says why */
	RT_INIT_SERVER	    /* a bare repository: hooks and configuration */
};

struct rt_init_result {
	enum rt_init_end end;
	struct rt_strs did;	 /* what was done, a sentence each */
	struct rt_report report; /* where the matrix ran */
	size_t recorded;	 /* lines of the first baseline */
};
#define RT_INIT_RESULT_INIT            \
	{                              \
		.end = RT_INIT_ADOPTED \
	}

int rt_init(struct rt_home *home, const struct rt_init *init, struct rt_init_result *result,
	    struct rt_err *err) RT_MUST_USE;
/* Takes hooks and configuration back; committed files stay. did gets a sentence for each thing. */
int rt_init_undo(struct rt_home *home, struct rt_strs *did, struct rt_err *err) RT_MUST_USE;
void rt_init_result_release(struct rt_init_result *result);
RT_DEFINE_AUTO(init_result, struct rt_init_result, rt_init_result_release);

#endif
