// SPDX-License-Identifier: MIT
/* stat.c - a buffer as fstat() and fstatfs() see it. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "ktap.h"
#include "heap.h"

#define GETFILE_SOURCE "drivers/dma-buf/dma-buf.c: dma_buf_getfile()"
#define INODES	       16

CASE(stat_size, "heap.size.stat", CATALOGUE("SIZE-04"), CLASS(IMPL),
     STATEMENT("fstat() shows the size in st_size, and size / 512 in st_blocks."),
     SOURCE(GETFILE_SOURCE), NEEDS("heap"))
{
	const size_t sizes[] = {page_size(), 3 * page_size(), MIB + page_size()};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct stat status;
		int fd = heap_buffer(sizes[i]);

		EXPECT_OK(fstat(fd, &status));
		EXPECT_EQ(status.st_size, sizes[i]);
		EXPECT_EQ(status.st_blocks, sizes[i] / 512);
		close(fd);
	}
}

/*
 * Moves this process to one CPU of `count`: numbers that the kernel hands out by CPU
 * (get_next_ino()) do not grow from one CPU to the next.
 */
static void run_on_cpu(int cpu, int count)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)(cpu % count), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

CASE(inode, "heap.size.inode", CATALOGUE("SIZE-05"), CLASS(IMPL),
     STATEMENT("Each buffer has an inode number of its own, larger than those before it, and keeps "
	       "it."),
     SOURCE(GETFILE_SOURCE), SINCE("6.1"), NEEDS("heap"))
{
	/* Asked for once: musl counts the CPUs that this process may run on. */
	const int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t last = 0, first = 0;
	int kept = -1;

	for (int i = 0; i < INODES; i++) {
		uint64_t inode;
		int fd;

		fp_context("buffer %d", i);
		run_on_cpu(i, cpus);
		fd = heap_buffer(page_size());
		inode = buffer_inode(fd);
		if (inode <= last)
			fp_failf(__FILE__, __LINE__, "st_ino", "larger than the last one's",
				 "%llu after %llu", (unsigned long long)inode,
				 (unsigned long long)last);
		last = inode;
		/* The first lives on while the others come and go; a closed one's number is not
		 * given again. */
		if (i == 0) {
			kept = fd;
			first = inode;
		} else {
			close(fd);
		}
	}
	EXPECT_EQ(buffer_inode(kept), first);
	EXPECT_EQ(buffer_inode(MUST(dup(kept))), first);
}

CASE(magic, "heap.size.magic", CATALOGUE("SIZE-07"), CLASS(ABI),
     STATEMENT("fstatfs() says DMA_BUF_MAGIC, so that a dma-buf can be told from other files."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_fs_init_context(); include/uapi/linux/magic.h"),
     NEEDS("heap"))
{
	struct statfs status;

	EXPECT_OK(fstatfs(heap_buffer(page_size()), &status));
	EXPECT_EQ((uint32_t)status.f_type, DMA_BUF_MAGIC);
}
