#ifndef RT_CYCLE_GATE_H
#define RT_CYCLE_GATE_H

/*
 * The gate: one pass from a candidate to a verdict (design section 9): policy on the resulting tree's difference, plan,
 * run, read, judge. It moves no ref. propose, check, hooks and ci all come through here.
 */

#include "cycle/home.h"
#include "cycle/intake.h"
#include "cycle/matrix.h"
#include "cycle/ledger.h"
#include "cycle/report.h"
#include "cycle/trusted.h"

#define RT_GATE_INIT                       \
	{                                  \
		.trusted = RT_TRUSTED_INIT \
	}

struct rt_gate {
	struct rt_home *home;
	struct rt_quarantine *quarantine;
	struct rt_oid base, base_tree; /* the commit whose trusted inputs rule, and that is compared with */
	struct rt_oid candidate, tree; /* candidate may be "" (a staged tree) */
	struct rt_trusted trusted;     /* of the base; in an adoption: of the candidate */
	bool adoption;
	bool adopt_trusted; /* --adopt: the head's isolation, network, tools, caches are believed */
	bool lands;	    /* an accepted verdict lands at once */
	bool fresh;	    /* no recorded result stands for a run */
	bool fast;
	bool owed;			 /* with fast: that no check is marked so is no failure */
	bool answers;			 /* what fell before on this base is answered from the ledger */
	bool governance_ok;		 /* the caller has the operator's word for unsigned governance */
	const struct rt_commit *commits; /* what is proposed, oldest first; messages and signatures are judged */
	size_t n_commits;
	bool lost_signature; /* commits were replayed that had been signed */
	bool stale;	     /* found while judging: governance of which only the replay lacks a signature */
	struct rt_progress progress;
	struct rt_report report;
	struct rt_baseline raised; /* what the landing commits */
	bool governed;		   /* the proposal changes trusted inputs and was allowed to */
	struct rt_waivers brought; /* then: those of the candidate */
	bool unsigned_governance;  /* by the operator's word alone, since the target names no signer yet */
	bool secret;		   /* a secret was found: nothing of the proposal is kept */
	struct rt_strs evidence;   /* "cell digest" of every run, for the ledger */
	int64_t started;
};

/* Makes id and quarantine, reads the base's trusted inputs (base NULL: adoption of the candidate). */
int rt_gate_open(struct rt_gate *gate, struct rt_home *home, const char *target, const struct rt_oid *base,
		 struct rt_err *err) RT_MUST_USE;
/* Adoption: the head's own configuration. Call when trusted.present is false, before judging. */
int rt_gate_adopt(struct rt_gate *gate, const struct rt_oid *tree, struct rt_err *err) RT_MUST_USE;
/*
 * Judges gate->tree against gate->base_tree; the verdict is in gate->report. -1: could not even try.
 */
int rt_gate_judge(struct rt_gate *gate, struct rt_err *err) RT_MUST_USE;
/* Secrets in the raw proposal: true when there are any; they are in the report as refusals and nothing else was kept.
 */
bool rt_gate_secrets(struct rt_gate *gate, const char *name, const struct rt_buf *raw);
void rt_gate_verdict(struct rt_gate *gate, enum rt_verdict verdict, const char *why);
/* What a candidate's processes wrote, as it is kept and shown: without secrets, and harmless wherever it is printed.
 * Owned by the caller. */
char *rt_gate_text(const struct rt_gate *gate, const char *text);
/* Appends the JUDGED (or ADOPTED, REJECTED ...) entry and keeps the evidence; report.ledger is set. */
int rt_gate_record(struct rt_gate *gate, enum rt_op op, struct rt_err *err) RT_MUST_USE;
/* Before another candidate is judged by the same gate: drops what was reported of the last one. */
void rt_gate_forget(struct rt_gate *gate);
/* A part of rt_gate_record, for a landing: a record with what the report says; digest: of the evidence. */
void rt_gate_fill(const struct rt_gate *gate, enum rt_op op, const char *digest, struct rt_record *record);
void rt_gate_release(struct rt_gate *gate);
RT_DEFINE_AUTO(gate, struct rt_gate, rt_gate_release);

#endif
