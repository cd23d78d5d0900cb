// SPDX-License-Identifier: MIT
/* Who gets at a buffer's bytes, and what is in them at first. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "facts.h"
#include "buffer-fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memory.h"
#include "page-kinds.h"
#include "pages.h"
#include "played-device.h"

CASE(programs, "constraints.programs", CATALOGUE("MMAP-01"), CLASS(IMPL),
     STATEMENT("For a program: it can map a buffer, and finds what it wrote."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_mmap()"), NEEDS("heap"))
{
	size_t bytes = 3 * page_size();
	int buffer = heap_buffer(bytes);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);

	if (at == MAP_FAILED)
		NO("programs", "mmap() fails with %s", fp_errno_name(errno));
	fill(at, 0, bytes, 1);
	EXPECT_OK(munmap(at, bytes));
	at = buffer_map(buffer, bytes);
	EXPECT_FILLED(at, 0, bytes, 1);
	YES("programs");
}

CASE(cached, "constraints.cached", CATALOGUE("MMAP-20"), CLASS(IMPL),
     STATEMENT("For a program that reads a buffer often: its mapping is ordinary cached memory."),
     SOURCE("Documentation/userspace-api/dma-buf-heaps.rst: cacheable"), NEEDS("heap device"))
{
	size_t pages = 3, bytes = pages * page_size();
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, heap_buffer(bytes), 0);
	const char *kind;

	if (at == MAP_FAILED)
		fp_skip("no: mmap() fails with %s", fp_errno_name(errno));
	mark_pages(at, 0, pages, 1);
	kind = page_kinds(at, pages);
	if (!strcmp(kind, "cached"))
		YES("cached");
	else
		NO("cached", "its pages are %s", kind);
}

CASE(kernel, "constraints.kernel", CATALOGUE("IMP-10"), CLASS(IMPL),
     STATEMENT("For a driver that looks at buffers itself: it can map one into the kernel."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap()"), NEEDS("heap device"))
{
	struct fencepost_vmap wanted = {.buffer = kernel_hold(heap_buffer(page_size()))};

	if (device_ioctl(FENCEPOST_IOC_VMAP, &wanted))
		NO("kernel", "dma_buf_vmap() fails with %s", fp_errno_name(errno));
	YES("kernel");
}

CASE(zeroed, "constraints.zeroed", CATALOGUE("ZERO-02"), CLASS(IMPL),
     STATEMENT(
	     "For whoever must not see what others left: a new buffer is all zeros, as its device "
	     "sees it."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: HIGH_ORDER_GFP; cma_heap.c: "
	    "cma_heap_allocate()"),
     NEEDS("heap device"))
{
	size_t bytes = device_room();
	unsigned char *copy = malloc(bytes);
	int others[4], buffer;

	EXPECT_TRUE(copy);
	for (int i = 0; i < 4; i++) {
		unsigned char *at;

		others[i] = heap_buffer(bytes);
		at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, others[i], 0);
		/* Where programs cannot write, a device can. */
		if (at == MAP_FAILED) {
			fill(copy, 0, bytes, 7);
			device_write(device_with(others[i], FENCEPOST_FROM_DEVICE), 0, copy, bytes);
			continue;
		}
		fill(at, 0, bytes, 7);
		buffer_unmap(at, bytes);
	}
	for (int i = 0; i < 4; i++)
		MUST(close(others[i]));
	buffer = heap_buffer(bytes);
	device_read(device_with(buffer, FENCEPOST_BIDIRECTIONAL), 0, copy, bytes);
	for (size_t i = 0; i < bytes; i++)
		if (copy[i])
			NO("zeroed", "byte %zu is 0x%02x", i, copy[i]);
	YES("zeroed");
}

CASE(untouched, "constraints.untouched", CATALOGUE("IMP-04"), CLASS(IMPL),
     STATEMENT("For a buffer that no processor ever touches: what one device writes another reads, "
	       "without any SYNC."),
     SOURCE("include/linux/dma-buf.h: dma_buf_ops.map_dma_buf"), NEEDS("heap device"))
{
	size_t bytes = page_align(204 * KIB);
	int buffer = heap_buffer(bytes);
	unsigned char *data = malloc(bytes), *copy = malloc(bytes);
	uint32_t writer = device_with(buffer, FENCEPOST_BIDIRECTIONAL),
		 reader = device_with(buffer, FENCEPOST_TO_DEVICE);

	EXPECT_TRUE(data && copy);
	fill(data, 0, bytes, 3);
	device_write(writer, 0, data, bytes);
	device_read(reader, 0, copy, bytes);
	for (size_t i = 0; i < bytes; i++)
		if (copy[i] != data[i])
			NO("untouched",
			   "byte %zu has not arrived: each device has memory of its own "
			   "here, which only SYNC moves",
			   i);
	YES("untouched");
}
