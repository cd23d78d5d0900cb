// SPDX-License-Identifier: MIT
/* What reaches the exporter, and under which lock. */
#include <sys/mman.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "played-exporter.h"

#define CONVENTION "Documentation/driver-api/dma-buf.rst: DMA-BUF locking convention"

CASE(directions, "exporter.sync-directions", CATALOGUE("SYNC-06"), CLASS(ABI),
     STATEMENT("SYNC for reading, writing or both reaches the exporter as from the device, to the "
	       "device or both, once for START and once for END."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), NEEDS("device"))
{
	static const struct {
		uint64_t flags;
		uint32_t direction;
	} ways[] = {
		{DMA_BUF_SYNC_READ, FENCEPOST_FROM_DEVICE},
		{DMA_BUF_SYNC_WRITE, FENCEPOST_TO_DEVICE},
		{DMA_BUF_SYNC_RW, FENCEPOST_BIDIRECTIONAL},
	};
	struct exported buffer = exported_make(page_size(), 0);

	for (uint32_t i = 0; i < 6; i++) {
		/* Each after each other one. */
		uint32_t way = i % 3 + i / 3, number = way % 3;
		struct fencepost_call begin, end;

		fp_context("flags %llu", (unsigned long long)ways[number].flags);
		EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_START | ways[number].flags));
		begin = exported_call(buffer, FENCEPOST_CALL_BEGIN);
		EXPECT_EQ(begin.count, i + 1);
		EXPECT_EQ(begin.direction, ways[number].direction);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_END), i);
		EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_END | ways[number].flags));
		end = exported_call(buffer, FENCEPOST_CALL_END);
		EXPECT_EQ(end.count, i + 1);
		EXPECT_EQ(end.direction, ways[number].direction);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_BEGIN), i + 1);
	}
}

