// SPDX-License-Identifier: MIT
/* refuse.c - what a dma-buf's file is not: something to read, write, cut or open again. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"

CASE(read_write, "heap.size.read-write", CATALOGUE("SIZE-10"), CLASS(IMPL),
     STATEMENT("read, write and ftruncate fail with EINVAL, pread and pwrite with ESPIPE."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_fops, which has no read and no write; "
	    "fs/read_write.c: vfs_read(), ksys_pread64(); fs/open.c: do_ftruncate()"),
     NEEDS("heap"))
{
	const size_t size = 2 * page_size();
	int fd = heap_buffer(size);
	volatile char *at = buffer_map(fd, size);
	char bytes[8] = "unwanted";
	struct iovec vector = {bytes, sizeof(bytes)};

	at[0] = 0x5a;
	EXPECT_ERRNO(read(fd, bytes, sizeof(bytes)), EINVAL);
	EXPECT_ERRNO(write(fd, bytes, sizeof(bytes)), EINVAL);
	EXPECT_ERRNO(readv(fd, &vector, 1), EINVAL);
	EXPECT_ERRNO(writev(fd, &vector, 1), EINVAL);
	EXPECT_ERRNO(pread(fd, bytes, sizeof(bytes), 0), ESPIPE);
	EXPECT_ERRNO(pwrite(fd, bytes, sizeof(bytes), 0), ESPIPE);
	EXPECT_ERRNO(ftruncate(fd, 0), EINVAL);
	EXPECT_ERRNO(ftruncate(fd, (off_t)size), EINVAL);
	EXPECT_ERRNO(ftruncate(fd, (off_t)(2 * size)), EINVAL);
	EXPECT_EQ(at[0], 0x5a);
	EXPECT_EQ(memcmp(bytes, "unwanted", 8), 0);
	EXPECT_EQ(buffer_size(fd), size);
}

CASE(reopen, "heap.size.reopen", CATALOGUE("SIZE-11"), CLASS(ABI),
     STATEMENT("A buffer cannot be opened again through /proc/self/fd (ENXIO), so that a read-only "
	       "descriptor does not become a writable one."),
     SOURCE("fs/inode.c: no_open(); fs/libfs.c: alloc_anon_inode()"), NEEDS("heap"))
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	int heap = heap_open(O_RDWR);

	for (size_t given = 0; given < 3; given++) {
		int fd = MUST(
			heap_allocate(heap, page_size(), (uint32_t)modes[given] | O_CLOEXEC, 0));
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		for (size_t wanted = 0; wanted < 3; wanted++) {
			fp_context("allocated with mode %d, opened with mode %d", modes[given],
				   modes[wanted]);
			EXPECT_ERRNO(open(path, modes[wanted] | O_CLOEXEC), ENXIO);
		}
	}
}
