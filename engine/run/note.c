#include "run/inner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "support/clock.h"
#include "support/file.h"

enum { MOST_FDS = RT_SPACES + 1 };

/* Room for as many descriptors as a note carries, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
};

void
rt_enclosed_close(struct rt_enclosed *enclosed)
{
	rt_spaces_close(&enclosed->spaces);
	rt_close(enclosed->upper);
	enclosed->upper = -1;
}

static size_t
gather(const struct rt_enclosed *enclosed, int fds[MOST_FDS])
{
	size_t n = 0;
	for (size_t i = 0; i < RT_SPACES && enclosed->spaces.fds[0] >= 0; i++)
		fds[n++] = enclosed->spaces.fds[i];
	if (enclosed->upper >= 0)
		fds[n++] = enclosed->upper;
	return n;
}

int
rt_note_send(int sock, const struct rt_note *note, const struct rt_enclosed *enclosed)
{
	union control control = {.room = {0}};
	size_t text = strnlen(note->text, sizeof(note->text) - 1) + 1;
	struct iovec part = {.iov_base = (void *)note, .iov_len = offsetof(struct rt_note, text) + text};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int fds[MOST_FDS];
	size_t n = enclosed ? gather(enclosed, fds) : 0;
	if (n) {
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(sock, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static void
scatter(struct msghdr *message, struct rt_enclosed *enclosed)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fds[MOST_FDS];
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	n = n > MOST_FDS ? MOST_FDS : n;
	memcpy(fds, CMSG_DATA(header), n * sizeof(int));
	if (n >= RT_SPACES)
		memcpy(enclosed->spaces.fds, fds, sizeof(enclosed->spaces.fds));
	if (n % RT_SPACES)
		enclosed->upper = fds[n - 1];
}

int
rt_note_receive(int sock, struct rt_note *note, struct rt_enclosed *enclosed)
{
	union control control = {.room = {0}};
	struct iovec part = {.iov_base = note, .iov_len = sizeof(*note)};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	*enclosed = (struct rt_enclosed)RT_ENCLOSED_INIT;
	memset(note, 0, sizeof(*note));
	ssize_t got;
	do
		got = recvmsg(sock, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -1;
	if (got == 0)
		return 0;
	note->text[sizeof(note->text) - 1] = '\0';
	scatter(&message, enclosed);
	return 1;
}
