// SPDX-License-Identifier: MIT
/*
 * dirt.c - memory that is not zero. A guest's RAM starts as zeros, so a heap that clears nothing
 * would look clean: the free memory has to be dirtied before a test of zeroing says anything.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "memory.h"

#define DIRT 0xd7
/* On a large machine the pages freed last are the first to be handed out again. */
#define DIRTY_BYTES_MAX (512 * MIB)

/* Anonymous memory, in a process of its own that ends: the pages go back to where the heap takes
 * them from. */
static void dirty_system_memory(void)
{
	size_t wanted = page_align((size_t)(heap_room() * 3));
	size_t bytes = wanted < DIRTY_BYTES_MAX ? wanted : DIRTY_BYTES_MAX;
	pid_t child = MUST(fork());
	int status;

	if (child == 0) {
		void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

		if (at == MAP_FAILED)
			_exit(1);
		memset(at, DIRT, bytes);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
}

/* The region can be reached through the heap itself: buffers of an eighth of it, as many as there
 * are. */
static void dirty_region(void)
{
	size_t bytes = page_align((size_t)(heap_area_bytes() / 8));
	int heap = heap_open(O_RDWR);
	int fds[8];
	int count = 0;

	while (count < 8 && (fds[count] = heap_allocate(heap, bytes, O_RDWR | O_CLOEXEC, 0)) >= 0) {
		void *at = buffer_map(fds[count++], bytes);

		memset(at, DIRT, bytes);
		buffer_unmap(at, bytes);
	}
	EXPECT_TRUE(count > 0);
	while (count)
		close(fds[--count]);
	close(heap);
}

void make_free_memory_dirty(void)
{
	if (heap_is_cma())
		dirty_region();
	else
		dirty_system_memory();
}
