// SPDX-License-Identifier: MIT
/* Who waits for a driver's fences: programs in START, drivers before access and in mapping. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "driver-fence.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "waiter.h"

#define START(direction) (DMA_BUF_SYNC_START | DMA_BUF_SYNC_##direction)
#define END(direction)	 (DMA_BUF_SYNC_END | DMA_BUF_SYNC_##direction)

#define WAIT_SOURCE                                                                                \
	SOURCE("drivers/dma-buf/dma-buf.c: __dma_buf_begin_cpu_access(); "                         \
	       "include/uapi/linux/dma-buf.h: struct dma_buf_sync")

/* A driver's own access, through a descriptor that is the waiter's. */
static long begin_in_kernel(void *argument)
{
	const struct buffer_access *access = argument;

	return kernel_begin_access(kernel_hold(access->buffer),
				   (enum fencepost_direction)access->flags);
}

static long map_for_device(void *argument)
{
	const struct buffer_access *access = argument;

	return device_map(device_attach(device_make(), access->buffer),
			  (enum fencepost_direction)access->flags);
}

static void expect_waits(long (*call)(void *), enum fencepost_usage usage, uint64_t flags)
{
	struct buffer_access access = {heap_buffer(page_size()), flags};
	uint32_t fence = driver_fence_on(access.buffer, usage);
	struct waiter waiter = waiter_start(call, &access);

	fp_context("usage %d, 0x%llx", usage, (unsigned long long)flags);
	EXPECT_ASLEEP(&waiter);
	driver_fence_end(fence);
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
	MUST(close(access.buffer));
}

static void expect_passes(long (*call)(void *), enum fencepost_usage usage, uint64_t flags)
{
	struct buffer_access access = {heap_buffer(page_size()), flags};
	uint32_t fence = driver_fence_on(access.buffer, usage);
	struct waiter waiter = waiter_start(call, &access);

	fp_context("usage %d, 0x%llx", usage, (unsigned long long)flags);
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
	EXPECT_EQ(driver_fence_status(fence), 0);
	driver_fence_end(fence);
	MUST(close(access.buffer));
}

CASE(start, "fence.driver.start-waits", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START waits for a driver that writes, and where it is for writing for one that "
	       "reads, too."),
     WAIT_SOURCE, NEEDS("heap device"))
{
	expect_waits(buffer_sync_call, FENCEPOST_WRITE, START(READ));
	expect_waits(buffer_sync_call, FENCEPOST_WRITE, START(WRITE));
	expect_waits(buffer_sync_call, FENCEPOST_WRITE, START(RW));
	expect_waits(buffer_sync_call, FENCEPOST_READ, START(WRITE));
	expect_waits(buffer_sync_call, FENCEPOST_READ, START(RW));
	expect_waits(buffer_sync_call, FENCEPOST_KERNEL, START(READ));
}

CASE(start_passes, "fence.driver.start-passes", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START for reading does not wait for a driver that reads, and END for nobody."),
     WAIT_SOURCE, NEEDS("heap device"))
{
	expect_passes(buffer_sync_call, FENCEPOST_READ, START(READ));
	expect_passes(buffer_sync_call, FENCEPOST_WRITE, END(READ));
	expect_passes(buffer_sync_call, FENCEPOST_WRITE, END(WRITE));
	expect_passes(buffer_sync_call, FENCEPOST_READ, END(RW));
}

CASE(bookkeep, "fence.driver.start-bookkeep", CATALOGUE("IMP-20"), CLASS(ABI),
     STATEMENT("START waits for no fence that is there for memory management alone."),
     SOURCE("include/linux/dma-resv.h: enum dma_resv_usage"), SINCE("6.1"), NEEDS("heap device"))
{
	expect_passes(buffer_sync_call, FENCEPOST_BOOKKEEP, START(READ));
	expect_passes(buffer_sync_call, FENCEPOST_BOOKKEEP, START(RW));
}

CASE(start_all, "fence.driver.start-waits-all", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("START for writing waits until the last of several drivers has ended, failed or "
	       "not."),
     WAIT_SOURCE, NEEDS("heap device"))
{
	struct buffer_access access = {heap_buffer(page_size()), START(WRITE)};
	uint32_t fences[] = {driver_fence_on(access.buffer, FENCEPOST_WRITE),
			     driver_fence_on(access.buffer, FENCEPOST_READ),
			     driver_fence_on(access.buffer, FENCEPOST_READ)};
	struct waiter waiter = waiter_start(buffer_sync_call, &access);

	for (size_t i = 0; i < sizeof(fences) / sizeof(fences[0]); i++) {
		fp_context("%zu have signalled", i);
		EXPECT_ASLEEP(&waiter);
		EXPECT_OK(driver_fence_signal(fences[i], i == 1 ? EIO : 0));
	}
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
}

