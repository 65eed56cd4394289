/*
 * The families of keys that services hand out with a recognisable form. Prefixes and lengths are those that the
 * services or the common scanners publish. A tail of few different characters is a placeholder of some manual and no
 * secret.
 */

#include <ctype.h>
#include <string.h>

#include "model/policy_parts.h"

#define DIGITS "0123456789"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM DIGITS SMALL CAPITALS
#define WORD ALNUM "_"
#define URL64 WORD "-"
#define BASE64 ALNUM "+/="
#define HEX DIGITS "abcdef"
#define BASE32 "234567" CAPITALS

/* Fewer different characters than this in 16 or more are xxxx, 0000, abcabc. */
enum { LEAST_DISTINCT = 7 };

static size_t
run_of(const char *bytes, size_t len, size_t at, const char *charset)
{
	size_t n = 0;

	while (at + n < len && bytes[at + n] && strchr(charset, bytes[at + n]))
		n++;
	return n;
}

static bool
is_placeholder(const char *tail, size_t len)
{
	bool seen[256] = {false};
	size_t distinct = 0;

	for (size_t i = 0; i < len; i++) {
		distinct += !seen[(unsigned char)tail[i]];
		seen[(unsigned char)tail[i]] = true;
	}
	return len >= 16 && distinct < LEAST_DISTINCT;
}

static bool
is_hex(const char *bytes, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)bytes[at + i]))
			return false;
	return true;
}

/*
 * A key does not begin in the middle of a word, nor behind a dash or dot that could belong to a key of its family; so
 * no run of characters is looked at twice. The last letter of an escape (\n, %3D, \u0022, \x1b) in the text before it
 * is no word.
 */
static bool
begins(const char *bytes, size_t at, const char *charset)
{
	char before;

	if (at == 0)
		return true;
	before = bytes[at - 1];
	if (!isalnum((unsigned char)before) && before != '_' &&
	    !((before == '-' || before == '.') && strchr(charset, before)))
		return true;
	if (at >= 2 && bytes[at - 2] == '\\' && strchr("abfnrtv0", before))
		return true;
	if (at >= 3 && bytes[at - 3] == '%' && is_hex(bytes, at - 2, 2))
		return true;
	if (at >= 4 && bytes[at - 4] == '\\' && bytes[at - 3] == 'x' && is_hex(bytes, at - 2, 2))
		return true;
	return at >= 6 && bytes[at - 6] == '\\' && bytes[at - 5] == 'u' && is_hex(bytes, at - 4, 4);
}

/* Prefix and at least so many characters. */
static size_t
open_tail(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t prefix = strlen(family->prefix), tail;

	if (!begins(bytes, at, family->charset))
		return 0;
	tail = run_of(bytes, len, at + prefix, family->charset);
	if (tail < family->least || is_placeholder(bytes + at + prefix, tail))
		return 0;
	return prefix + tail;
}

/* Prefix and exactly so many characters, no word character behind. */
static size_t
exact_tail(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t n = open_tail(family, bytes, len, at), exact = strlen(family->prefix) + family->least;

	if (n != exact)
		return 0;
	return at + n < len && (isalnum((unsigned char)bytes[at + n]) || bytes[at + n] == '_') ? 0 : n;
}

/* Also with a digit among them: dictionary words joined by the charset's punctuation are no key. */
static size_t
digit_tail(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t n = open_tail(family, bytes, len, at);

	for (size_t i = strlen(family->prefix); i < n; i++)
		if (isdigit((unsigned char)bytes[at + i]))
			return n;
	return 0;
}

/* The vendor's manual prints a key that ends so; it opens nothing. */
static size_t
aws_id(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t n = exact_tail(family, bytes, len, at);

	return n && !memcmp(bytes + at + n - 7, "EXAMPLE", 7) ? 0 : n;
}

/* A name, then assignment and quotes, then exactly 40 characters. */
static size_t
aws_secret(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t value = at + strlen(family->prefix), n;

	value += run_of(bytes, len < value + 12 ? len : value + 12, value, " \t\"':=>,(");
	n = run_of(bytes, len, value, family->charset);
	if (value == at + strlen(family->prefix) || n != family->least || is_placeholder(bytes + value, n))
		return 0;
	/* the manual's */
	if (memmem(bytes + value, n, "EXAMPLE", 7))
		return 0;
	return value + n - at;
}

/* Three parts of base64url; header and payload are JSON objects, so both begin with `eyJ`. */
static size_t
jwt(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t head, body, sign;

	if (!begins(bytes, at, URL64 "."))
		return 0;
	head = run_of(bytes, len, at, family->charset);
	if (head < 16 || at + head + 4 > len || memcmp(bytes + at + head, ".eyJ", 4))
		return 0;
	body = run_of(bytes, len, at + head + 1, family->charset);
	if (body < 8 || at + head + 1 + body >= len || bytes[at + head + 1 + body] != '.')
		return 0;
	sign = run_of(bytes, len, at + head + body + 2, family->charset);
	return sign < 16 ? 0 : head + body + sign + 2;
}

