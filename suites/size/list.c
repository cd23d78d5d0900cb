// SPDX-License-Identifier: MIT
/* list.c - where the kernel lists all buffers: debugfs and sysfs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "ktap.h"
#include "bufinfo.h"
#include "fdinfo.h"
#include "heap.h"

#define BUFINFO_SOURCE "drivers/dma-buf/dma-buf.c: dma_buf_debug_show()"
#define SYSFS	       "/sys/kernel/dmabuf/buffers"

/* A one-page buffer's inode number is not unique up to 5.10 (SIZE-05), so entries are told apart by
 * size as well. */
CASE(bufinfo, "heap.size.bufinfo", CATALOGUE("SIZE-12"), CLASS(IMPL),
     STATEMENT("debugfs lists each buffer once while it lives, with its size, flags, references, "
	       "exporter, name and no device."),
     SOURCE(BUFINFO_SOURCE), NEEDS("heap debugfs"))
{
	const size_t pages[] = {1, 3, 7};
	unsigned long long inodes[3];
	struct bufinfo_entry entry;
	struct bufinfo info;
	struct fdinfo own;
	int fds[3];

	for (size_t i = 0; i < 3; i++) {
		fds[i] = heap_buffer(pages[i] * page_size());
		inodes[i] = buffer_inode(fds[i]);
	}
	MUST(raw_ioctl(fds[1], DMA_BUF_SET_NAME_B, "listed"));
	for (size_t i = 0; i < 3; i++) {
		fp_context("buffer of %zu pages", pages[i]);
		EXPECT_EQ(bufinfo_read(&info, inodes[i], &entry), 1);
		fdinfo_read(fds[i], &own);
		EXPECT_EQ(entry.size, pages[i] * page_size());
		EXPECT_EQ(entry.flags & ACCESS_MODE, O_RDWR);
		EXPECT_EQ(entry.count, 1);
		EXPECT_STR(entry.exporter, own.exporter);
		EXPECT_STR(entry.name, i == 1 ? "listed" : "");
		EXPECT_EQ(entry.attached, 0);
		EXPECT_EQ(entry.device_lines, 0);
	}
	fp_context("with a duplicate and a mapping");
	MUST(dup(fds[0]));
	buffer_map(fds[0], page_size());
	EXPECT_EQ(bufinfo_read(&info, inodes[0], &entry), 1);
	EXPECT_EQ(entry.count, 3);
	fp_context("closed");
	MUST(close(fds[2]));
	EXPECT_EQ(bufinfo_read(&info, inodes[2], NULL), 0);
	EXPECT_EQ(bufinfo_read(&info, inodes[1], NULL), 1);
}

CASE(bufinfo_total, "heap.size.bufinfo-total", CATALOGUE("SIZE-12"), CLASS(IMPL),
     STATEMENT("debugfs counts buffers and bytes: both grow with each buffer, by its size, and "
	       "shrink with it."),
     SOURCE(BUFINFO_SOURCE), NEEDS("heap debugfs"))
{
	const size_t sizes[] = {page_size(), 5 * page_size(), MIB};
	struct bufinfo before, info;
	size_t bytes = 0;
	int fds[3];

	bufinfo_read(&before, 0, NULL);
	for (int i = 0; i < 3; i++) {
		fds[i] = heap_buffer(sizes[i]);
		bytes += sizes[i];
		bufinfo_read(&info, 0, NULL);
		EXPECT_EQ(info.total - before.total, i + 1);
		EXPECT_EQ(info.total_bytes - before.total_bytes, bytes);
	}
	for (int i = 0; i < 3; i++)
		MUST(close(fds[i]));
	bufinfo_read(&info, 0, NULL);
	EXPECT_EQ(info.total, before.total);
	EXPECT_EQ(info.total_bytes, before.total_bytes);
}

/* One line of a buffer's entry in sysfs; -1 when there is no such file. */
static int sysfs_line(unsigned long long inode, const char *file_name, char *line, int size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), SYSFS "/%llu/%s", inode, file_name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (!fgets(line, size, file))
		fp_fail(__FILE__, __LINE__, path, "a line", "nothing");
	fclose(file);
	return 0;
}

CASE(sysfs, "heap.size.sysfs", CATALOGUE("SIZE-13"), CLASS(IMPL),
     STATEMENT("sysfs has an entry for each buffer, by its inode number, with size and exporter, "
	       "for as long as it lives."),
     SOURCE("drivers/dma-buf/dma-buf-sysfs-stats.c; "
	    "Documentation/ABI/testing/sysfs-kernel-dmabuf-buffers"),
     SINCE("6.1"), UNTIL("6.18"), NEEDS("heap sysfs-stats"))
{
	const size_t sizes[] = {page_size(), 3 * page_size(), MIB};
	char line[128], expected[128];
	struct fdinfo info;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = heap_buffer(sizes[i]);
		unsigned long long inode = buffer_inode(fd);
		void *at = buffer_map(fd, sizes[i]);

		fp_context("buffer of %zu bytes", sizes[i]);
		fdinfo_read(fd, &info);
		EXPECT_OK(sysfs_line(inode, "size", line, sizeof(line)));
		snprintf(expected, sizeof(expected), "%zu\n", sizes[i]);
		EXPECT_STR(line, expected);
		EXPECT_OK(sysfs_line(inode, "exporter_name", line, sizeof(line)));
		snprintf(expected, sizeof(expected), "%s\n", info.exporter);
		EXPECT_STR(line, expected);
		/* The mapping keeps the buffer, and so its entry. */
		MUST(close(fd));
		EXPECT_OK(sysfs_line(inode, "size", line, sizeof(line)));
		buffer_unmap(at, sizes[i]);
		EXPECT_ERRNO(sysfs_line(inode, "size", line, sizeof(line)), ENOENT);
	}
}