static void pass_over(int signal)
{
	(void)signal;
}

static long sync_interruptibly(void *argument)
{
	struct sigaction action = {.sa_handler = pass_over};

	MUST(sigaction(SIGUSR1, &action, NULL));
	return buffer_sync_call(argument);
}

CASE(interrupted, "fence.driver.start-interrupted", CATALOGUE("SYNC-15"), CLASS(ABI),
     STATEMENT("A START that waits for a driver ends with EINTR when a signal is handled without "
	       "SA_RESTART."),
     SOURCE("drivers/dma-buf/dma-buf.c: __dma_buf_begin_cpu_access()"), NEEDS("heap device"))
{
	struct buffer_access access = {heap_buffer(page_size()), START(READ)};
	uint32_t fence = driver_fence_on(access.buffer, FENCEPOST_WRITE);
	struct waiter waiter = waiter_start(sync_interruptibly, &access);
	struct answer answer;

	EXPECT_ASLEEP(&waiter);
	MUST(kill(waiter.pid, SIGUSR1));
	answer = waiter_answer(&waiter);
	EXPECT_EQ(answer.result, -1);
	EXPECT_STR(fp_errno_name(answer.error), "EINTR");
	driver_fence_end(fence);
}

CASE(in_kernel, "fence.driver.kernel-access-waits", CATALOGUE("SYNC-17"), CLASS(ABI),
     STATEMENT("A driver's begin of access waits for other drivers' fences as START does."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_begin_cpu_access()"), NEEDS("heap device"))
{
	expect_waits(begin_in_kernel, FENCEPOST_WRITE, FENCEPOST_FROM_DEVICE);
	expect_waits(begin_in_kernel, FENCEPOST_WRITE, FENCEPOST_TO_DEVICE);
	expect_waits(begin_in_kernel, FENCEPOST_READ, FENCEPOST_TO_DEVICE);
	expect_waits(begin_in_kernel, FENCEPOST_READ, FENCEPOST_BIDIRECTIONAL);
	expect_passes(begin_in_kernel, FENCEPOST_READ, FENCEPOST_FROM_DEVICE);
}

CASE(map_waits, "fence.driver.map-waits", CATALOGUE("IMP-19"), CLASS(ABI),
     STATEMENT("A static importer's mapping waits for fences of the kernel's own memory "
	       "management, in every direction, also when such a fence ends in an error."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_map_attachment()"), SINCE("6.1"),
     NEEDS("heap device"))
{
	struct buffer_access access = {heap_buffer(page_size()), FENCEPOST_TO_DEVICE};
	uint32_t fence;
	struct waiter waiter;

	for (uint64_t direction = 0; direction <= FENCEPOST_FROM_DEVICE; direction++)
		expect_waits(map_for_device, FENCEPOST_KERNEL, direction);
	fence = driver_fence_on(access.buffer, FENCEPOST_KERNEL);
	waiter = waiter_start(map_for_device, &access);
	EXPECT_ASLEEP(&waiter);
	EXPECT_OK(driver_fence_signal(fence, EIO));
	EXPECT_EQ(waiter_answer(&waiter).result, 0);
}

CASE(map_passes, "fence.driver.map-passes", CATALOGUE("IMP-19"), CLASS(IMPL),
     STATEMENT("A mapping waits for no other fence: who reads or writes is for importers to "
	       "order."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_map_attachment()"), NEEDS("heap device"))
{
	expect_passes(map_for_device, FENCEPOST_WRITE, FENCEPOST_BIDIRECTIONAL);
	expect_passes(map_for_device, FENCEPOST_READ, FENCEPOST_BIDIRECTIONAL);
}

CASE(map_killed, "fence.driver.map-killed", CATALOGUE("IMP-19"), CLASS(ABI),
     STATEMENT("Who is killed while its mapping waits for the kernel's fence leaves the buffer "
	       "neither mapped nor attached."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_map_attachment(), which unmaps again"),
     SINCE("6.1"), NEEDS("heap device"))
{
	struct buffer_access access = {heap_buffer(page_size()), FENCEPOST_BIDIRECTIONAL};
	uint32_t held = kernel_hold(access.buffer),
		 fence = driver_fence_on(access.buffer, FENCEPOST_KERNEL);
	uint64_t references = kernel_state(held).references;
	struct waiter waiter = waiter_start(map_for_device, &access);

	EXPECT_ASLEEP(&waiter);
	MUST(kill(waiter.pid, SIGKILL));
	MUST(waitpid(waiter.pid, NULL, 0));
	EXPECT_EQ(kernel_state(held).attachments, 0);
	EXPECT_EQ(kernel_state(held).references, references);
	EXPECT_EQ(driver_fence_status(fence), 0);
	driver_fence_end(fence);
	EXPECT_OK(map_for_device(&access));
}
