#ifndef RT_SUPPORT_DEFENCE_H
#define RT_SUPPORT_DEFENCE_H

/*
 * The defences of the gate that a cheat meets, by name. They are always on. Only a build with -Dcheats=true, which
 * tests/cheats makes to show that each cheat would succeed without its defence, takes names to do without from the
 * variable RATCHET_WITHOUT; in every other build rt_defended() is the constant true, and no such variable is read.
 */

#include <stdbool.h>

#define RT_DEFENCES(X)                                                                          \
	X(TRUSTED, "trusted")	      /* configuration and baseline come from the base */       \
	X(ENVIRONMENT, "environment") /* a cell sees an allowlisted environment */              \
	X(AGREEMENT, "agreement")     /* exit code and report agree */                          \
	X(FLOOR, "floor")	      /* something was executed */                              \
	X(COMMAND, "command")	      /* 126 and 127 are no results */                          \
	X(READING, "reading")	      /* a report that contradicts itself is no evidence */     \
	X(WORST, "worst")	      /* of one id's results the worst counts */                \
	X(ABSENT, "absent")	      /* a known case that is absent or skipped is red */       \
	X(COUNTS, "counts")	      /* assertion counts do not fall to nothing */             \
	X(UNTRACKED, "untracked")     /* a tracked file is no report */                         \
	X(BENEATH, "beneath")	      /* a report is a regular file, reached without links */   \
	X(LEFTOVER, "leftover")	      /* no process outlives its cell */                        \
	X(PATHS, "paths")	      /* rules on paths and modes of the resulting tree */      \
	X(CONTROLS, "controls")	      /* a dropped test comes back as it must */                \
	X(NOTHING, "nothing")	      /* an empty proposal is no landing */                     \
	X(TREE, "tree")		      /* what outlives the command is killed, not waited for */ \
	X(DOCTYPE, "doctype")	      /* an XML report declares no entities */                  \
	X(ESCAPE, "escape")	      /* what a candidate wrote is made harmless to show */     \
	X(REPEAT, "repeat")	      /* a tree that fell is answered from the ledger */        \
	X(SWAP, "swap")		      /* the target moves only from what was tested on */

enum rt_defence {
#define X(name, text) RT_DEFENCE_##name,
	RT_DEFENCES(X)
#undef X
};

#ifdef RT_CHEATS
bool rt_defended_by(enum rt_defence defence);
#define rt_defended(name) rt_defended_by(RT_DEFENCE_##name)
#else
#define rt_defended(name) ((void)RT_DEFENCE_##name, true)
#endif

#endif
