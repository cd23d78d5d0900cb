// SPDX-License-Identifier: MIT
/* iterator.c - all buffers as a BPF program sees them. */
#include <unistd.h>

#include "ktap.h"
#include "dmabuf-iterator.h"
#include "heap.h"

#define ROOM 256

/* How often it is listed; the sizes must be right each time. */
static int times_listed(int link, unsigned long long inode, size_t size)
{
	static struct iterated buffers[ROOM];
	int count = dmabuf_iterate(link, buffers, ROOM), times = 0;

	EXPECT_TRUE(count <= ROOM);
	for (int i = 0; i < count; i++) {
		if (buffers[i].inode != inode)
			continue;
		EXPECT_EQ(buffers[i].size, size);
		times++;
	}
	return times;
}

CASE(iterator, "heap.size.bpf-iterator", CATALOGUE("SIZE-14"), CLASS(IMPL),
     STATEMENT("The BPF iterator of dma-bufs comes by each buffer once while it lives, by whatever "
	       "it is held."),
     SOURCE("kernel/bpf/dmabuf_iter.c; drivers/dma-buf/dma-buf.c: dma_buf_iter_next()"),
     SINCE("7.2"), NEEDS("heap bpf-dmabuf-iterator root"))
{
	const size_t sizes[] = {page_size(), 3 * page_size(), MIB};
	int link = dmabuf_iterator_link(), fds[3];
	unsigned long long inodes[3];
	void *at;

	for (int i = 0; i < 3; i++) {
		fds[i] = heap_buffer(sizes[i]);
		inodes[i] = buffer_inode(fds[i]);
		EXPECT_EQ(times_listed(link, inodes[i], sizes[i]), 1);
	}
	fp_context("more than one read takes");
	for (int i = 0; i < 100; i++)
		heap_buffer(page_size());
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(times_listed(link, inodes[i], sizes[i]), 1);
	fp_context("held by a mapping alone");
	at = buffer_map(fds[2], sizes[2]);
	for (int i = 0; i < 3; i++)
		MUST(close(fds[i]));
	EXPECT_EQ(times_listed(link, inodes[0], sizes[0]), 0);
	EXPECT_EQ(times_listed(link, inodes[2], sizes[2]), 1);
	buffer_unmap(at, sizes[2]);
	EXPECT_EQ(times_listed(link, inodes[2], sizes[2]), 0);
}