/* Two parts with a dot between. */
static size_t
dotted(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t prefix = strlen(family->prefix), first, second;

	if (!begins(bytes, at, family->charset))
		return 0;
	first = run_of(bytes, len, at + prefix, family->charset);
	if (first < 16 || at + prefix + first >= len || bytes[at + prefix + first] != '.')
		return 0;
	second = run_of(bytes, len, at + prefix + first + 1, family->charset);
	return second < family->least ? 0 : prefix + first + 1 + second;
}

/* True where some text from at on, at most window bytes, holds least base64 characters in a row. */
static bool
has_body(const char *bytes, size_t len, size_t at, size_t window, size_t least)
{
	size_t end = len - at < window ? len : at + window, run = 0;

	for (; at < end && run < least; at++)
		run = bytes[at] && strchr(BASE64, bytes[at]) ? run + 1 : 0;
	return run == least;
}

/*
 * From BEGIN to END, or to the end of the bytes: half a key is a secret too. A header without a body, as in a program
 * that looks for one, is none. The text may be one line with \n written out, or a diff with a sign before each line.
 */
static size_t
private_key(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t head = at + strlen(family->prefix), limit = head + 64 < len ? head + 64 : len, end;
	const char *close, *word = NULL;

	while (head < limit && bytes[head] != '-' && bytes[head] != '\n')
		head++;
	if (head + 5 > len || memcmp(bytes + head, "-----", 5))
		return 0;
	word = memmem(bytes + at, head - at, "PRIVATE KEY", 11);
	if (!word || !has_body(bytes, len, head + 5, 600, 24))
		return 0;
	close = memmem(bytes + head + 5, len - head - 5, "-----END ", 9);
	if (!close)
		return len - at;
	end = (size_t)(close - bytes) + 9;
	while (end < len && bytes[end] != '-' && bytes[end] != '\n')
		end++;
	return end + run_of(bytes, end + 5 < len ? end + 5 : len, end, "-") - at;
}

static size_t
putty_key(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at)
{
	size_t head = at + strlen(family->prefix);

	return has_body(bytes, len, head, 4096, 48) ? (len - at < 8192 ? len - at : 8192) : 0;
}

