// SPDX-License-Identifier: MIT
/* proc.c - a buffer as /proc shows it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "ktap.h"
#include "fdinfo.h"
#include "heap.h"

#define FDINFO_SOURCE                                                                              \
	"drivers/dma-buf/dma-buf.c: dma_buf_show_fdinfo(); "                                       \
	"Documentation/filesystems/proc.rst: DMA Buffer files"

static void expect_link(int fd, const char *expected)
{
	char path[64], target[128] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_OK(readlink(path, target, sizeof(target) - 1));
	EXPECT_STR(target, expected);
}

CASE(link, "heap.size.link", CATALOGUE("SIZE-06"), CLASS(IMPL),
     STATEMENT("/proc/self/fd/N is a link to \"/dmabuf:\" and the buffer's name."),
     SOURCE("drivers/dma-buf/dma-buf.c: dmabuffs_dname()"), NEEDS("heap"))
{
	int fd = heap_buffer(page_size());

	expect_link(fd, "/dmabuf:");
	MUST(raw_ioctl(fd, DMA_BUF_SET_NAME_B, "camera 0"));
	expect_link(fd, "/dmabuf:camera 0");
}

CASE(fdinfo_true, "heap.size.fdinfo", CATALOGUE("SIZE-08"), CLASS(ABI),
     STATEMENT("fdinfo has size, count, exp_name and, once it is set, name; and they are true."),
     SOURCE(FDINFO_SOURCE), NEEDS("heap"))
{
	const size_t sizes[] = {page_size(), 3 * page_size(), MIB};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = heap_buffer(sizes[i]);
		struct fdinfo info;

		fp_context("buffer of %zu bytes", sizes[i]);
		fdinfo_read(fd, &info);
		EXPECT_EQ(info.size, sizes[i]);
		EXPECT_EQ(info.count, 1);
		EXPECT_TRUE(info.exporter[0] != '\0');
		EXPECT_TRUE(!info.named);
		MUST(raw_ioctl(fd, DMA_BUF_SET_NAME_B, "camera 0"));
		fdinfo_read(fd, &info);
		EXPECT_TRUE(info.named);
		EXPECT_STR(info.name, "camera 0");
		EXPECT_EQ(info.size, sizes[i]);
		close(fd);
	}
}

CASE(fdinfo_exporter, "heap.size.fdinfo-exporter", CATALOGUE("NAME-11"), CLASS(IMPL),
     STATEMENT("The exporter's name in fdinfo is the heap's."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(): exp_info.exp_name"),
     SINCE("6.1"), NEEDS("heap dma-heap"))
{
	struct fdinfo info;

	fdinfo_read(heap_buffer(page_size()), &info);
	EXPECT_STR(info.exporter, fp_subject());
}

/* Does other things with the memory that a name might lie in which nobody keeps. */
static void use_memory_otherwise(void)
{
	/* Of many lengths, for the memory of freed names of any length. */
	static const char other[] = "!\"#$%&'()*+-/:;<=>?@[]^_`{|}~";
	int fds[12];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 12; i++) {
			fds[i] = heap_buffer((size_t)(1 + i % 5) * page_size());
			MUST(raw_ioctl(fds[i], DMA_BUF_SET_NAME_B,
				       other + (size_t)(i * 5) % (sizeof(other) - 2)));
		}
		for (int i = 0; i < 12; i++)
			MUST(close(fds[i]));
	}
}

CASE(fdinfo_exporter_stays, "heap.size.fdinfo-exporter-stays", CATALOGUE("SIZE-08"), CLASS(ABI),
     STATEMENT("The exporter's name in fdinfo is text, the same for every buffer of the heap, and "
	       "stays what it is."),
     SOURCE(FDINFO_SOURCE), NEEDS("heap"))
{
	int first = heap_buffer(page_size()), second;
	struct fdinfo before, after;

	fdinfo_read(first, &before);
	for (const char *at = before.exporter; *at; at++)
		EXPECT_TRUE(*at >= ' ' && *at <= '~');
	use_memory_otherwise();
	fdinfo_read(first, &after);
	EXPECT_STR(after.exporter, before.exporter);
	second = heap_buffer(MIB);
	use_memory_otherwise();
	fdinfo_read(second, &after);
	EXPECT_STR(after.exporter, before.exporter);
}

static long count_of(int fd)
{
	struct fdinfo info;

	fdinfo_read(fd, &info);
	return info.count;
}

CASE(count, "heap.size.fdinfo-count", CATALOGUE("SIZE-09"), CLASS(IMPL),
     STATEMENT("count is one more for each duplicate and each mapping, and goes back with them."),
     SOURCE(FDINFO_SOURCE), NEEDS("heap"))
{
	const size_t page = page_size();
	int fd = heap_buffer(4 * page);
	char *first, *second;
	int copy;

	EXPECT_EQ(count_of(fd), 1);
	copy = MUST(dup(fd));
	EXPECT_EQ(count_of(fd), 2);
	EXPECT_EQ(count_of(copy), 2);
	first = buffer_map(fd, 4 * page);
	EXPECT_EQ(count_of(fd), 3);
	second = buffer_map(fd, page);
	EXPECT_EQ(count_of(fd), 4);
	/* A hole in the middle makes two mappings of one. */
	MUST(munmap(first + page, page));
	EXPECT_EQ(count_of(fd), 5);
	MUST(munmap(first, 4 * page));
	EXPECT_EQ(count_of(fd), 3);
	MUST(munmap(second, page));
	EXPECT_EQ(count_of(fd), 2);
	MUST(close(copy));
	EXPECT_EQ(count_of(fd), 1);
}

CASE(count_inherited, "heap.size.fdinfo-count-inherited", CATALOGUE("SIZE-09"), CLASS(IMPL),
     STATEMENT("count holds a child's inherited descriptor and mapping, until the child ends."),
     SOURCE(FDINFO_SOURCE), NEEDS("heap"))
{
	int fd = heap_buffer(page_size());
	void *at = buffer_map(fd, page_size());
	int ends[2];
	pid_t child;

	EXPECT_EQ(count_of(fd), 2);
	MUST(pipe2(ends, O_CLOEXEC));
	child = MUST(fork());
	if (child == 0) {
		char byte;

		/* Until the parent closes its end. */
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	EXPECT_EQ(count_of(fd), 4);
	close(ends[1]);
	MUST(waitpid(child, NULL, 0));
	EXPECT_EQ(count_of(fd), 2);
	buffer_unmap(at, page_size());
	EXPECT_EQ(count_of(fd), 1);
}
