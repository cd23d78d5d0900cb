// SPDX-License-Identifier: MIT
/* What DMA_BUF_IOCTL_SYNC accepts and refuses. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "heap.h"
#include "ktap.h"

static const uint64_t directions[] = {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW};
enum { DIRECTIONS = sizeof(directions) / sizeof(directions[0]) };

CASE(no_direction, "sync.flags.no-direction", CATALOGUE("SYNC-01"), CLASS(ABI),
     STATEMENT("SYNC that names neither READ nor WRITE is EINVAL, at the start and at the end of "
	       "access."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), NEEDS("heap"))
{
	int buffer = heap_buffer(page_size());

	EXPECT_ERRNO(buffer_sync(buffer, DMA_BUF_SYNC_START), EINVAL);
	EXPECT_ERRNO(buffer_sync(buffer, DMA_BUF_SYNC_END), EINVAL);
}

CASE(unknown_flags, "sync.flags.unknown", CATALOGUE("SYNC-02"), CLASS(ABI),
     STATEMENT("SYNC with any flag that is not known, bits 32 to 63 among them, is EINVAL."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl(); include/uapi/linux/dma-buf.h: "
	    "DMA_BUF_SYNC_VALID_FLAGS_MASK"),
     NEEDS("heap"))
{
	int buffer = heap_buffer(page_size());

	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t flag = UINT64_C(1) << bit;

		if (flag & DMA_BUF_SYNC_VALID_FLAGS_MASK)
			continue;
		for (int i = 0; i < DIRECTIONS; i++) {
			EXPECT_ERRNO(buffer_sync(buffer, flag | directions[i] | DMA_BUF_SYNC_START),
				     EINVAL);
			EXPECT_ERRNO(buffer_sync(buffer, flag | directions[i] | DMA_BUF_SYNC_END),
				     EINVAL);
		}
	}
	EXPECT_ERRNO(buffer_sync(buffer, UINT64_MAX), EINVAL);
	EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_READ), 0);
}

CASE(bad_pointer, "sync.bad-pointer", CATALOGUE("SYNC-03"), CLASS(ABI),
     STATEMENT("SYNC with a pointer that cannot be read is EFAULT; memory that is only readable "
	       "will do."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), NEEDS("heap"))
{
	int buffer = heap_buffer(page_size());
	char *two = MUST(mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct dma_buf_sync *sync = (void *)two,
			    *cut = (void *)(two + page_size() - sizeof(*sync) / 2);

	sync->flags = DMA_BUF_SYNC_READ;
	/* Little-endian: the half that can be read holds flags that would do. */
	memcpy(cut, sync, sizeof(*cut) / 2);
	MUST(mprotect(two, page_size(), PROT_READ));
	MUST(munmap(two + page_size(), page_size()));
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_SYNC, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_SYNC, two + page_size()), EFAULT);
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_SYNC, cut), EFAULT);
	EXPECT_EQ(ioctl(buffer, DMA_BUF_IOCTL_SYNC, sync), 0);
}

CASE(unknown_ioctl, "sync.unknown-ioctl", CATALOGUE("SYNC-03"), CLASS(ABI),
     STATEMENT("Ioctls that a dma-buf does not know, and SYNC's number with another size or "
	       "direction, are ENOTTY."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), NEEDS("heap"))
{
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_READ};
	int buffer = heap_buffer(page_size());

	EXPECT_ERRNO(ioctl(buffer, _IO(DMA_BUF_BASE, 0), &sync), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, _IOW(DMA_BUF_BASE, 0, uint32_t), &sync), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, _IOR(DMA_BUF_BASE, 0, struct dma_buf_sync), &sync), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, _IOW(DMA_BUF_BASE, 200, struct dma_buf_sync), &sync), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, _IOW('B', 0, struct dma_buf_sync), &sync), ENOTTY);
}

CASE(bracket, "sync.start-end", CATALOGUE("SYNC-04"), CLASS(ABI),
     STATEMENT("START and END succeed for READ, WRITE and both on a buffer that no device is "
	       "attached to."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_begin_cpu_access(), dma_buf_end_cpu_access(); "
	    "Documentation/driver-api/dma-buf.rst: CPU Access to DMA Buffer Objects"),
     NEEDS("heap"))
{
	size_t bytes = 5 * page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes);

	for (int i = 0; i < DIRECTIONS; i++) {
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE), 0);
		memset(at, 0x30 + i, bytes);
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE), 0);
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_START | directions[i]), 0);
		for (size_t byte = 0; byte < bytes; byte += page_size() / 2)
			EXPECT_EQ(at[byte], 0x30 + i);
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_END | directions[i]), 0);
	}
}

CASE(unbalanced, "sync.unbalanced", CATALOGUE("SYNC-05"), CLASS(IMPL),
     STATEMENT("An END without START, and a START inside a START, succeed and harm nothing."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c, cma_heap.c: begin_cpu_access and end_cpu_access, "
	    "which count nothing"),
     NEEDS("heap"))
{
	int buffer = heap_buffer(page_size());
	unsigned char *at = buffer_map(buffer, page_size());

	memset(at, 0x5a, page_size());
	for (int i = 0; i < DIRECTIONS; i++) {
		for (int again = 0; again < 3; again++)
			EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_END | directions[i]), 0);
		for (int again = 0; again < 5; again++)
			EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_START | directions[i]), 0);
		/* Ended once, and in another direction than it was started in. */
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_END | directions[(i + 1) % DIRECTIONS]),
			  0);
	}
	for (size_t byte = 0; byte < page_size(); byte++)
		EXPECT_EQ(at[byte], 0x5a);
	/* Left open: the buffer goes away nevertheless. */
	EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), 0);
	buffer_unmap(at, page_size());
	EXPECT_EQ(close(buffer), 0);
}

CASE(read_only, "sync.read-only-descriptor", CATALOGUE("SYNC-18"), CLASS(QUIRK),
     STATEMENT("SYNC is accepted on a descriptor that is open for reading alone, with WRITE as "
	       "well."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl(), which does not look at f_mode"),
     NEEDS("heap"))
{
	int buffer = MUST(heap_allocate(heap_open(O_RDWR), page_size(), O_RDONLY | O_CLOEXEC, 0));

	for (int i = 0; i < DIRECTIONS; i++) {
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_START | directions[i]), 0);
		EXPECT_EQ(buffer_sync(buffer, DMA_BUF_SYNC_END | directions[i]), 0);
	}
}