/* Longer prefixes stand before the shorter ones that they begin with: the first that matches names the rule. */
const struct rt_secret_family rt_secret_families[] = {
    {"secret:private-key", "-----BEGIN ", private_key, BASE64, 0},
    {"secret:private-key", "PuTTY-User-Key-File-", putty_key, BASE64, 0},
    {"secret:age-key", "AGE-SECRET-KEY-1", open_tail, DIGITS CAPITALS, 50},
    {"secret:aws-key-id", "AKIA", aws_id, BASE32, 16},
    {"secret:aws-key-id", "ASIA", aws_id, BASE32, 16},
    {"secret:aws-key-id", "ABIA", aws_id, BASE32, 16},
    {"secret:aws-key-id", "ACCA", aws_id, BASE32, 16},
    {"secret:aws-secret-key", "aws_secret_access_key", aws_secret, BASE64, 40},
    {"secret:aws-secret-key", "AWS_SECRET_ACCESS_KEY", aws_secret, BASE64, 40},
    {"secret:aws-secret-key", "SecretAccessKey", aws_secret, BASE64, 40},
    {"secret:azure-storage-key", "AccountKey=", open_tail, BASE64, 86},
    {"secret:github-token", "ghp_", open_tail, ALNUM, 36},
    {"secret:github-token", "gho_", open_tail, ALNUM, 36},
    {"secret:github-token", "ghu_", open_tail, ALNUM, 36},
    {"secret:github-token", "ghs_", open_tail, ALNUM, 36},
    {"secret:github-token", "ghr_", open_tail, ALNUM, 36},
    {"secret:github-token", "github_pat_", open_tail, WORD, 60},
    {"secret:gitlab-token", "glpat-", open_tail, URL64 ".", 20},
    {"secret:gitlab-token", "gldt-", open_tail, URL64, 20},
    {"secret:gitlab-token", "glrt-", open_tail, URL64, 20},
    {"secret:gitlab-token", "glcbt-", open_tail, URL64, 20},
    {"secret:gitlab-token", "glptt-", open_tail, URL64, 20},
    {"secret:gitlab-token", "glsoat-", open_tail, URL64, 20},
    {"secret:gitlab-token", "gloas-", open_tail, URL64, 20},
    {"secret:slack-token", "xoxa-", digit_tail, ALNUM "-", 20},
    {"secret:slack-token", "xoxb-", digit_tail, ALNUM "-", 20},
    {"secret:slack-token", "xoxe-", digit_tail, ALNUM "-", 20},
    {"secret:slack-token", "xoxp-", digit_tail, ALNUM "-", 20},
    {"secret:slack-token", "xoxr-", digit_tail, ALNUM "-", 20},
    {"secret:slack-token", "xoxs-", digit_tail, ALNUM "-", 20},
    {"secret:slack-token", "xapp-", digit_tail, ALNUM "-", 20},
    {"secret:slack-webhook", "hooks.slack.com/services/T", digit_tail, ALNUM "/", 30},
    {"secret:google-key", "AIza", exact_tail, URL64, 35},
    {"secret:google-secret", "GOCSPX-", open_tail, URL64, 28},
    {"secret:google-token", "ya29.", open_tail, URL64, 30},
    {"secret:stripe-key", "sk_live_", open_tail, ALNUM, 16},
    {"secret:stripe-key", "rk_live_", open_tail, ALNUM, 16},
    {"secret:stripe-key", "whsec_", open_tail, BASE64, 32},
    {"secret:npm-token", "npm_", open_tail, ALNUM, 36},
    {"secret:pypi-token", "pypi-AgE", open_tail, URL64, 50},
    {"secret:rubygems-key", "rubygems_", open_tail, HEX, 48},
    {"secret:docker-token", "dckr_pat_", open_tail, URL64, 24},
    {"secret:anthropic-key", "sk-ant-", digit_tail, URL64, 24},
    {"secret:openai-key", "sk-proj-", digit_tail, URL64, 24},
    {"secret:openai-key", "sk-svcacct-", digit_tail, URL64, 24},
    {"secret:openai-key", "sk-admin-", digit_tail, URL64, 24},
    {"secret:openrouter-key", "sk-or-", digit_tail, URL64, 32},
    {"secret:openai-key", "sk-", digit_tail, ALNUM, 32},
    {"secret:huggingface-token", "hf_", digit_tail, ALNUM, 34},
    {"secret:groq-key", "gsk_", digit_tail, ALNUM, 48},
    {"secret:perplexity-key", "pplx-", digit_tail, ALNUM, 40},
    {"secret:xai-key", "xai-", digit_tail, ALNUM, 70},
    {"secret:replicate-token", "r8_", digit_tail, ALNUM, 37},
    {"secret:sendgrid-key", "SG.", dotted, URL64, 40},
    {"secret:digitalocean-token", "dop_v1_", open_tail, HEX, 64},
    {"secret:digitalocean-token", "doo_v1_", open_tail, HEX, 64},
    {"secret:digitalocean-token", "dor_v1_", open_tail, HEX, 64},
    {"secret:shopify-token", "shpat_", open_tail, ALNUM, 32},
    {"secret:shopify-token", "shpca_", open_tail, ALNUM, 32},
    {"secret:shopify-token", "shppa_", open_tail, ALNUM, 32},
    {"secret:shopify-token", "shpss_", open_tail, ALNUM, 32},
    {"secret:databricks-token", "dapi", exact_tail, HEX, 32},
    {"secret:vault-token", "hvs.", digit_tail, URL64, 24},
    {"secret:vault-token", "hvb.", digit_tail, URL64, 24},
    {"secret:grafana-token", "glsa_", digit_tail, WORD, 40},
    {"secret:grafana-token", "glc_", digit_tail, BASE64, 32},
    {"secret:planetscale-token", "pscale_tkn_", open_tail, URL64 ".", 32},
    {"secret:planetscale-token", "pscale_pw_", open_tail, URL64 ".", 32},
    {"secret:newrelic-key", "NRAK-", open_tail, ALNUM, 27},
    {"secret:linear-key", "lin_api_", open_tail, ALNUM, 40},
    {"secret:postman-key", "PMAK-", open_tail, ALNUM "-", 58},
    {"secret:sentry-token", "sntrys_", open_tail, WORD BASE64, 40},
    {"secret:sentry-token", "sntryu_", open_tail, HEX, 64},
    {"secret:supabase-token", "sbp_", open_tail, HEX, 40},
    {"secret:square-token", "sq0atp-", open_tail, URL64, 22},
    {"secret:square-token", "sq0csp-", open_tail, URL64, 40},
    {"secret:atlassian-token", "ATATT3", open_tail, URL64 "=", 80},
    {"secret:doppler-token", "dp.pt.", open_tail, ALNUM, 40},
    {"secret:jwt", "eyJ", jwt, URL64, 0},
    {NULL},
};
