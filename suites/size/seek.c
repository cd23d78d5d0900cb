// SPDX-License-Identifier: MIT
/* seek.c - the size as lseek() tells it, and that nothing changes it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "ktap.h"
#include "heap.h"

const char fp_suite_name[] = "size";

#define SEEK_SOURCE                                                                                \
	"drivers/dma-buf/dma-buf.c: dma_buf_llseek(); "                                            \
	"Documentation/driver-api/dma-buf.rst: Userspace Interface Notes"

CASE(seek, "heap.size.seek", CATALOGUE("SIZE-01"), CLASS(ABI),
     STATEMENT("lseek() to the end returns the size in bytes, to the start returns 0."),
     SOURCE(SEEK_SOURCE), NEEDS("heap"))
{
	const size_t sizes[] = {page_size(), 3 * page_size(), MIB, MIB + page_size()};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = heap_buffer(sizes[i]);

		fp_context("buffer of %zu bytes", sizes[i]);
		EXPECT_EQ(EXPECT_OK(lseek(fd, 0, SEEK_END)), sizes[i]);
		EXPECT_EQ(EXPECT_OK(lseek(fd, 0, SEEK_SET)), 0);
		/* Asking again gives the same: there is no position that has moved. */
		EXPECT_EQ(EXPECT_OK(lseek(fd, 0, SEEK_END)), sizes[i]);
		close(fd);
	}
}

CASE(seek_refused, "heap.size.seek-refused", CATALOGUE("SIZE-02"), CLASS(ABI),
     STATEMENT("lseek() with any other whence, or an offset that is not 0, fails with EINVAL."),
     SOURCE(SEEK_SOURCE), NEEDS("heap"))
{
	const size_t size = 2 * page_size();
	const struct {
		int whence;
		off_t offset;
	} rows[] = {
		{SEEK_CUR, 0},		 {SEEK_CUR, 1},		{SEEK_DATA, 0},
		{SEEK_HOLE, 0},		 {SEEK_HOLE + 1, 0},	{-1, 0},
		{SEEK_SET, 1},		 {SEEK_SET, -1},	{SEEK_SET, (off_t)page_size()},
		{SEEK_SET, (off_t)size}, {SEEK_SET, LLONG_MAX}, {SEEK_SET, LLONG_MIN},
		{SEEK_END, 1},		 {SEEK_END, -1},	{SEEK_END, -(off_t)size},
	};
	int fd = heap_buffer(size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fp_context("whence %d, offset %lld", rows[i].whence, (long long)rows[i].offset);
		EXPECT_ERRNO(lseek(fd, rows[i].offset, rows[i].whence), EINVAL);
	}
	EXPECT_EQ(buffer_size(fd), size);
}

static void sync_buffer(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	MUST(raw_ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
}

CASE(size_constant, "heap.size.constant", CATALOGUE("SIZE-03"), CLASS(ABI),
     STATEMENT("A buffer's size stays the same over its life, whatever is done with it."),
     SOURCE("include/linux/dma-buf.h: struct dma_buf.size; "
	    "Documentation/driver-api/dma-buf.rst: Userspace Interface Notes"),
     NEEDS("heap"))
{
	const size_t size = 3 * page_size();
	int fd = heap_buffer(size);
	int copy = MUST(dup(fd));
	char *at = buffer_map(fd, size);

	fp_context("mapped and written");
	sync_buffer(fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	memset(at, 0x5a, size);
	sync_buffer(fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
	EXPECT_EQ(buffer_size(fd), size);
	fp_context("named");
	MUST(raw_ioctl(fd, DMA_BUF_SET_NAME_B, "constant"));
	EXPECT_EQ(buffer_size(fd), size);
	/* None of these works (SIZE-10 says how they fail); none may leave a trace either. */
	fp_context("ftruncate to 0");
	EXPECT_EQ(ftruncate(fd, 0), -1);
	EXPECT_EQ(buffer_size(fd), size);
	fp_context("ftruncate to one page more");
	EXPECT_EQ(ftruncate(fd, (off_t)(size + page_size())), -1);
	EXPECT_EQ(buffer_size(fd), size);
	fp_context("fallocate");
	EXPECT_EQ(fallocate(fd, 0, 0, (off_t)(size + page_size())), -1);
	EXPECT_EQ(buffer_size(fd), size);
	fp_context("write");
	EXPECT_EQ(write(fd, at, 1), -1);
	EXPECT_EQ(buffer_size(fd), size);
	fp_context("unmapped, and one descriptor closed");
	buffer_unmap(at, size);
	close(fd);
	EXPECT_EQ(buffer_size(copy), size);
	/* Its content is what was written, to the last byte. */
	at = buffer_map(copy, size);
	EXPECT_EQ(at[0], 0x5a);
	EXPECT_EQ(at[size - 1], 0x5a);
}
