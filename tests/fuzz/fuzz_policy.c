/*
 * The input is a policy, a NUL, and a text that is in turn a path, a link, a .gitmodules, a .gitattributes, a patch and
 * a log. Whatever the bytes: positions in errors, no refusal that tells a secret, nothing left to redact after
 * redaction.
 */

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "model/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char known[] = "correct-horse-battery-staple";

static void
check_path(const char *path)
{
	const char *reason;

	if (rt_path_problem(path, &reason))
		return;
	if (*path == '/' || strstr(path, "//") || strchr(path, '\\') || strchr(path, '\n'))
		rt_bug("path %s is called sound", path);
	for (const char *part = path; part; part = strchr(part, '/')) {
		size_t n;
		part += *part == '/';
		n = strcspn(part, "/");
		if (!n || (n == 2 && !memcmp(part, "..", 2)) || (n == 4 && !strncasecmp(part, ".git", 4)))
			rt_bug("path %s is called sound", path);
	}
}

static void
check_link(const char *text, size_t len)
{
	const char *reason;

	if (!rt_link_problem("a/b", text, len, &reason) &&
	    (*text == '/' || !strcmp(text, "../..") || !strncmp(text, "../../", 6)))
		rt_bug("target %s is called sound", text);
}

static void
check_refusals(const struct rt_refusals *refusals)
{
	for (size_t i = 0; i < refusals->n; i++) {
		const struct rt_refusal *refusal = &refusals->at[i];
		if (!refusal->rule[0] || !refusal->reason[0] || strstr(refusal->reason, known))
			rt_bug("refusal %s: %s", refusal->rule, refusal->reason);
		if (refusal->path && strstr(refusal->path, known))
			rt_bug("refusal of %s tells the value", refusal->path);
	}
}

static void
judge(const struct rt_policy *policy, const char *text, size_t len, struct rt_refusals *refusals)
{
	static const char *const paths[] = {".gitmodules", "d/.gitattributes", "x.bin"};
	struct rt_delta delta = {.new_mode = 0100644, .new_size = len, .content = text, .content_len = len};

	for (size_t i = 0; i < RT_COUNT(paths); i++) {
		delta.path = paths[i];
		rt_policy_judge(policy, &delta, refusals);
	}
	delta.path = text;
	rt_policy_judge(policy, &delta, refusals);
	delta.new_mode = 0120000;
	rt_policy_judge(policy, &delta, refusals);
}

static void
redact(const char *text, size_t len)
{
	struct rt_policy *policy = rt_policy_new();
	struct rt_err err = RT_ERR_INIT;
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	if (rt_policy_add_value(policy, known, strlen(known), &err))
		rt_bug("%s", err.text);
	rt_buf_add(&log, text, len);
	rt_policy_redact(policy, &log);
	if (memmem(log.data, log.len, known, strlen(known)))
		rt_bug("a known value is left");
	rt_policy_free(policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rt_policy *policy = rt_policy_new();
	rt_auto(refusals) struct rt_refusals refusals = {0};
	rt_auto(free) char *text = NULL;
	struct rt_err err = RT_ERR_INIT;
	const uint8_t *nul = memchr(bytes, 0, len);
	size_t head = nul ? (size_t)(nul - bytes) : len, rest = nul ? len - head - 1 : 0;

	if (rt_policy_parse(policy, (const char *)bytes, head, "fuzz.yml", &err) &&
	    (err.code != RT_ECONFIG || !err.text[0] || !err.line))
		rt_bug("error without code, text or position: %u:%u %s", err.line, err.column, err.text);
	if (rt_policy_add_value(policy, known, strlen(known), &err))
		rt_bug("%s", err.text);
	text = rt_alloc(rest + 1, 1);
	if (nul)
		memcpy(text, nul + 1, rest);
	check_path(text);
	check_link(text, strlen(text));
	judge(policy, text, rest, &refusals);
	rt_policy_scan(policy, "message", text, rest, &refusals);
	rt_policy_scan_patch(policy, "p.patch", text, rest, &refusals);
	rt_policy_scan_change(policy, text, text, rest / 2, text, rest, &refusals);
	check_refusals(&refusals);
	redact(text, rest);
	rt_policy_free(policy);
	return 0;
}
