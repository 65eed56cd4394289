#ifndef RT_CYCLE_DOCTOR_H
#define RT_CYCLE_DOCTOR_H

/*
 * Is the installation sound, and what can this machine do? One line for each thing that was looked at. A finding is
 * what keeps ratchet from doing its work; a note what it does without. Each names its mend.
 */

#include "cycle/home.h"

enum rt_health { RT_HEALTH_OK, RT_HEALTH_NOTE, RT_HEALTH_FINDING };

struct rt_diagnosis {
	const char *what; /* hooks, configuration, ledger, isolation, ... */
	enum rt_health health;
	bool mended; /* by this run */
	char *text;
};
struct rt_diagnoses {
	struct rt_diagnosis *at;
	size_t n, cap;
};

/*
 * dir: where to look for a repository; where there is none, the machine alone is looked at. binary: absolute path of
 * ratchet, for the hooks. fix: what can be mended without a choice is: the hooks are put back, an interrupted landing
 * is completed or undone, what nobody uses any more is removed.
 */
int rt_doctor(const char *dir, const char *binary, bool fix, struct rt_diagnoses *out, struct rt_err *err) RT_MUST_USE;
/* How many are findings. */
size_t rt_doctor_findings(const struct rt_diagnoses *diagnoses);
const char *rt_health_name(enum rt_health health);
void rt_diagnoses_release(struct rt_diagnoses *diagnoses);
RT_DEFINE_AUTO(diagnoses, struct rt_diagnoses, rt_diagnoses_release);

#endif
