#ifndef RT_MODEL_SELECT_H
#define RT_MODEL_SELECT_H

/*
 * Running one case alone. A check that says `rerun` gives the command; for a runner that is known (`report: pytest`)
 * the check's own command is kept and told to select: by a variable that the runner reads, or by words behind its name.
 *
 * What is made here may run more than the one case, or other cases, or nothing: names in reports are not exactly what
 * runners select by. That does no harm, because such a run counts only when its report shows that the case itself was
 * executed (rt_run_weigh); else the whole check runs. Names come from the proposal, so they are quoted for the shell
 * and escaped for the runner's patterns, always.
 */

#include "model/config.h"

/* Empty: {0} with value and shell NULL. */
struct rt_select {
	char *shell;	     /* in place of the check's shell command, placeholders and all; NULL: that one */
	struct rt_strs args; /* more words for a check whose command is a list, ... */
	size_t at;	     /* ... before this one of its own */
	char *variable;	     /* NAME of a variable, or NULL */
	char *value;	     /* for it, behind a space where it has a value already */
};

/* False: there is no way to run this case alone. id: of a case of the check, escaped. */
bool rt_select_make(struct rt_select *out, const struct rt_check *check, const char *id);
void rt_select_release(struct rt_select *select);
RT_DEFINE_AUTO(select, struct rt_select, rt_select_release);

/* Is {{case}} within quotes, in which its own quotes would not protect? */
bool rt_select_quoted(const char *shell);

#endif
