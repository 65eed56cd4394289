#include "git/apply.h"

#include <fcntl.h>
#include <string.h>

#include "git/quarantine_internal.h"

#define MAILS_MAX 10000 /* each costs two processes */
#define PART_MAX (256u << 20)

void
rt_mails_release(struct rt_mails *mails)
{
	size_t i;

	for (i = 0; i < mails->n; i++) {
		free(mails->at[i].author);
		free(mails->at[i].date);
		free(mails->at[i].message);
		free(mails->at[i].patch);
	}
	free(mails->at);
	*mails = (struct rt_mails){0};
}

/* A line as git's strbuf_getline gives it: without LF or CRLF. False at the end. */
static bool
next_line(const char **at, const char *end, const char **line, size_t *len)
{
	const char *stop;

	if (*at >= end)
		return false;
	*line = *at;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	*at = stop ? stop + 1 : end;
	*len = (size_t)((stop ? stop : end) - *line);
	if (stop && *len && (*line)[*len - 1] == '\r')
		--*len;
	return true;
}

static bool
begins(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && !memcmp(line, word, strlen(word));
}

/* `^[!-9;-~]+:`, as git am looks for a header */
static bool
is_header(const char *line, size_t len)
{
	size_t i = 0;

	while (i < len && line[i] >= '!' && line[i] <= '~' && line[i] != ':')
		i++;
	return i && i < len && line[i] == ':';
}

/* Nothing but headers and their continuations up to the first empty line. */
static bool
is_mail(const char *at, const char *end)
{
	const char *line;
	size_t len;

	while (next_line(&at, end, &line, &len) && len)
		if (line[0] != ' ' && line[0] != '\t' && !is_header(line, len))
			return false;
	return true;
}

/* The rules are those of detect_patch_format in git's builtin/am.c; StGit and Mercurial patches are no mails. */
bool
rt_mail_detect(const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len, *lines[3] = {"", "", ""};
	size_t lens[3] = {0};

	while (next_line(&at, end, &lines[0], &lens[0]) && !lens[0])
		;
	if (!lens[0] || begins(lines[0], lens[0], "# This series applies on GIT commit") ||
	    (lens[0] == 20 && begins(lines[0], lens[0], "# HG changeset patch")))
		return false;
	if (begins(lines[0], lens[0], "From ") || begins(lines[0], lens[0], "From: "))
		return true;
	if (next_line(&at, end, &lines[1], &lens[1]) && !lens[1] && next_line(&at, end, &lines[2], &lens[2]) &&
	    (begins(lines[2], lens[2], "From:") || begins(lines[2], lens[2], "Author:") ||
	     begins(lines[2], lens[2], "Date:")))
		return false;
	return is_mail(bytes, end);
}

/* git stripspace: no spaces at line ends, one empty line for several, none at the start or end. */
static void
strip_space(const char *text, struct rt_buf *out)
{
	const char *line, *end, *stop;
	bool empty = false;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		for (stop = end; stop > line && strchr(" \t\r\n\f\v", stop[-1]); stop--)
			;
		if (stop == line) {
			empty = true;
			continue;
		}
		if (empty && out->len)
			rt_buf_addc(out, '\n');
		empty = false;
		rt_buf_add(out, line, (size_t)(stop - line));
		rt_buf_addc(out, '\n');
	}
}

/* One message on the way from mailsplit to struct rt_mail. */
struct parse {
	struct rt_quarantine *quarantine;
	const char *dir; /* scratch: 0001, 0002, ..., msg, patch */
	size_t number;
	struct rt_buf *why;
	struct rt_buf subject, name, mail, date; /* of mailinfo's summary */
	struct rt_buf body;
};

static void
parse_release(struct parse *parse)
{
	rt_buf_release(&parse->subject);
	rt_buf_release(&parse->name);
	rt_buf_release(&parse->mail);
	rt_buf_release(&parse->date);
	rt_buf_release(&parse->body);
}
RT_DEFINE_AUTO(parse, struct parse, parse_release);

static int
read_part(const struct parse *parse, const char *name, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", parse->dir, name);

	return rt_file_read(AT_FDCWD, path, PART_MAX, out, err);
}

static int
refuse(const struct parse *parse, const struct rt_buf *errs)
{
	rt_buf_addf(parse->why, "message %zu: ", parse->number);
	rt_command_words(errs, parse->why);
	return 0;
}

static void
read_summary(struct parse *parse, const char *info)
{
	const struct {
		const char *word;
		struct rt_buf *out;
	} fields[] = {{"Subject: ", &parse->subject},
		      {"Author: ", &parse->name},
		      {"Email: ", &parse->mail},
		      {"Date: ", &parse->date}};
	const char *line, *end;
	size_t i;

	for (line = info; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		for (i = 0; i < RT_COUNT(fields); i++) {
			if (!rt_starts_with(line, fields[i].word))
				continue;
			if (!i && fields[i].out->len)
				rt_buf_addc(fields[i].out, '\n');
			line += strlen(fields[i].word);
			rt_buf_add(fields[i].out, line, (size_t)(end - line));
			break;
		}
	}
}

/* Runs mailinfo on the message. 1, 0 and why, -1. */
static int
run_mailinfo(struct parse *parse, struct rt_err *err)
{
	rt_auto(free) char *file = rt_format("%04zu", parse->number);
	rt_auto(free) char *msg = rt_format("%s/msg", parse->dir);
	rt_auto(free) char *patch = rt_format("%s/patch", parse->dir);
	rt_auto(buf) struct rt_buf mail = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf info = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	const char *const argv[] = {"git", "mailinfo", msg, patch, NULL};
	struct rt_command command = {.argv = argv, .out = &info, .errs = &errs, .fatal_is_answer = true};

	if (read_part(parse, file, &mail, err))
		return -1;
	command.in = mail.data;
	command.in_len = mail.len;
	if (rt_command_run(parse->quarantine, &command, err))
		return -1;
	if (command.exit_code)
		return refuse(parse, &errs);
	read_summary(parse, info.data);
	return read_part(parse, "msg", &parse->body, err) ? -1 : 1;
}

