// SPDX-License-Identifier: MIT
/* pressure.c - allocations too large to be granted. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "memory.h"
#include "volunteer.h"

/* Allocates `len` bytes in a process of its own; its wait status: exit 0 for success, else the
 * errno. */
static int allocate_in_child(uint64_t len)
{
	pid_t child = MUST(fork());
	int status;

	if (child == 0) {
		int heap = heap_open(O_RDWR);

		volunteer_for_the_oom_killer();
		_exit(heap_allocate(heap, len, O_RDWR | O_CLOEXEC, 0) < 0 ? errno : 0);
	}
	MUST(waitpid(child, &status, 0));
	return status;
}

CASE(len_absurd, "heap.alloc.len-absurd", CATALOGUE("ALLOC-08"), CLASS(ABI),
     STATEMENT("A length beyond all memory is never granted; the rest of the system lives on and "
	       "the memory comes back."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate()"),
     NEEDS("heap"), TIMEOUT(30000))
{
	uint64_t free_before = heap_free_bytes();
	long live_before = live_buffers();
	int status = allocate_in_child(2 * meminfo_bytes("MemTotal"));

	/* The system heap has no limit of its own and may take the caller with it (OOM killer). */
	if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
	    !(WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM))
		fp_failf(__FILE__, __LINE__, "DMA_HEAP_IOCTL_ALLOC of twice MemTotal",
			 "ENOMEM or SIGKILL", "%s",
			 WIFSIGNALED(status)   ? strsignal(WTERMSIG(status))
			 : WEXITSTATUS(status) ? fp_errno_name(WEXITSTATUS(status))
					       : "success");
	fp_note("the caller %s", WIFSIGNALED(status) ? "was killed" : "got ENOMEM");
	EXPECT_EQ(live_buffers(), live_before);
	EXPECT_MEMORY_BACK(free_before);
	close(heap_buffer(page_size()));
}

/* So much taken is more than a length that has lost bits could ask for. */
#define TAKEN_ENOUGH (16 * MIB)
#define TAKEN_POLLS  2000

/*
 * Allocates `len` bytes in a process of its own, and kills it once it has taken enough: errno, 0
 * when the buffer was granted, -1 when it was killed on its way, by us or by the OOM killer.
 */
static int allocate_until_enough(uint64_t len)
{
	const uint64_t free_before = meminfo_bytes("MemFree");
	pid_t child = MUST(fork());
	int status;

	if (child == 0) {
		int heap = heap_open(O_RDWR);

		volunteer_for_the_oom_killer();
		_exit(heap_allocate(heap, len, O_RDWR | O_CLOEXEC, 0) < 0 ? errno : 0);
	}
	for (int poll = 0; waitpid(child, &status, WNOHANG) == 0; poll++) {
		const uint64_t now = meminfo_bytes("MemFree");

		if (now + TAKEN_ENOUGH < free_before || poll == TAKEN_POLLS)
			MUST(kill(child, SIGKILL));
		usleep(1000);
	}
	if (WIFSIGNALED(status))
		EXPECT_EQ(WTERMSIG(status), SIGKILL);
	return WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

CASE(len_beyond_memory, "heap.alloc.len-beyond-memory", CATALOGUE("ALLOC-08"), CLASS(ABI),
     STATEMENT("A length that would be small if it lost its upper half, or was added to without a "
	       "look, is not granted."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_buffer_alloc(), which passes on all 64 bits"),
     NEEDS("heap"), TIMEOUT(30000))
{
	const uint64_t page = page_size(), memory = meminfo_bytes("MemTotal");
	const uint64_t lens[] = {
		(1ull << 32) + page,	    (1ull << 44) + 4 * page,
		(1ull << 63) + page,	    UINT64_MAX - page + 1, /* a page more is 0 */
		UINT64_MAX - 16 * page + 1,
	};
	uint64_t free_before = heap_free_bytes();
	long live_before = live_buffers();

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		int error;

		if (lens[i] <= memory)
			continue;
		fp_context("len %#llx", (unsigned long long)lens[i]);
		error = allocate_until_enough(lens[i]);
		if (error >= 0)
			EXPECT_STR(error ? fp_errno_name(error) : "success", "ENOMEM");
		EXPECT_EQ(live_buffers(), live_before);
	}
	EXPECT_MEMORY_BACK(free_before);
}

CASE(len_beyond_region, "heap.alloc.len-beyond-region", CATALOGUE("ALLOC-08"), CLASS(IMPL),
     STATEMENT("A CMA heap refuses what its region cannot hold with ENOMEM, and keeps its pages."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate(); mm/cma.c: cma_alloc()"),
     NEEDS("heap:cma"))
{
	const uint64_t lens[] = {
		meminfo_bytes("CmaTotal") + page_size(),
		1ull << 40,
		1ull << 62,
		UINT64_MAX - page_size() + 1,
	};
	uint64_t free_before = heap_free_bytes();

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		int status;

		fp_context("len %#llx", (unsigned long long)lens[i]);
		status = allocate_in_child(lens[i]);
		EXPECT_TRUE(WIFEXITED(status));
		EXPECT_STR(fp_errno_name(WEXITSTATUS(status)), "ENOMEM");
	}
	EXPECT_MEMORY_BACK(free_before);
}
