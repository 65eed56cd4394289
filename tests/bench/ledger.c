/*
 * Makes long ledgers, and times appends:
 *     ledger stream WRITER FROM COUNT PARENT DIGEST    a stream for git fast-import of entries FROM..FROM+COUNT-1
 *     ledger head REPOSITORY                           "WRITER SEQ DIGEST COMMIT" of its chain
 *     ledger append REPOSITORY COUNT                   appends landings, two entries each, as `propose` does
 * A stream writes what rt_ledger_append would, without its syncs: a hundred thousand entries in seconds.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cycle/ledger.h"

static void
fill(struct rt_record *record, int64_t seq)
{
	record->op = seq % 2 ? RT_OP_INTENT : RT_OP_OUTCOME;
	record->id = rt_format("%012" PRIx64, (uint64_t)(seq + 1) / 2);
	record->target = rt_strdup("main");
	record->base = rt_format("%040" PRIx64, (uint64_t)seq);
	record->candidate = rt_format("%040" PRIx64, (uint64_t)seq + 1);
	record->tree = rt_format("%040" PRIx64, (uint64_t)seq + 2);
	record->verdict = rt_strdup("would-land");
	record->counts[0] = 214;
	record->isolation = rt_strdup("namespaces");
	record->evidence = rt_json_new_object();
	rt_json_set_string(record->evidence, "unit candidate",
			   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static int
stream(char **argv, struct rt_err *err)
{
	const char *writer = argv[0], *parent = argv[3];
	int64_t from = strtoll(argv[1], NULL, 10), count = strtoll(argv[2], NULL, 10);
	char digest[RT_SHA256_HEX + 1] = "";
	snprintf(digest, sizeof(digest), "%s", argv[4]);
	for (int64_t seq = from; seq < from + count; seq++) {
		rt_auto(record) struct rt_record record = RT_RECORD_INIT, back = RT_RECORD_INIT;
		rt_auto(buf) struct rt_buf message = RT_BUF_INIT;
		fill(&record, seq);
		record.seq = seq;
		memcpy(record.prev, digest, sizeof(record.prev));
		record.actor = rt_strdup("bench");
		record.boot_id = rt_strdup(rt_boot_id());
		record.heads = rt_json_new_object();
		record.time = 1700000000 + seq;
		rt_record_write(&record, &message);
		if (rt_record_parse(&back, message.data, message.len, digest, err) < 0)
			return -1;
		printf("commit " RT_LEDGER_REFS "%s\ncommitter ratchet <ratchet@%s> %" PRId64 " +0000\ndata %zu\n%s\n",
		       writer, writer, record.time, message.len, message.data);
		if (seq == from && parent[0])
			printf("from %s\n", parent);
	}
	return 0;
}

static int
append(const char *repo, const char *count, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	struct rt_head head;
	if (rt_home_open(&home, repo, err) < 0)
		return -1;
	for (long left = strtol(count, NULL, 10); left > 0; left--) {
		if (rt_ledger_head(&home, &head, err) < 0)
			return -1;
		for (int i = 0; i < 2; i++) {
			rt_auto(record) struct rt_record record = RT_RECORD_INIT;
			/* odd and even: an intent and what closes it, whatever stands before them */
			fill(&record, head.seq * 2 + 1 + i);
			if (rt_ledger_append(&home, &record, NULL, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int
show_head(const char *repo, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	struct rt_head head;
	if (rt_home_open(&home, repo, err) < 0 || rt_ledger_head(&home, &head, err) < 0)
		return -1;
	printf("%s %" PRId64 " %s %s\n", home.writer, head.seq, head.digest, head.commit.hex);
	return 0;
}

int
main(int argc, char **argv)
{
	struct rt_err err = RT_ERR_INIT;
	int failed = 2;
	if (argc == 7 && strcmp(argv[1], "stream") == 0)
		failed = stream(argv + 2, &err);
	else if (argc == 4 && strcmp(argv[1], "append") == 0)
		failed = append(argv[2], argv[3], &err);
	else if (argc == 3 && strcmp(argv[1], "head") == 0)
		failed = show_head(argv[2], &err);
	else
		fputs("usage: ledger stream|append|head ...\n", stderr);
	if (failed < 0)
		fprintf(stderr, "%s\n", err.text);
	return failed < 0 ? 1 : failed;
}