/*
 * Name, address and date as a commit's header has them: by git's own rules for what it takes from its environment,
 * which are those of `git am`. 1, 0 and why, -1.
 */
static int
read_author(const struct parse *parse, struct rt_mail *mail, struct rt_err *err)
{
	static const char *const argv[] = {"git", "var", "GIT_AUTHOR_IDENT", NULL};
	rt_auto(strs) struct rt_strs env = {0};
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	struct rt_command command = {.argv = argv, .out = &out, .errs = &errs, .fatal_is_answer = true};
	const char *end;

	rt_strs_addf(&env, "GIT_AUTHOR_NAME=%s", parse->name.data);
	rt_strs_addf(&env, "GIT_AUTHOR_EMAIL=%s", parse->mail.data);
	rt_strs_addf(&env, "GIT_AUTHOR_DATE=%s", parse->date.data);
	command.env = (const char *const *)env.at;
	if (rt_command_run(parse->quarantine, &command, err))
		return -1;
	if (command.exit_code)
		return refuse(parse, &errs);
	end = strrchr(out.data, '>');
	if (!end || end[1] != ' ')
		return rt_fail(err, RT_EUNKNOWN, "git var gave \"%.200s\" for an author", out.data);
	mail->author = rt_strndup(out.data, (size_t)(end + 1 - out.data));
	mail->date = rt_strndup(end + 2, strcspn(end + 2, "\n"));
	return 1;
}

static int
read_texts(struct parse *parse, struct rt_mail *mail, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf patch = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf message = RT_BUF_INIT;

	if (read_part(parse, "patch", &patch, err))
		return -1;
	if (!patch.len) {
		rt_buf_addf(parse->why, "message %zu has no patch\n", parse->number);
		return 0;
	}
	if (strlen(parse->body.data) != parse->body.len) {
		rt_buf_addf(parse->why, "message %zu has a NUL byte in its text\n", parse->number);
		return 0;
	}
	rt_buf_addf(&parse->subject, "\n\n%s", parse->body.data);
	strip_space(parse->subject.data, &message);
	mail->message = rt_buf_steal(&message);
	mail->patch_len = patch.len;
	mail->patch = rt_buf_steal(&patch);
	return 1;
}

static int
read_mail(struct parse *parse, struct rt_mails *out, struct rt_err *err)
{
	struct rt_mail *mail;
	int result = run_mailinfo(parse, err);

	/* Pine's folders begin with one of its own, which git am leaves out too. */
	if (result != 1 || !strcmp(parse->name.data, "Mail System Internal Data"))
		return result;
	mail = rt_push(out);
	result = read_author(parse, mail, err);
	return result == 1 ? read_texts(parse, mail, err) : result;
}

/* 1 and the number of messages, 0 and why, -1. */
static int
run_mailsplit(struct rt_quarantine *quarantine, const char *dir, const char *bytes, size_t len, uint64_t *n,
	      struct rt_buf *why, struct rt_err *err)
{
	rt_auto(free) char *option = rt_format("-o%s", dir);
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	const char *const argv[] = {"git", "mailsplit", "-d4", "-b", option, NULL};
	struct rt_command command = {
	    .argv = argv, .in = bytes, .in_len = len, .out = &out, .errs = &errs, .fatal_is_answer = true};

	if (rt_mkdirs(AT_FDCWD, dir, 0700, err) || rt_command_run(quarantine, &command, err))
		return -1;
	if (command.exit_code) {
		rt_command_words(&errs, why);
		return 0;
	}
	out.data[strcspn(out.data, "\n")] = '\0';
	if (rt_parse_u64(out.data, n))
		return rt_fail(err, RT_EUNKNOWN, "git mailsplit said \"%.100s\" instead of a number", out.data);
	if (*n && *n <= MAILS_MAX)
		return 1;
	rt_buf_addf(why, *n ? "more than %d messages\n" : "no message in it\n", MAILS_MAX);
	return 0;
}

static int
split(struct rt_quarantine *quarantine, const char *dir, const char *bytes, size_t len, struct rt_mails *out,
      struct rt_buf *why, struct rt_err *err)
{
	uint64_t n = 0;
	size_t i;
	int result = run_mailsplit(quarantine, dir, bytes, len, &n, why, err);

	for (i = 1; i <= n && result == 1; i++) {
		rt_auto(parse) struct parse parse = {.quarantine = quarantine,
						     .dir = dir,
						     .number = i,
						     .why = why,
						     .subject = RT_BUF_INIT,
						     .name = RT_BUF_INIT,
						     .mail = RT_BUF_INIT,
						     .date = RT_BUF_INIT,
						     .body = RT_BUF_INIT};

		result = read_mail(&parse, out, err);
	}
	if (result == 1 && !out->n) {
		rt_buf_adds(why, "no message in it\n");
		return 0;
	}
	return result;
}

int
rt_mail_split(struct rt_quarantine *quarantine, const char *bytes, size_t len, struct rt_mails *out, struct rt_buf *why,
	      struct rt_err *err)
{
	rt_auto(free) char *dir = rt_quarantine_file(quarantine, "mail");
	int result = split(quarantine, dir, bytes, len, out, why, err);

	if (rt_remove_tree(AT_FDCWD, dir, result < 0 ? NULL : err))
		result = -1;
	if (result != 1)
		rt_mails_release(out);
	return result;
}
