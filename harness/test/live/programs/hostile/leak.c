// SPDX-License-Identifier: MIT
/* What stays in the kernel when every process of a program is gone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile.h"

static int allocate(const char *heap)
{
	struct dma_heap_allocation_data data = {.len = 64 * 4096, .fd_flags = O_RDWR | O_CLOEXEC};
	int fd = open(heap, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &data))
		return -1;
	close(fd);
	return (int)data.fd;
}

/* Puts descriptors on their way over a socket: they stay open for as long as nobody takes them. */
static int post(int socket, const int *fds, size_t size)
{
	union {
		struct cmsghdr header;
		char room[256];
	} control = {0};
	struct iovec data = {.iov_base = "x", .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = CMSG_SPACE(size),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control.header), fds, size);
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

/*
 * A dma-buf and both ends of a pair of sockets, on their way over that very pair: a cycle, which
 * the kernel finds only when some other Unix socket is closed (net/unix/garbage.c).
 */
static int leave(const char *heap)
{
	int fds[3] = {allocate(heap)};

	if (fds[0] < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds + 1))
		return -1;
	return post(fds[1], fds, sizeof(fds));
}

static int leaves(void)
{
	say(leave("/dev/dma_heap/system") ? "1..1\nnot ok 1 one\n" : "1..1\nok 1 one\n");
	return 0;
}

/* The same, and another pair of sockets whose end lets the kernel find the cycle: later. */
static int leaves_for_a_moment(void)
{
	int other[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, other) ? 98 : leaves();
}

static int leaves_pages(void)
{
	say(leave("/dev/dma_heap/reserved") ? "1..1\nnot ok 1 one\n" : "1..1\nok 1 one\n");
	return 0;
}

/* Of the cases that are asked for, those called "leaks..." leave something behind. */
static int some_leave(void)
{
	int number = 0;
	char line[128];

	for (const char **one = asked; *one; one++)
		number++;
	snprintf(line, sizeof(line), "1..%d\n", number);
	say(line);
	number = 0;
	for (const char **one = asked; *one; one++) {
		int failed = !strncmp(*one, "leaks", 5) && leave("/dev/dma_heap/system");

		snprintf(line, sizeof(line), "%sok %d %s\n", failed ? "not " : "", ++number, *one);
		say(line);
	}
	return 0;
}

/* The same cycle, with its own standard output in it: there will never be an end to read. */
static int keeps_its_output(void)
{
	int fds[3] = {STDOUT_FILENO};

	say("1..1\nok 1 one\n");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds + 1))
		return 98;
	return post(fds[1], fds, sizeof(fds)) ? 98 : 0;
}

const struct character leak_characters[] = {
	{"leaves", leaves},
	{"leaves-for-a-moment", leaves_for_a_moment},
	{"leaves-pages", leaves_pages},
	{"some-leave", some_leave},
	{"keeps-its-output", keeps_its_output},
	{0},
};
