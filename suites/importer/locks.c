// SPDX-License-Identifier: MIT
/* Which locks an exporter takes where. */
#include <sys/wait.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "played-exporter.h"

#define ROUNDS	4
#define WAIT_MS 40
#define SYNCS	40

/* Each is something that an exporter may take the reservation lock for. */
static void sync_often(int buffer)
{
	for (int i = 0; i < SYNCS; i++) {
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
		EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		usleep(1000);
	}
}

static void map_often(int buffer)
{
	for (int i = 0; i < SYNCS; i++) {
		char *at = buffer_map(buffer, page_size());

		*at = 1;
		buffer_unmap(at, page_size());
		usleep(1000);
	}
}

static void attach_often(int buffer)
{
	uint32_t device = device_make();

	for (int i = 0; i < SYNCS; i++) {
		device_detach(device_attach(device, buffer));
		usleep(1000);
	}
}

CASE(locks, "importer.locks", CATALOGUE("IMP-13"), CLASS(ABI),
     STATEMENT("An importer that holds the reservation lock, also for a while, can map, unmap and "
	       "vmap the buffer, whatever others do with it meanwhile: the exporter neither takes "
	       "that lock there nor waits for it with one of its own that it takes there."),
     SOURCE("Documentation/driver-api/dma-buf.rst: DMA-BUF locking convention"), SINCE("6.2"),
     NEEDS("heap device"), TIMEOUT(6000))
{
	static void (*const others[])(int) = {sync_often, map_often, attach_often};
	int buffer = heap_buffer(4 * page_size());
	struct fencepost_locked wanted = {.attachment = device_attach(device_make(), buffer)};
	pid_t children[3];
	int status;

	/* Alone, first: it cannot be others then. */
	EXPECT_OK(device_ioctl(FENCEPOST_IOC_LOCKED, &wanted));
	for (int i = 0; i < 3; i++) {
		children[i] = MUST(fork());
		if (!children[i]) {
			others[i](buffer);
			_exit(0);
		}
	}
	wanted.wait_ms = WAIT_MS;
	for (int i = 0; i < ROUNDS; i++) {
		EXPECT_OK(device_ioctl(FENCEPOST_IOC_LOCKED, &wanted));
		EXPECT_OK(device_map(wanted.attachment, FENCEPOST_BIDIRECTIONAL));
		device_unmap(wanted.attachment);
	}
	for (int i = 0; i < 3; i++) {
		MUST(waitpid(children[i], &status, 0));
		EXPECT_EQ(status, 0);
	}
}
