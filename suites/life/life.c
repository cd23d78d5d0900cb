// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "life.h"
#include "mark.h"

#define USED_AT_ONCE 4
#define SENT_MAX     4

void life_fill(char *at, size_t bytes, char mark)
{
	memset(at, mark, bytes);
}

void life_check(const char *file, int line, const char *at, size_t bytes, char mark)
{
	mark_check(file, line, "the buffer's bytes", at, bytes, (unsigned char)mark);
}

void life_write(int fd, size_t bytes, char mark)
{
	char *at = buffer_map(fd, bytes);

	life_fill(at, bytes, mark);
	buffer_unmap(at, bytes);
}

void life_check_buffer(const char *file, int line, int fd, size_t bytes, char mark)
{
	char *at = buffer_map(fd, bytes);

	life_check(file, line, at, bytes, mark);
	buffer_unmap(at, bytes);
}

void life_use_memory(size_t bytes)
{
	int fds[USED_AT_ONCE];

	for (int i = 0; i < USED_AT_ONCE; i++) {
		fds[i] = heap_buffer(bytes);
		life_write(fds[i], bytes, 0x7e);
	}
	for (int i = 0; i < USED_AT_ONCE; i++)
		MUST(close(fds[i]));
}

union rights {
	struct cmsghdr header;
	char space[CMSG_SPACE(SENT_MAX * sizeof(int))];
};

void life_send(int socket, const int *fds, size_t count)
{
	union rights rights = {0};
	struct iovec byte = {"", 1};
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = &rights,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};

	EXPECT_TRUE(count <= SENT_MAX);
	rights.header.cmsg_level = SOL_SOCKET;
	rights.header.cmsg_type = SCM_RIGHTS;
	rights.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&rights.header), fds, count * sizeof(int));
	EXPECT_EQ(sendmsg(socket, &message, 0), 1);
}

int life_receive(int socket)
{
	union rights rights = {0};
	char byte;
	struct iovec bytes = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &rights,
		.msg_controllen = sizeof(rights),
	};
	int fd;

	EXPECT_EQ(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
	EXPECT_EQ(rights.header.cmsg_len, CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&rights.header), sizeof(int));
	return fd;
}
