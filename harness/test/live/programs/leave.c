// SPDX-License-Identifier: MIT
/*
 * leave HEAP [clean|late]: passes, and leaves a dma-buf behind that no process holds. It and both
 * ends of a pair of sockets are on their way over that very pair: a cycle, which the kernel finds
 * only when some other Unix socket is closed (net/unix/garbage.c). With "late" one is, so that the
 * buffer is given back by work that runs after the program's end; with "clean" nothing is left.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int allocate(const char *heap)
{
	struct dma_heap_allocation_data data = {.len = 64 * 4096, .fd_flags = O_RDWR | O_CLOEXEC};
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", heap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, DMA_HEAP_IOCTL_ALLOC, &data))
		return -1;
	close(fd);
	return (int)data.fd;
}

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

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";
	int pair[2], other[2], result;

	result = socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (!result && !strcmp(how, "late"))
		result = socketpair(AF_UNIX, SOCK_STREAM, 0, other);
	if (!result) {
		int fds[] = {allocate(argv[1]), pair[0], pair[1]};

		result = fds[0] < 0;
		if (!result && strcmp(how, "clean"))
			result = post(pair[0], fds, sizeof(fds));
	}
	printf("TAP version 13\n1..1\n%s 1 leave\n", result ? "not ok" : "ok");
	return result ? 1 : 0;
}
