// SPDX-License-Identifier: MIT
/* passed.c - buffers that go through a socket: they arrive, stay there, or are lost with it. */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "fdinfo.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"

#define PASS_SOURCE                                                                                \
	"Documentation/driver-api/dma-buf.rst: Userspace Interface Notes; net/core/scm.c: "        \
	"scm_detach_fds()"
#define GC_SOURCE "net/unix/garbage.c; net/unix/af_unix.c: unix_release_sock()"

/* A pair of connected sockets. */
static void socket_pair(int ends[2])
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
}

CASE(passed, "life.passed", CATALOGUE("LIFE-04"), CLASS(ABI),
     STATEMENT("Who gets a buffer by SCM_RIGHTS shares its memory with the sender, both ways."),
     SOURCE(PASS_SOURCE), NEEDS("heap"))
{
	const size_t size = 4 * page_size();
	struct holdings before = holdings_now();
	int fd = heap_buffer(size), ends[2], status;
	pid_t child;

	socket_pair(ends);
	child = MUST(fork());
	if (child == 0) {
		int received;

		/* What was inherited is not what this is about. */
		MUST(close(fd));
		received = life_receive(ends[1]);
		EXPECT_TRUE(is_dmabuf(received));
		EXPECT_EQ(buffer_size(received), size);
		LIFE_READ(received, size, 0x41);
		life_write(received, size, 0x42);
		_exit(0);
	}
	life_write(fd, size, 0x41);
	life_send(ends[0], &fd, 1);
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	LIFE_READ(fd, size, 0x42);
	EXPECT_BUFFERS_MORE(&before, 1);
	MUST(close(fd));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(sender_gone, "life.passed-sender-gone", CATALOGUE("LIFE-04"), CLASS(ABI),
     STATEMENT("A buffer arrives whole when its sender has exited before it was received."),
     SOURCE(PASS_SOURCE), NEEDS("heap"))
{
	const size_t size = 4 * page_size();
	struct holdings before = holdings_now();
	int ends[2], status, received;
	struct fdinfo info;
	pid_t child;

	socket_pair(ends);
	child = MUST(fork());
	if (child == 0) {
		int fd = heap_buffer(size);

		life_write(fd, size, 0x43);
		life_send(ends[1], &fd, 1);
		_exit(0);
	}
	MUST(close(ends[1]));
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	life_use_memory(size);
	received = life_receive(ends[0]);
	EXPECT_EQ(buffer_size(received), size);
	LIFE_READ(received, size, 0x43);
	fdinfo_read(received, &info);
	EXPECT_EQ(info.count, 1);
	MUST(close(received));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(in_flight, "life.in-flight", CATALOGUE("LIFE-05"), CLASS(ABI),
     STATEMENT("A buffer that lies in a socket lives on without any descriptor, and is received "
	       "with its data."),
     SOURCE(PASS_SOURCE), NEEDS("heap"))
{
	const size_t size = 4 * page_size();
	struct holdings before = holdings_now();
	int fd = heap_buffer(size), ends[2];

	socket_pair(ends);
	life_write(fd, size, 0x44);
	life_send(ends[0], &fd, 1);
	MUST(close(fd));
	EXPECT_BUFFERS_MORE(&before, 1);
	life_use_memory(size);
	fd = life_receive(ends[1]);
	LIFE_READ(fd, size, 0x44);
	MUST(close(fd));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(in_flight_lost, "life.in-flight-lost", CATALOGUE("LIFE-05"), CLASS(ABI),
     STATEMENT("A buffer that lies in a socket goes with it when nobody has received it."),
     SOURCE(GC_SOURCE), NEEDS("heap"))
{
	const size_t size = MIB;
	struct holdings before = holdings_now();

	for (int round = 0; round < 32; round++) {
		int fd = heap_buffer(size), ends[2];

		socket_pair(ends);
		life_send(ends[0], &fd, 1);
		MUST(close(fd));
		MUST(close(ends[0]));
		/* The receiver's side still holds it. */
		EXPECT_BUFFERS_MORE(&before, 1);
		MUST(close(ends[1]));
		EXPECT_BUFFERS_MORE(&before, 0);
	}
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(in_flight_cycle, "life.in-flight-cycle", CATALOGUE("LIFE-05"), CLASS(ABI),
     STATEMENT("A buffer in sockets that hold nothing but each other is freed with them."),
     SOURCE(GC_SOURCE), NEEDS("heap"))
{
	const size_t size = MIB;
	struct holdings before = holdings_now();

	for (int round = 0; round < 8; round++) {
		int fd = heap_buffer(size), ends[2], unrelated[2];

		socket_pair(ends);
		/* Each end lies in the other's queue, the buffer beside it. */
		life_send(ends[0], (int[]){ends[0], fd}, 2);
		life_send(ends[1], (int[]){ends[1], fd}, 2);
		MUST(close(fd));
		EXPECT_BUFFERS_MORE(&before, 1);
		MUST(close(ends[0]));
		MUST(close(ends[1]));
		/* Closing any socket makes the kernel look for such. */
		socket_pair(unrelated);
		MUST(close(unrelated[0]));
		MUST(close(unrelated[1]));
		EXPECT_BUFFERS_MORE(&before, 0);
	}
	EXPECT_HOLDINGS_BACK(&before);
}
