#include "run/inner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "support/clock.h"
#include "support/file.h"

/* Room for the descriptor that a note carries, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int
rt_note_send(int sock, const struct rt_note *note, int fd)
{
	union control control = {.room = {0}};
	size_t text = strnlen(note->text, sizeof(note->text) - 1) + 1;
	struct iovec part = {.iov_base = (void *)note, .iov_len = offsetof(struct rt_note, text) + text};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(sock, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int
rt_note_receive(int sock, struct rt_note *note, int *fd)
{
	union control control = {.room = {0}};
	struct iovec part = {.iov_base = note, .iov_len = sizeof(*note)};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
	*fd = -1;
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
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(int));
	return 1;
}
