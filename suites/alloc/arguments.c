// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "ktap.h"
#include "fdinfo.h"
#include "heap.h"

#define ACCEPTED_FD_FLAGS (O_CLOEXEC | ACCESS_MODE)

CASE(fd_nonzero, "heap.alloc.fd-nonzero", CATALOGUE("ALLOC-02"), CLASS(ABI),
     STATEMENT("An allocation whose fd field is not zero on entry is refused with EINVAL."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate()"), NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);
	const uint32_t fds[] = {1, (uint32_t)heap, 1u << 16, 1u << 31, UINT32_MAX};
	int next_before = next_descriptor();

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		struct dma_heap_allocation_data data = {
			.len = page_size(),
			.fd = fds[i],
			.fd_flags = O_RDWR | O_CLOEXEC,
		};

		fp_context("fd %#x", fds[i]);
		EXPECT_ERRNO(heap_ioctl(heap, &data), EINVAL);
		EXPECT_EQ(data.fd, fds[i]);
	}
	EXPECT_EQ(next_descriptor(), next_before);
}

CASE(fd_flags, "heap.alloc.fd-flags", CATALOGUE("ALLOC-03"), CLASS(ABI),
     STATEMENT("Each fd_flags bit outside O_CLOEXEC | O_ACCMODE is refused with EINVAL."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate(); "
	    "include/uapi/linux/dma-heap.h: DMA_HEAP_VALID_FD_FLAGS"),
     NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);
	int next_before = next_descriptor();

	for (unsigned int bit = 0; bit < 32; bit++) {
		uint32_t flag = 1u << bit;

		if (flag & ACCEPTED_FD_FLAGS)
			continue;
		fp_context("fd_flags bit %u", bit);
		EXPECT_ERRNO(heap_allocate(heap, page_size(), O_RDWR | O_CLOEXEC | flag, 0),
			     EINVAL);
	}
	EXPECT_EQ(next_descriptor(), next_before);
}

CASE(heap_flags, "heap.alloc.heap-flags", CATALOGUE("ALLOC-04"), CLASS(ABI),
     STATEMENT("Each heap_flags bit, 0 to 63, is refused with EINVAL."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate(); "
	    "include/uapi/linux/dma-heap.h: DMA_HEAP_VALID_HEAP_FLAGS"),
     NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);
	int next_before = next_descriptor();

	for (unsigned int bit = 0; bit < 64; bit++) {
		fp_context("heap_flags bit %u", bit);
		EXPECT_ERRNO(heap_allocate(heap, page_size(), O_RDWR | O_CLOEXEC, 1ull << bit),
			     EINVAL);
	}
	EXPECT_EQ(next_descriptor(), next_before);
}

CASE(len_zero, "heap.alloc.len-zero", CATALOGUE("ALLOC-05"), CLASS(ABI),
     STATEMENT("An allocation of zero bytes is refused with EINVAL."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate()"), NEEDS("heap"))
{
	int heap = heap_open(O_RDWR);
	int next_before = next_descriptor();

	EXPECT_ERRNO(heap_allocate(heap, 0, O_RDWR | O_CLOEXEC, 0), EINVAL);
	EXPECT_EQ(next_descriptor(), next_before);
}

CASE(len_rounded, "heap.alloc.len-rounded", CATALOGUE("ALLOC-06"), CLASS(ABI),
     STATEMENT(
	     "The buffer's size is the length rounded up to whole pages, and all of it is there."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate()"), NEEDS("heap"))
{
	const size_t page = page_size();
	const struct {
		size_t len, size;
	} rows[] = {
		{1, page},
		{page - 1, page},
		{page, page},
		{page + 1, 2 * page},
		{16 * page - 1, 16 * page},
		{16 * page + 1, 17 * page},
	};
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		volatile char *at;
		struct fdinfo info;
		int fd;

		fp_context("len %zu", rows[i].len);
		fd = EXPECT_OK(heap_allocate(heap, rows[i].len, O_RDWR | O_CLOEXEC, 0));
		EXPECT_EQ(buffer_size(fd), rows[i].size);
		fdinfo_read(fd, &info);
		EXPECT_EQ(info.size, rows[i].size);
		at = buffer_map(fd, rows[i].size);
		at[rows[i].size - 1] = 0x5a;
		EXPECT_EQ(at[rows[i].size - 1], 0x5a);
		buffer_unmap((void *)at, rows[i].size);
	}
}

CASE(len_wraps, "heap.alloc.len-wraps", CATALOGUE("ALLOC-07"), CLASS(ABI),
     STATEMENT("A length that wraps to zero when rounded up to a page is refused with EINVAL."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate()"), NEEDS("heap"))
{
	const uint64_t lens[] = {
		UINT64_MAX,
		UINT64_MAX - 1,
		UINT64_MAX - page_size() / 2,
		UINT64_MAX - page_size() + 2,
	};
	int heap = heap_open(O_RDWR);
	int next_before = next_descriptor();

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		fp_context("len %#llx", (unsigned long long)lens[i]);
		EXPECT_ERRNO(heap_allocate(heap, lens[i], O_RDWR | O_CLOEXEC, 0), EINVAL);
	}
	EXPECT_EQ(next_descriptor(), next_before);
}
