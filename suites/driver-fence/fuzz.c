// SPDX-License-Identifier: MIT
/* The module asked for anything, by several threads through one descriptor. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fencepost_exporter.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "played-device.h"
#include "ready.h"
#include "storm-parts.h"

/*
 * All but those that wait for fences with the descriptor's lock: what another thread would have to
 * signal would be overdue first (BEGIN_ACCESS, and MAP of a buffer with a KERNEL fence); those
 * whose result the kernel reports (VMAP that an exporter refuses), and those that stay (heaps).
 */
static const unsigned int commands[] = {
	FENCEPOST_IOC_INFO,	    FENCEPOST_IOC_DEVICE_CREATE, FENCEPOST_IOC_DEVICE_DESTROY,
	FENCEPOST_IOC_ATTACH,	    FENCEPOST_IOC_DETACH,	 FENCEPOST_IOC_MAP,
	FENCEPOST_IOC_UNMAP,	    FENCEPOST_IOC_DEVICE_READ,	 FENCEPOST_IOC_DEVICE_WRITE,
	FENCEPOST_IOC_SEGMENTS,	    FENCEPOST_IOC_HOLD,		 FENCEPOST_IOC_LET_GO,
	FENCEPOST_IOC_STATE,	    FENCEPOST_IOC_VMAP,		 FENCEPOST_IOC_VUNMAP,
	FENCEPOST_IOC_KERNEL_READ,  FENCEPOST_IOC_KERNEL_WRITE,	 FENCEPOST_IOC_PAGES,
	FENCEPOST_IOC_END_ACCESS,   FENCEPOST_IOC_FENCE_CREATE,	 FENCEPOST_IOC_FENCE_ADD,
	FENCEPOST_IOC_FENCE_SIGNAL, FENCEPOST_IOC_FENCE_DROP,	 FENCEPOST_IOC_FENCE_STATE,
	FENCEPOST_IOC_JOB,	    FENCEPOST_IOC_PROTECTION,	 FENCEPOST_IOC_EXPORT,
	FENCEPOST_IOC_EXPORT_CALLS, FENCEPOST_IOC_EXPORT_MOVE,	 FENCEPOST_IOC_NOTIFIED,
	FENCEPOST_IOC_PIN,	    FENCEPOST_IOC_UNPIN,	 FENCEPOST_IOC_TABLE,
};
enum {
	COMMANDS = sizeof(commands) / sizeof(commands[0]),
	/* FENCEPOST_IOC_EXPORT_CALLS has the most. */
	WORDS = sizeof(struct fencepost_calls) / sizeof(uint32_t),
	PAGES = 2,
	ROOM_PAGES = 16,
	THREADS = 3
};

struct asked {
	int node, buffer[2];
	/* What it may read and write; more than this the buffers do not have. */
	void *room;
};

/* Words that often mean something: small numbers, descriptors, sizes, addresses. */
static uint32_t word(struct storm_thread *thread, const struct asked *asked)
{
	switch (storm_below(thread, 12)) {
	case 0:
		return (uint32_t)asked->buffer[storm_below(thread, 2)];
	case 1:
		return (uint32_t)-1;
	case 2:
		return (uint32_t)page_size();
	case 3:
		return storm_below(thread, UINT32_MAX);
	case 4:
	case 5:
	case 6:
		return 0;
	default:
		return storm_below(thread, 5);
	}
}