CASE(refused_sync, "exporter.sync-refused", CATALOGUE("SYNC-06"), CLASS(ABI),
     STATEMENT("What the exporter refuses START or END with is what SYNC fails with."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_begin_cpu_access(), dma_buf_end_cpu_access()"),
     NEEDS("device"))
{
	struct exported buffer = exported_make(page_size(), 0);

	exported_fail(buffer, FENCEPOST_CALL_BEGIN, ENXIO, 1);
	EXPECT_ERRNO(buffer_sync(buffer.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), ENXIO);
	EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	exported_fail(buffer, FENCEPOST_CALL_END, EIO, 1);
	EXPECT_ERRNO(buffer_sync(buffer.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), EIO);
	EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

CASE(no_mmap, "exporter.no-mmap", CATALOGUE("MMAP-19"), CLASS(ABI),
     STATEMENT("A buffer whose exporter cannot map it for programs refuses mmap() with EINVAL; one "
	       "whose exporter can passes its answer on."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_mmap_internal()"), NEEDS("device"))
{
	const size_t bytes = 3 * page_size();
	const int both = PROT_READ | PROT_WRITE;
	struct exported without = exported_make(bytes, FENCEPOST_EXPORT_NO_MMAP),
			with = exported_make(bytes, 0);

	EXPECT_ERRNO(mmap(NULL, bytes, both, MAP_SHARED, without.fd, 0), EINVAL);
	EXPECT_EQ(exported_count(without, FENCEPOST_CALL_MMAP), 0);
	exported_fail(with, FENCEPOST_CALL_MMAP, ENXIO, 1);
	EXPECT_ERRNO(mmap(NULL, bytes, both, MAP_SHARED, with.fd, 0), ENXIO);
	buffer_unmap(buffer_map(with.fd, bytes), bytes);
	EXPECT_EQ(exported_count(with, FENCEPOST_CALL_MMAP), 2);
	/* What does not lie in the buffer is not asked for. */
	EXPECT_ERRNO(mmap(NULL, bytes + page_size(), both, MAP_SHARED, with.fd, 0), EINVAL);
	EXPECT_EQ(exported_count(with, FENCEPOST_CALL_MMAP), 2);
}

/* How many of a kind of call there were, and how many of them had the lock. */
static void expect_locked(struct exported buffer, enum fencepost_call_of of, uint32_t count,
			  bool locked)
{
	struct fencepost_call call = exported_call(buffer, of);

	fp_context("call %d of enum fencepost_call_of", (int)of);
	EXPECT_EQ(call.count, count);
	EXPECT_EQ(call.locked, locked ? count : 0);
}

CASE(locks, "exporter.locks", CATALOGUE("IMP-12"), CLASS(ABI),
     STATEMENT("The exporter is asked to map, unmap, vmap and vunmap under the reservation lock "
	       "since 6.2, and without it before; to attach, detach, begin, end and release always "
	       "without."),
     SOURCE(CONVENTION), NEEDS("device"), EXPECTED({NULL, "6.1", 0}, {"6.2", NULL, 1}))
{
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t attachment = device_attach(device_make(), buffer.fd), held;
	bool locked = fp_expected();

	expect_locked(buffer, FENCEPOST_CALL_ATTACH, 1, false);
	EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
	expect_locked(buffer, FENCEPOST_CALL_MAP, 1, locked);
	EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	device_unmap(attachment);
	expect_locked(buffer, FENCEPOST_CALL_UNMAP, 1, locked);
	device_detach(attachment);
	expect_locked(buffer, FENCEPOST_CALL_DETACH, 1, false);
	held = kernel_hold(buffer.fd);
	kernel_vmap(held);
	expect_locked(buffer, FENCEPOST_CALL_VMAP, 1, locked);
	EXPECT_OK(kernel_begin_access(held, FENCEPOST_BIDIRECTIONAL));
	EXPECT_OK(kernel_end_access(held, FENCEPOST_BIDIRECTIONAL));
	kernel_vunmap(held);
	expect_locked(buffer, FENCEPOST_CALL_VUNMAP, 1, locked);
	kernel_let_go(held);
	expect_locked(buffer, FENCEPOST_CALL_BEGIN, 2, false);
	expect_locked(buffer, FENCEPOST_CALL_END, 2, false);
	expect_locked(buffer, FENCEPOST_CALL_RELEASE, 0, false);
	MUST(close(buffer.fd));
	expect_locked(buffer, FENCEPOST_CALL_RELEASE, 1, false);
}

CASE(lock_mmap, "exporter.lock-mmap", CATALOGUE("IMP-12"), CLASS(IMPL),
     STATEMENT("The exporter is asked for a program's mapping without the reservation lock; from "
	       "6.2 to 6.4 it was under it."),
     SOURCE(CONVENTION), NEEDS("device"),
     EXPECTED({NULL, "6.1", 0}, {"6.2", "6.4", 1}, {"6.5", NULL, 0}))
{
	struct exported buffer = exported_make(page_size(), 0);

	buffer_unmap(buffer_map(buffer.fd, page_size()), page_size());
	expect_locked(buffer, FENCEPOST_CALL_MMAP, 1, fp_expected());
}

CASE(locks_dynamic, "exporter.locks-dynamic", CATALOGUE("IMP-12"), CLASS(ABI),
     STATEMENT("A buffer that can move is mapped, unmapped, pinned and unpinned under its "
	       "reservation lock, whoever asks."),
     SOURCE(CONVENTION), NEEDS("device"))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t dynamic = device_attach_dynamic(device_make(), buffer.fd),
		 fixed = device_attach(device_make(), buffer.fd);
	struct fencepost_call call;

	EXPECT_OK(device_pin(dynamic));
	EXPECT_OK(device_map(dynamic, FENCEPOST_TO_DEVICE));
	EXPECT_OK(device_map(fixed, FENCEPOST_TO_DEVICE));
	device_unmap(dynamic);
	device_unmap(fixed);
	device_unpin(dynamic);
	device_detach(dynamic);
	device_detach(fixed);
	expect_locked(buffer, FENCEPOST_CALL_MAP, 2, true);
	expect_locked(buffer, FENCEPOST_CALL_UNMAP, 2, true);
	call = exported_call(buffer, FENCEPOST_CALL_PIN);
	EXPECT_TRUE(call.count >= 2);
	EXPECT_EQ(call.locked, call.count);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNPIN), call.count);
	EXPECT_EQ(exported_call(buffer, FENCEPOST_CALL_UNPIN).locked, call.count);
	expect_locked(buffer, FENCEPOST_CALL_ATTACH, 2, false);
	expect_locked(buffer, FENCEPOST_CALL_DETACH, 2, false);
}
