// SPDX-License-Identifier: MIT
/* failure.c - an allocation that cannot be delivered: nothing of it may stay behind. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "descriptors.h"
#include "guarded.h"
#include "heap.h"
#include "memory.h"
#include "slab.h"

/* What an allocation that fails must leave as it was. */
struct left_alone {
	int open;
	long live;
};

static struct left_alone look(void)
{
	return (struct left_alone){descriptors_open(), live_buffers()};
}

static void expect_left_alone(const struct left_alone *before)
{
	EXPECT_EQ(descriptors_open(), before->open);
	EXPECT_EQ(live_buffers(), before->live);
}

/* Enough that a leak of each stands out from MEMORY_NOISE_BYTES. */
#define ROUNDS	     24
#define BUFFER_BYTES MIB

CASE(argument_unreadable, "heap.alloc.argument-unreadable", CATALOGUE("ALLOC-16"), CLASS(ABI),
     STATEMENT("An argument that cannot be read fails with EFAULT and leaves no descriptor."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl()"), NEEDS("heap dma-heap"))
{
	const struct dma_heap_allocation_data data = {.len = page_size(), .fd_flags = O_RDWR};
	/* All but the last 8 bytes of this one can be read. */
	char *torn = guarded(sizeof(data) - 8);
	int heap = heap_open(O_RDWR);
	struct left_alone before = look();

	memcpy(torn, &data, sizeof(data) - 8);
	EXPECT_ERRNO(heap_ioctl(heap, NULL), EFAULT);
	EXPECT_ERRNO(heap_ioctl(heap, unreachable()), EFAULT);
	EXPECT_ERRNO(heap_ioctl(heap, (void *)torn), EFAULT);
	/* An address that is the kernel's own. */
	EXPECT_ERRNO(heap_ioctl(heap, (void *)(UINTPTR_MAX - page_size() + 1)), EFAULT);
	expect_left_alone(&before);
}

CASE(argument_read_only, "heap.alloc.argument-read-only", CATALOGUE("ALLOC-17"), CLASS(ABI),
     STATEMENT("When the result cannot be written: EFAULT, no descriptor left, the memory freed."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl()"), NEEDS("heap dma-heap"))
{
	const struct dma_heap_allocation_data data = {
		.len = BUFFER_BYTES,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct dma_heap_allocation_data *argument = read_only(&data, sizeof(data));
	int heap = heap_open(O_RDWR);
	struct left_alone before = look();
	uint64_t free_before;

	heap_require(BUFFER_BYTES);
	free_before = heap_free_bytes();
	for (int round = 0; round < ROUNDS; round++) {
		fp_context("round %d", round);
		EXPECT_ERRNO(heap_ioctl(heap, argument), EFAULT);
		expect_left_alone(&before);
	}
	EXPECT_MEMORY_BACK(free_before);
}

CASE(descriptors_full, "heap.alloc.descriptors-full", CATALOGUE("ALLOC-18"), CLASS(ABI),
     STATEMENT("With the descriptor table full: EMFILE, no stray descriptor, the memory freed."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate()"), NEEDS("heap"))
{
	int heap = heap_open(O_RDWR);
	struct left_alone before = look();
	unsigned long limit;
	uint64_t free_before;

	heap_require(BUFFER_BYTES);
	free_before = heap_free_bytes();
	limit = descriptors_forbid();
	for (int round = 0; round < ROUNDS; round++) {
		fp_context("round %d", round);
		EXPECT_ERRNO(heap_allocate(heap, BUFFER_BYTES, O_RDWR | O_CLOEXEC, 0), EMFILE);
	}
	descriptors_allow(limit);
	expect_left_alone(&before);
	EXPECT_MEMORY_BACK(free_before);
	EXPECT_OK(heap_allocate(heap, BUFFER_BYTES, O_RDWR | O_CLOEXEC, 0));
}

#define FILE_MAX "/proc/sys/fs/file-max"
#define NOBODY	 65534

static void set_file_max(const char *text)
{
	int fd = MUST(open(FILE_MAX, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	MUST(close(fd));
}

/* What a buffer's own structures cost, and is lost with each, adds up to more than this. */
#define SMALL_ROUNDS 3000
#define SMALL_LEAK   (80 * 1024)

struct refused {
	int heap;
	int times;
	size_t bytes;
};

/* Allocates without the right to open more files than the system may have, of which it has more. */
static void allocate_without_files(void *argument)
{
	const struct refused *refused = argument;
	char usual[32] = "";
	int file = MUST(open(FILE_MAX, O_RDONLY | O_CLOEXEC)), status = 0;
	pid_t child;

	MUST(read(file, usual, sizeof(usual) - 1));
	MUST(close(file));
	set_file_max("0");
	child = fork();
	if (child == 0) {
		MUST(setresuid(NOBODY, NOBODY, NOBODY));
		for (int round = 0; round < refused->times; round++)
			EXPECT_ERRNO(
				heap_allocate(refused->heap, refused->bytes, O_RDWR | O_CLOEXEC, 0),
				ENFILE);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	set_file_max(usual);
	MUST(child);
	EXPECT_EQ(status, 0);
}

CASE(files_full, "heap.alloc.files-full", CATALOGUE("ALLOC-18"), CLASS(ABI),
     STATEMENT("With the system's file table full: ENFILE, no stray descriptor, the memory freed, "
	       "once."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export(); fs/file_table.c: alloc_empty_file()"),
     NEEDS("heap root"), TIMEOUT(30000))
{
	struct refused large = {heap_open(O_RDWR), ROUNDS, BUFFER_BYTES};
	struct refused small = {large.heap, SMALL_ROUNDS, page_size()};
	struct left_alone before = look();
	uint64_t free_before;

	heap_require(BUFFER_BYTES);
	free_before = heap_free_bytes();
	fp_context("buffers of %zu bytes", large.bytes);
	allocate_without_files(&large);
	expect_left_alone(&before);
	EXPECT_MEMORY_BACK(free_before);
	/* A CMA area would take minutes for so many. */
	if (!heap_is_cma()) {
		fp_context("buffers of %zu bytes", small.bytes);
		allocate_without_files(&small);
		EXPECT_SLAB_FLAT(allocate_without_files, &small, SMALL_LEAK);
	}
	expect_left_alone(&before);
	/* What had been freed twice would be given out twice. */
	for (int i = 0; i < 4; i++)
		EXPECT_OK(heap_allocate(large.heap, BUFFER_BYTES, O_RDWR | O_CLOEXEC, 0));
}
