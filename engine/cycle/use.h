#ifndef RT_CYCLE_USE_H
#define RT_CYCLE_USE_H

/*
 * "Am I using the last thing I built?": when each check, hook, policy rule and command last ran, and when it last
 * changed a verdict. What ran is read from the newest entries of this writer's chain and, for commands and hooks that
 * leave no entry, from the times of the files in <ratchet>/use; what changed a verdict from the evidence of entries
 * that did not accept. The rules are the keys that the policy files ask by, which run whenever a proposal is judged,
 * and, once they refused something, those that always hold.
 */

#include "cycle/ledger.h"
#include "cycle/trusted.h"

#define RT_USE_KINDS(X) X(CHECK, "check") X(HOOK, "hook") X(RULE, "rule") X(COMMAND, "command")
enum rt_use_kind {
#define X(name, text) RT_USE_##name,
	RT_USE_KINDS(X)
#undef X
};
const char *rt_use_kind_name(enum rt_use_kind kind);

struct rt_use {
	enum rt_use_kind kind;
	char *name;
	int64_t ran, changed; /* seconds UTC; 0: not in what was looked at */
};
struct rt_uses {
	struct rt_use *at;
	size_t n, cap;
	size_t entries; /* that were looked at */
	int64_t oldest; /* time of the oldest of them; 0: none */
};

/* commands: their names, NULL-terminated. trusted: of the target's tip. */
int rt_uses_gather(struct rt_uses *uses, struct rt_home *home, const struct rt_trusted *trusted,
		   const char *const *commands, struct rt_err *err) RT_MUST_USE;
void rt_uses_release(struct rt_uses *uses);
RT_DEFINE_AUTO(uses, struct rt_uses, rt_uses_release);

#endif