static void ask_anything(struct storm_thread *thread)
{
	const struct asked *asked = thread->shared;
	unsigned int command = commands[storm_below(thread, COMMANDS)];
	uint32_t words[WORDS];
	uint64_t room = (uintptr_t)asked->room;

	for (int i = 0; i < WORDS; i++)
		words[i] = word(thread, asked);
	/* What is read from, or written to, lies in the last field of those that have one. */
	if (command == FENCEPOST_IOC_SEGMENTS || command == FENCEPOST_IOC_PROTECTION)
		memcpy(&words[2], &room, sizeof(room));
	else if (command == FENCEPOST_IOC_PAGES)
		memcpy(&words[4], &room, sizeof(room));
	else if (command != FENCEPOST_IOC_JOB && command != FENCEPOST_IOC_DEVICE_CREATE)
		memcpy(&words[6], &room, sizeof(room));
	/*
	 * A device that does not reach the buffer, and mappings that overlap or differ from a sync
	 * while they are written to, the kernel would report: they are a driver's errors.
	 */
	if (command == FENCEPOST_IOC_DEVICE_CREATE)
		memset(&words[1], 0, 7 * sizeof(words[0]));
	if ((command == FENCEPOST_IOC_MAP || command == FENCEPOST_IOC_END_ACCESS) && words[1] < 3)
		words[1] = FENCEPOST_TO_DEVICE;
	/* So are an importer that cannot be told of moves, and moves without the lock. */
	if (command == FENCEPOST_IOC_ATTACH)
		words[2] &= ~FENCEPOST_ATTACH_NO_NOTIFY;
	if (command == FENCEPOST_IOC_EXPORT_MOVE)
		words[1] = 0;
	if (command == FENCEPOST_IOC_EXPORT) {
		const uint64_t bytes = storm_below(thread, PAGES + 1) * page_size();

		memcpy(&words[2], &bytes, sizeof(bytes));
	}
	if (command == FENCEPOST_IOC_FENCE_ADD && !words[2])
		words[2] = FENCEPOST_READ;
	if (command == FENCEPOST_IOC_JOB)
		words[11] %= 50;
	if (command == FENCEPOST_IOC_SEGMENTS || command == FENCEPOST_IOC_PAGES)
		words[1] %= 16;
	if (!ioctl(asked->node, (int)command, words) && command == FENCEPOST_IOC_EXPORT)
		close((int)words[1]);
}

/* So that there is something to go with the descriptor, whatever has been asked of it before. */
static void attach_once_more(const struct asked *asked)
{
	struct fencepost_device device = {.flags = 0};
	struct fencepost_attach wanted = {.fd = asked->buffer[0]};
	bool attached = false;

	/* Where no more are to be had, there are some. */
	ioctl(asked->node, FENCEPOST_IOC_DEVICE_CREATE, &device);
	for (; !attached && wanted.device <= FENCEPOST_MAX_DEVICES; wanted.device++)
		attached = !ioctl(asked->node, FENCEPOST_IOC_ATTACH, &wanted);
	EXPECT_TRUE(attached);
}

CASE(anything, "fence.driver.fuzz", CATALOGUE("ESF-13"), CLASS(ABI),
     STATEMENT("Whatever several threads ask of one descriptor of the module's, in whatever order, "
	       "the kernel has nothing to report, and all that was made goes with the descriptor."),
     SOURCE("docs/device.md: The interface"), NEEDS("heap device debugfs"), TIMEOUT(30000))
{
	const struct storm_part parts[] = {{"ask", THREADS, 1500, ask_anything}};
	const struct holdings before = holdings_now();
	struct asked asked;
	uint32_t held;

	asked.room = calloc(ROOM_PAGES, page_size());
	EXPECT_TRUE(asked.room);
	for (int i = 0; i < 2; i++)
		asked.buffer[i] = heap_buffer(PAGES * page_size());
	asked.node = MUST(open(FENCEPOST_NODE, O_RDWR | O_CLOEXEC));
	storm_parts_run(parts, 1, &asked);
	attach_once_more(&asked);
	MUST(close(asked.node));
	for (int i = 0; i < 2; i++) {
		EXPECT_READY(asked.buffer[i], BOTH);
		held = kernel_hold(asked.buffer[i]);
		EXPECT_EQ(kernel_state(held).attachments, 0);
		kernel_let_go(held);
		MUST(close(asked.buffer[i]));
	}
	EXPECT_BUFFERS_MORE(&before, 0);
}
