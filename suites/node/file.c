// SPDX-License-Identifier: MIT
/* file.c - the node as a file: who may open it, and that it is for ioctl() alone. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"

#define FOPS_SOURCE "drivers/dma-buf/dma-heap.c: dma_heap_fops, dma_heap_open()"

CASE(mode, "heap.node.mode", CATALOGUE("NAME-02"), CLASS(IMPL),
     STATEMENT("The kernel makes a heap's node for root alone: mode 0600, user 0, group 0."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_devnode(), which sets no mode; "
	    "drivers/base/devtmpfs.c: devtmpfs_create_node()"),
     NEEDS("heap dma-heap devtmpfs"))
{
	struct stat status;
	char path[300];

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", fp_subject());
	EXPECT_OK(stat(path, &status));
	EXPECT_EQ(status.st_mode & 07777, 0600);
	EXPECT_EQ(status.st_uid, 0);
	EXPECT_EQ(status.st_gid, 0);
}

CASE(seek, "heap.node.seek", CATALOGUE("NAME-03"), CLASS(IMPL),
     STATEMENT("A heap's node has no position: lseek() fails with ESPIPE, whatever it asks for."),
     SOURCE(FOPS_SOURCE ", which calls nonseekable_open()"), NEEDS("heap dma-heap"))
{
	static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE};
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(whences) / sizeof(whences[0]); i++) {
		fp_context("whence %d", whences[i]);
		EXPECT_ERRNO(lseek(heap, 0, whences[i]), ESPIPE);
		EXPECT_ERRNO(lseek(heap, (off_t)page_size(), whences[i]), ESPIPE);
	}
}

CASE(read_write, "heap.node.read-write", CATALOGUE("NAME-03"), CLASS(IMPL),
     STATEMENT("A heap's node cannot be read or written: EINVAL, and ESPIPE at an offset."),
     SOURCE(FOPS_SOURCE "; fs/read_write.c: vfs_read(), ksys_pread64()"), NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);
	char bytes[16] = "nothing to read";

	EXPECT_ERRNO(read(heap, bytes, sizeof(bytes)), EINVAL);
	EXPECT_ERRNO(write(heap, bytes, sizeof(bytes)), EINVAL);
	EXPECT_ERRNO(pread(heap, bytes, sizeof(bytes), 0), ESPIPE);
	EXPECT_ERRNO(pwrite(heap, bytes, sizeof(bytes), 0), ESPIPE);
	EXPECT_STR(bytes, "nothing to read");
}

CASE(map, "heap.node.mmap", CATALOGUE("NAME-03"), CLASS(IMPL),
     STATEMENT("A heap's node cannot be mapped: ENODEV."),
     SOURCE(FOPS_SOURCE "; mm/mmap.c: do_mmap()"), NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);

	EXPECT_ERRNO(mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, heap, 0), ENODEV);
	EXPECT_ERRNO(mmap(NULL, page_size(), PROT_READ, MAP_PRIVATE, heap, 0), ENODEV);
}
