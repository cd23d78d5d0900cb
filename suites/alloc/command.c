// SPDX-License-Identifier: MIT
/* command.c - the ioctl's number: the argument's size, direction and magic in it. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "ktap.h"
#include "guarded.h"
#include "heap.h"

#define IOCTL_SOURCE "drivers/dma-buf/dma-heap.c: dma_heap_ioctl()"
/* _IOC_SIZE has 14 bits. */
#define SIZE_MAX_OF_COMMAND 16383

static unsigned int command(unsigned int direction, unsigned int magic, unsigned int number,
			    size_t size)
{
	return _IOC(direction, magic, number, size);
}

static unsigned int allocate_command(size_t size)
{
	return command(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, 0, size);
}

CASE(struct_smaller, "heap.alloc.struct-smaller", CATALOGUE("ALLOC-12"), CLASS(ABI),
     STATEMENT("A shorter argument is accepted; the fields it lacks count as zero."),
     SOURCE(IOCTL_SOURCE), NEEDS("heap dma-heap"))
{
	const size_t without_heap_flags = offsetof(struct dma_heap_allocation_data, heap_flags);
	const size_t without_fd_flags = offsetof(struct dma_heap_allocation_data, fd_flags);
	struct dma_heap_allocation_data data = {.len = page_size(), .fd_flags = O_RDWR};
	struct dma_heap_allocation_data *argument;
	int heap = heap_open(O_RDWR);

	/* Beyond the end lies a page that cannot be read. */
	argument = guarded(without_heap_flags);
	memcpy(argument, &data, without_heap_flags);
	EXPECT_OK(raw_ioctl(heap, allocate_command(without_heap_flags), argument));
	EXPECT_TRUE(is_dmabuf((int)argument->fd));
	EXPECT_EQ(fcntl((int)argument->fd, F_GETFL) & ACCESS_MODE, O_RDWR);

	argument = guarded(without_fd_flags);
	memcpy(argument, &data, without_fd_flags);
	EXPECT_OK(raw_ioctl(heap, allocate_command(without_fd_flags), argument));
	EXPECT_TRUE(is_dmabuf((int)argument->fd));
	EXPECT_EQ(fcntl((int)argument->fd, F_GETFL) & ACCESS_MODE, O_RDONLY);

	/* What lies beyond it is not looked at, though it would be refused. */
	data.heap_flags = UINT64_MAX;
	EXPECT_OK(raw_ioctl(heap, allocate_command(without_heap_flags), &data));
	EXPECT_TRUE(is_dmabuf((int)data.fd));
	EXPECT_EQ(data.heap_flags, UINT64_MAX);
}

CASE(struct_larger, "heap.alloc.struct-larger", CATALOGUE("ALLOC-13"), CLASS(ABI),
     STATEMENT(
	     "A longer argument is accepted; what it has more is ignored and returned unchanged."),
     SOURCE(IOCTL_SOURCE), NEEDS("heap dma-heap"))
{
	/* The kernel keeps 128 bytes on its stack and takes more from kmalloc(). */
	static const size_t sizes[] = {25, 32, 127, 128, 129, 4096, SIZE_MAX_OF_COMMAND};
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct dma_heap_allocation_data data = {
			.len = page_size(),
			.fd_flags = O_RDWR | O_CLOEXEC,
		};
		uint8_t *argument = guarded(sizes[i]);

		fp_context("argument of %zu bytes", sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++)
			argument[at] = (uint8_t)(at * 7 + 1);
		memcpy(argument, &data, sizeof(data));
		EXPECT_OK(raw_ioctl(heap, allocate_command(sizes[i]), argument));
		memcpy(&data, argument, sizeof(data));
		EXPECT_TRUE(is_dmabuf((int)data.fd));
		for (size_t at = sizeof(data); at < sizes[i]; at++)
			if (argument[at] != (uint8_t)(at * 7 + 1))
				fp_failf(__FILE__, __LINE__, "argument[at]", "unchanged",
					 "byte %zu is %#x", at, argument[at]);
	}
}

CASE(number_unknown, "heap.alloc.number-unknown", CATALOGUE("ALLOC-14"), CLASS(IMPL),
     STATEMENT("An unknown ioctl number on a heap fails with EINVAL, not ENOTTY."),
     SOURCE(IOCTL_SOURCE), NEEDS("heap dma-heap"))
{
	struct dma_heap_allocation_data data = {.len = page_size(), .fd_flags = O_RDWR};
	int heap = heap_open(O_RDWR);
	int next_before = next_descriptor();

	for (unsigned int number = 1; number < 256; number++) {
		fp_context("number %u", number);
		EXPECT_ERRNO(raw_ioctl(heap,
				       command(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, number,
					       sizeof(data)),
				       &data),
			     EINVAL);
	}
	EXPECT_EQ(next_descriptor(), next_before);
}

CASE(magic_ignored, "heap.alloc.magic-ignored", CATALOGUE("ALLOC-15"), CLASS(QUIRK),
     STATEMENT("The ioctl's magic is not looked at: number 0 of any magic allocates."),
     SOURCE(IOCTL_SOURCE), NEEDS("heap dma-heap"))
{
	struct dma_heap_allocation_data data = {.len = page_size(), .fd_flags = O_RDWR};
	int heap = heap_open(O_RDWR);

	EXPECT_OK(raw_ioctl(heap, command(_IOC_READ | _IOC_WRITE, 'Z', 0, sizeof(data)), &data));
	EXPECT_TRUE(is_dmabuf((int)data.fd));
}

CASE(write_only_command, "heap.alloc.command-without-read", CATALOGUE("ALLOC-15"), CLASS(QUIRK),
     STATEMENT("Without _IOC_READ the descriptor is installed but its number is never returned."),
     SOURCE(IOCTL_SOURCE), NEEDS("heap dma-heap"))
{
	struct dma_heap_allocation_data data = {.len = page_size(), .fd_flags = O_RDWR};
	int heap = heap_open(O_RDWR);
	int fd = next_descriptor();

	EXPECT_OK(raw_ioctl(heap, command(_IOC_WRITE, DMA_HEAP_IOC_MAGIC, 0, sizeof(data)), &data));
	EXPECT_EQ(data.fd, 0);
	EXPECT_TRUE(is_dmabuf(fd));
	EXPECT_EQ(buffer_size(fd), page_size());
}

CASE(read_only_command, "heap.alloc.command-without-write", CATALOGUE("ALLOC-15"), CLASS(QUIRK),
     STATEMENT(
	     "Without _IOC_WRITE nothing of the argument is read, so its length is zero: EINVAL."),
     SOURCE(IOCTL_SOURCE), NEEDS("heap dma-heap"))
{
	struct dma_heap_allocation_data data = {.len = page_size(), .fd_flags = O_RDWR};
	int heap = heap_open(O_RDWR);
	int next_before = next_descriptor();

	EXPECT_ERRNO(
		raw_ioctl(heap, command(_IOC_READ, DMA_HEAP_IOC_MAGIC, 0, sizeof(data)), &data),
		EINVAL);
	EXPECT_EQ(next_descriptor(), next_before);
}
