#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../git/box.h"
#include "cycle/ledger.h"

/* A chain that is long enough to be unpacked by a second thread, made in one go. */

enum { LENGTH = 3000 };

static struct rt_err err = RT_ERR_INIT;
static struct rt_home home = RT_HOME_INIT;
static int64_t expected; /* the number that the next entry must have */
static int64_t last_wanted;
static char wanted[RT_SHA256_HEX + 1];

static void
fill(struct rt_record *record, int64_t seq, const char *prev)
{
	record->seq = seq;
	record->op = RT_OP_JUDGED;
	record->id = rt_format("%012" PRIx64, (uint64_t)seq);
	/* every tenth needs escapes, and is read the long way */
	record->target = rt_strdup(seq % 10 ? "main" : "h\xc3\xa4uptling");
	record->verdict = rt_strdup("would-land");
	record->actor = rt_strdup("A U Thor");
	record->boot_id = rt_strdup("b00t");
	record->heads = rt_json_new_object();
	rt_json_set_string(record->heads, "f00d", RT_OID_ZERO);
	record->time = 1700000000 + seq;
	memcpy(record->prev, prev, sizeof(record->prev));
}

static void
import(FILE *out)
{
	char digest[RT_SHA256_HEX + 1];
	memset(digest, '0', RT_SHA256_HEX);
	digest[RT_SHA256_HEX] = '\0';
	for (int64_t seq = 1; seq <= LENGTH; seq++) {
		rt_auto(record) struct rt_record record = RT_RECORD_INIT, back = RT_RECORD_INIT;
		rt_auto(buf) struct rt_buf message = RT_BUF_INIT;
		fill(&record, seq, digest);
		rt_record_write(&record, &message);
		must(rt_record_parse(&back, message.data, message.len, digest, &err) == 0);
		fprintf(out,
			"commit " RT_LEDGER_REFS "%s\ncommitter ratchet <ratchet@%s> %" PRId64 " +0000\ndata %zu\n%s\n",
			home.writer, home.writer, record.time, message.len, message.data);
	}
}

static void
setup(void)
{
	box_setup();
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
	FILE *out = fopen("stream", "w");
	must(out != NULL);
	import(out);
	must(fclose(out) == 0);
	sh("git fast-import --quiet <../stream");
	expected = LENGTH;
	last_wanted = 1;
	wanted[0] = '\0';
}

static void
teardown(void)
{
	rt_home_release(&home);
	box_teardown();
}

TestSuite(ledger, .init = setup, .fini = teardown);

static struct rt_oid
head(void)
{
	return sh_oid("git rev-parse " RT_LEDGER_REFS "%s", home.writer);
}

static int
look(void *data, const struct rt_oid *at, const struct rt_facts *facts, struct rt_err *e)
{
	(void)data;
	(void)e;
	cr_assert_eq(facts->seq, expected, "%" PRId64 " instead of %" PRId64, facts->seq, expected);
	cr_assert_eq(strlen(at->hex), RT_OID_HEX);
	cr_assert(!wanted[0] || strcmp(facts->digest, wanted) == 0, "the digest of %" PRId64, facts->seq);
	cr_assert(rt_span_is(facts->target, facts->seq % 10 ? "main" : "h\xc3\xa4uptling"));
	cr_assert(rt_span_is(rt_span_string(facts->heads, "f00d"), RT_OID_ZERO));
	cr_assert_null(facts->landed.at);
	memcpy(wanted, facts->prev.at, RT_SHA256_HEX);
	return expected-- == last_wanted ? 7 : 0;
}

Test(ledger, a_long_chain_is_scanned_from_the_newest_entry_to_the_first)
{
	struct rt_oid from = head();
	last_wanted = 0;
	cr_assert_eq(rt_ledger_scan(&home, &from, look, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(expected, 0);
}

Test(ledger, a_scan_stops_where_it_is_told_to)
{
	struct rt_oid from = head();
	static const int64_t stops[] = {LENGTH, LENGTH - 5, LENGTH - 511, LENGTH - 512, LENGTH - 1500, 1};
	for (size_t i = 0; i < RT_COUNT(stops); i++) {
		expected = LENGTH;
		last_wanted = stops[i];
		wanted[0] = '\0';
		cr_assert_eq(rt_ledger_scan(&home, &from, look, NULL, &err), 7, "%s", err.text);
		cr_assert_eq(expected, stops[i] - 1);
	}
}

Test(ledger, a_scan_names_a_commit_that_is_no_entry_after_all_that_is_newer)
{
	struct rt_oid from;
	sh("other=$(git commit-tree -m 'no entry' 4b825dc642cb6eb9a060e54bf8d69288fbee4904) && "
	   "for c in $(git rev-list --reverse -n 2000 " RT_LEDGER_REFS "%s | head -n 3); do "
	   "other=$(git cat-file commit $c | sed '1,/^$/d' | git commit-tree -p $other $c^{tree}); done && "
	   "git update-ref refs/heads/other $other",
	   home.writer);
	from = sh_oid("git rev-parse refs/heads/other");
	expected = 1003;
	wanted[0] = '\0';
	cr_assert_eq(rt_ledger_scan(&home, &from, look, NULL, &err), -1);
	cr_assert(strstr(err.text, "ledger entry ") != NULL, "%s", err.text);
	cr_assert_eq(expected, 1000);
}

Test(ledger, a_scan_names_an_object_that_is_missing_deep_in_a_chain)
{
	struct rt_oid deep = sh_oid("git rev-parse " RT_LEDGER_REFS "%s~2000", home.writer), from = head();
	sh("mv .git/objects/pack/*.pack pack && rm -f .git/objects/pack/* && git unpack-objects -q <pack");
	sh("rm -f .git/objects/%.2s/%s", deep.hex, deep.hex + 2);
	rt_home_release(&home);
	home = (struct rt_home)RT_HOME_INIT;
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
	cr_assert_eq(rt_ledger_scan(&home, &from, look, NULL, &err), -1);
	cr_assert(strstr(err.text, deep.hex) != NULL, "%s", err.text);
	cr_assert_eq(expected, LENGTH - 2000);
}
