// SPDX-License-Identifier: MIT
/* A buffer as a driver holds it, and maps it into the kernel's memory. */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "played-device.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memory.h"
#include "others.h"
#include "pages.h"

CASE(vmap, "importer.vmap", CATALOGUE("IMP-10"), CLASS(ABI),
     STATEMENT("The kernel's mapping shows the whole buffer in one piece: what a program wrote is "
	       "there, and what the kernel writes the program sees."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap(); drivers/dma-buf/heaps/system_heap.c: "
	    "system_heap_vmap(); cma_heap.c: cma_heap_vmap()"),
     NEEDS("heap device vmap"))
{
	size_t bytes = CHUNKED_PAGES * page_size();
	int buffer = heap_buffer(bytes);
	unsigned char *at = buffer_map(buffer, bytes), *copy = malloc(bytes);
	uint32_t held = kernel_hold(buffer);

	EXPECT_TRUE(copy);
	EXPECT_TRUE(kernel_vmap(held) != 0);
	fill(at, 0, bytes, 1);
	kernel_read(held, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 1);
	fill(copy, 0, bytes, 2);
	kernel_write(held, 0, copy, bytes);
	EXPECT_FILLED(at, 0, bytes, 2);
	kernel_vunmap(held);
}

CASE(vmap_nested, "importer.vmap-nested", CATALOGUE("IMP-10"), CLASS(ABI),
     STATEMENT(
	     "A mapping in the kernel that is asked for again is the same one, and it stays until "
	     "it was given back as often."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap(), dma_buf_vunmap()"),
     NEEDS("heap device vmap"))
{
	int buffer = heap_buffer(3 * page_size());
	uint32_t held = kernel_hold(buffer), other = kernel_hold(buffer);

	for (int round = 0; round < 2; round++) {
		uint64_t address = kernel_vmap(held);
		unsigned char byte = (unsigned char)(0x31 + round), found = 0;

		for (int i = 0; i < 3; i++)
			EXPECT_EQ(kernel_vmap(held), address);
		EXPECT_EQ(kernel_vmap(other), address);
		kernel_write(held, 2 * page_size(), &byte, 1);
		for (int i = 0; i < 4; i++)
			EXPECT_TRUE(kernel_vunmap(held) != 0);
		kernel_read(other, 2 * page_size(), &found, 1);
		EXPECT_EQ(found, byte);
		EXPECT_TRUE(kernel_vunmap(other) != 1);
	}
}

CASE(vmap_keeps, "importer.vmap-outlives-descriptor", CATALOGUE("IMP-10"), CLASS(ABI),
     STATEMENT("A driver's reference keeps the mapping in the kernel, and what is in it, when the "
	       "last descriptor is closed."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_get(), dma_buf_put(), dma_buf_vmap()"),
     NEEDS("heap device vmap"))
{
	size_t bytes = 5 * page_size();
	unsigned char *copy = malloc(bytes);
	int buffer = heap_buffer(bytes);
	uint32_t held = kernel_hold(buffer);

	EXPECT_TRUE(copy);
	kernel_vmap(held);
	fill(copy, 0, bytes, 1);
	kernel_write(held, 0, copy, bytes);
	MUST(close(buffer));
	others_fill(bytes, 9);
	kernel_read(held, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 1);
	kernel_vunmap(held);
	kernel_let_go(held);
}

CASE(ion_vmap, "importer.ion-no-vmap", CATALOGUE("ION-10"), CLASS(IMPL),
     STATEMENT("A buffer of ION's has no mapping in the kernel that a driver could ask for."),
     SOURCE("drivers/staging/android/ion/ion.c: dma_buf_ops; drivers/dma-buf/dma-buf.c: "
	    "dma_buf_vmap(), which is NULL then"),
     UNTIL("5.10"), NEEDS("heap:ion device"))
{
	struct fencepost_vmap wanted = {.buffer = kernel_hold(heap_buffer(page_size()))};

	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_VMAP, &wanted), ENOMEM);
}

CASE(not_dmabuf, "importer.no-dma-buf", CATALOGUE("IMP-22"), CLASS(ABI),
     STATEMENT("A driver that is given a descriptor of something else finds EINVAL, and of nothing "
	       "EBADF."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_get()"), NEEDS("heap device"))
{
	uint32_t device = device_make();
	int closed = heap_buffer(page_size());
	int others[] = {MUST(eventfd(0, EFD_CLOEXEC)), heap_open(O_RDWR),
			MUST(open("/proc/self/maps", O_RDONLY | O_CLOEXEC))};
	struct fencepost_hold hold;
	struct fencepost_attach attach;

	MUST(close(closed));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		hold = (struct fencepost_hold){.fd = others[i]};
		EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_HOLD, &hold), EINVAL);
		attach = (struct fencepost_attach){.fd = others[i], .device = device};
		EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_ATTACH, &attach), EINVAL);
	}
	hold = (struct fencepost_hold){.fd = closed};
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_HOLD, &hold), EBADF);
	hold.fd = -1;
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_HOLD, &hold), EBADF);
	attach = (struct fencepost_attach){.fd = closed, .device = device};
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_ATTACH, &attach), EBADF);
}

CASE(keeps, "importer.keeps-memory", CATALOGUE("LIFE-07"), CLASS(ABI),
     STATEMENT(
	     "A buffer that a device is attached to lives on when every descriptor and mapping of "
	     "it is gone, with what is in it."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_get(), dma_buf_put(), dma_buf_release()"),
     NEEDS("heap device"))
{
	size_t bytes = device_room();
	unsigned char *copy = malloc(bytes);
	int buffer = heap_buffer(bytes);
	uint32_t attachment = device_with(buffer, FENCEPOST_BIDIRECTIONAL);

	EXPECT_TRUE(copy);
	fill(copy, 0, bytes, 5);
	device_write(attachment, 0, copy, bytes);
	MUST(close(buffer));
	others_fill(bytes, 6);
	device_read(attachment, 0, copy, bytes);
	EXPECT_FILLED(copy, 0, bytes, 5);
	device_unmap(attachment);
	device_detach(attachment);
}

CASE(frees, "importer.frees-memory", CATALOGUE("LIFE-07"), CLASS(ABI),
     STATEMENT("With the last attachment's reference the memory goes back, and not before."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_get(), dma_buf_put(), dma_buf_release()"),
     NEEDS("heap device debugfs"))
{
	long before = live_buffers();
	uint64_t room = heap_room(), memory = heap_free_bytes();
	size_t bytes = room > 32 * MIB ? 32 * MIB : (size_t)room;
	uint32_t device = device_make(), attachment;
	int buffer;

	bytes -= bytes % page_size();
	heap_require(8 * MIB);
	buffer = heap_buffer(bytes);
	attachment = device_attach(device, buffer);
	MUST(close(buffer));
	EXPECT_EQ(live_buffers(), before + 1);
	EXPECT_TRUE(heap_free_bytes() + bytes / 2 < memory);
	device_detach(attachment);
	EXPECT_EQ(live_buffers(), before);
	EXPECT_MEMORY_BACK(memory);
}
