/*
 * A request is one message: a head, the strings behind it with their ends, and the command's pipes. Engine and keeper
 * are the same program, so that numbers go as they are.
 */

#include "run/inner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* A keeper is worth less than room for longer ones: a new one gets its first launch by fork. */
#define REQUEST_MAX ((size_t)64 << 10)

struct head {
	enum rt_workspace workspace;
	bool has_reports, has_tree, has_work;
	uint64_t tmp_bytes;
	uint32_t argv, env, lowers; /* how many strings */
};

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

static void
add_paths(struct rt_buf *kind, const char *what, const char *const *paths)
{
	for (; paths && *paths; paths++)
		rt_buf_addf(kind, "%s %zu %s\n", what, strlen(*paths), *paths);
}

char *
rt_request_kind(const struct rt_cell_spec *spec)
{
	/* A sandbox inside the cell would set limits of the user namespace; the host's network is nobody's to share;
	 * and what a group has used of its memory is for one cell to answer for. */
	if (spec->level != RT_LEVEL_OF_NAMESPACES || spec->nested || spec->network == RT_NETWORK_HOST ||
	    spec->memory_bytes)
		return NULL;
	struct rt_buf kind = RT_BUF_INIT;
	rt_buf_addf(&kind, "%d %llu\n", (int)spec->network, (unsigned long long)spec->max_pids);
	add_paths(&kind, "home", (const char *const[]){spec->home_of, NULL});
	add_paths(&kind, "tool", spec->tools);
	add_paths(&kind, "cache", spec->caches);
	return rt_buf_steal(&kind);
}

static void
add_string(struct rt_buf *text, const char *string)
{
	rt_buf_add(text, string, strlen(string) + 1);
}

static void
add_strings(struct rt_buf *text, const char *const *strings, uint32_t *n)
{
	for (; *strings; strings++, ++*n)
		add_string(text, *strings);
}

static void
pack(const struct rt_launch *launch, struct head *head, struct rt_buf *text)
{
	*head = (struct head){.workspace = launch->workspace,
			      .has_reports = launch->spec->reports,
			      .has_tree = launch->tree,
			      .has_work = launch->work,
			      .tmp_bytes = launch->tmp_bytes};
	if (head->has_reports)
		add_string(text, launch->spec->reports);
	if (head->has_tree)
		add_string(text, launch->tree);
	if (head->has_work)
		add_string(text, launch->work);
	add_strings(text, (const char *const *)launch->argv.at, &head->argv);
	add_strings(text, (const char *const *)launch->env.at, &head->env);
	add_strings(text, launch->spec->lowers, &head->lowers);
}

int
rt_request_send(int sock, const struct rt_launch *launch)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	union control control = {.room = {0}};
	const int fds[2] = {launch->out, launch->errs};
	struct head head;
	pack(launch, &head, &text);
	struct iovec parts[2] = {{&head, sizeof(head)}, {text.data, text.len}};
	struct msghdr message = {
	    .msg_iov = parts, .msg_iovlen = 2, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	if (sizeof(head) + text.len > REQUEST_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	return sendmsg(sock, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* The next string of the message; NULL: it has no more. */
static const char *
take(const char **at, const char *end)
{
	const char *string = *at, *stop = memchr(string, '\0', (size_t)(end - string));
	*at = stop ? stop + 1 : end;
	return stop ? string : NULL;
}

static int
take_strings(const char **at, const char *end, uint32_t n, struct rt_strs *out)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *string = take(at, end);
		if (!string)
			return -1;
		rt_strs_add(out, string);
	}
	return 0;
}

static char *
take_copy(const char **at, const char *end)
{
	const char *string = take(at, end);
	return string ? rt_strdup(string) : NULL;
}

static int
unpack(struct rt_request *request, const struct rt_launch *first, const char *bytes, size_t len)
{
	struct head head;
	const char *at = bytes + sizeof(head), *end = bytes + len;
	if (len < sizeof(head))
		return -1;
	memcpy(&head, bytes, sizeof(head));
	struct rt_launch *launch = &request->launch;
	request->spec = *first->spec;
	launch->lends = true;
	launch->workspace = head.workspace;
	launch->filter = first->filter;
	launch->landlock = first->landlock;
	launch->max_pids = first->max_pids;
	launch->tmp_bytes = head.tmp_bytes;
	launch->sock = first->sock;
	if (head.has_reports && !(request->reports = take_copy(&at, end)))
		return -1;
	if (head.has_tree && !(launch->tree = take_copy(&at, end)))
		return -1;
	if (head.has_work && !(launch->work = take_copy(&at, end)))
		return -1;
	if (take_strings(&at, end, head.argv, &launch->argv) < 0 ||
	    take_strings(&at, end, head.env, &launch->env) < 0 ||
	    take_strings(&at, end, head.lowers, &request->lowers) < 0)
		return -1;
	request->spec.reports = request->reports;
	request->spec.lowers = (const char *const *)request->lowers.at;
	launch->spec = &request->spec;
	return head.argv && head.lowers ? 0 : -1;
}

int
rt_request_receive(struct rt_request *request, const struct rt_launch *first)
{
	char bytes[REQUEST_MAX];
	union control control = {.room = {0}};
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	int fds[2];
	*request = (struct rt_request){.launch = RT_LAUNCH_INIT};
	ssize_t got;
	do
		got = recvmsg(first->sock, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(fds)))
		return -1;
	memcpy(fds, CMSG_DATA(header), sizeof(fds));
	request->launch.out = fds[0];
	request->launch.errs = fds[1];
	return unpack(request, first, bytes, (size_t)got);
}

void
rt_request_release(struct rt_request *request)
{
	/* the socket is the keeper's */
	request->launch.sock = -1;
	rt_launch_release(&request->launch);
	rt_strs_release(&request->lowers);
	free(request->reports);
	*request = (struct rt_request){.launch = RT_LAUNCH_INIT};
}
