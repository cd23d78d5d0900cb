// SPDX-License-Identifier: MIT
/* What a mapping shows: the buffer, all of it, the same to everyone, and from the right page on. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"

CASE(whole, "mmap.whole", CATALOGUE("MMAP-01"), CLASS(ABI),
     STATEMENT("The whole buffer can be mapped, read and written, and keeps its data when it is "
	       "unmapped and mapped again."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"),
     NEEDS("heap"))
{
	static const size_t sizes[] = {1, 3, CHUNKED_PAGES};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int buffer = heap_buffer(sizes[i] * page_size());
		/* What the kernel says there is: a size that is too large ends in SIGBUS here. */
		size_t pages = buffer_size(buffer) / page_size();
		char *at = map_pages(buffer, 0, pages);

		EXPECT_TRUE(pages >= sizes[i]);
		mark_pages(at, 0, pages, 0x11);
		EXPECT_PAGES(at, 0, pages, 0x11);
		unmap_pages(at, pages);
		at = map_pages(buffer, 0, pages);
		EXPECT_PAGES(at, 0, pages, 0x11);
		unmap_pages(at, pages);
		MUST(close(buffer));
	}
}

CASE(outlives_fd, "mmap.outlives-descriptor", CATALOGUE("MMAP-01"), CLASS(ABI),
     STATEMENT("A mapping keeps the buffer after its last descriptor is closed."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_mmap_internal(), under a file reference of the "
	    "mapping's"),
     NEEDS("heap"))
{
	int buffer = heap_buffer(CHUNKED_PAGES * page_size());
	char *at = map_pages(buffer, 0, CHUNKED_PAGES);

	mark_pages(at, 0, CHUNKED_PAGES, 0x12);
	MUST(close(buffer));
	/* Pages that had been given back would be handed out, cleared, to the next buffer. */
	buffer = heap_buffer(CHUNKED_PAGES * page_size());
	mark_pages(map_pages(buffer, 0, CHUNKED_PAGES), 0, CHUNKED_PAGES, 0x13);
	EXPECT_PAGES(at, 0, CHUNKED_PAGES, 0x12);
}

CASE(alias, "mmap.alias", CATALOGUE("MMAP-02"), CLASS(ABI),
     STATEMENT("Mappings of one buffer, by its descriptor or a duplicate, show the same bytes."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"),
     NEEDS("heap"))
{
	const size_t pages = 20, first_of_part = 7;
	int buffer = heap_buffer(pages * page_size()), duplicate = MUST(dup(buffer));
	char *first = map_pages(buffer, 0, pages), *second, *third, *part;

	/* Something between them, so that they do not lie a buffer's length apart. */
	reserve_pages(1);
	second = map_pages(buffer, 0, pages);
	reserve_pages(2);
	third = map_pages(duplicate, 0, pages);
	part = map_pages(duplicate, first_of_part, pages - first_of_part);
	EXPECT_TRUE(first != second);
	mark_pages(first, 0, pages, 0x21);
	EXPECT_PAGES(second, 0, pages, 0x21);
	EXPECT_PAGES(third, 0, pages, 0x21);
	EXPECT_PAGES(part, first_of_part, pages - first_of_part, 0x21);
	mark_pages(third, 0, pages, 0x22);
	EXPECT_PAGES(first, 0, pages, 0x22);
	EXPECT_PAGES(second, 0, pages, 0x22);
	/* Another buffer is another buffer. */
	mark_pages(map_pages(heap_buffer(pages * page_size()), 0, pages), 0, pages, 0x23);
	EXPECT_PAGES(first, 0, pages, 0x22);
}

CASE(alias_process, "mmap.alias-process", CATALOGUE("MMAP-02"), CLASS(ABI),
     STATEMENT("A mapping made in another process shows the same bytes, both ways."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"),
     NEEDS("heap"))
{
	const size_t pages = 20;
	int buffer = heap_buffer(pages * page_size()), status;
	char *at = map_pages(buffer, 0, pages);
	pid_t child;

	mark_pages(at, 0, pages, 0x24);
	child = MUST(fork());
	if (child == 0) {
		char *own;

		/* What was inherited is gone: this is about a mapping of the child's own. */
		unmap_pages(at, pages);
		own = map_pages(buffer, 0, pages);
		EXPECT_PAGES(own, 0, pages, 0x24);
		mark_pages(own, 0, pages, 0x25);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	EXPECT_PAGES(at, 0, pages, 0x25);
}

CASE(offset, "mmap.offset", CATALOGUE("MMAP-04"), CLASS(ABI),
     STATEMENT("The offset selects the right page, for every page of a buffer made of chunks of "
	       "several sizes."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_vm_fault()"),
     NEEDS("heap"))
{
	int buffer = heap_buffer(CHUNKED_PAGES * page_size());
	char *whole = map_pages(buffer, 0, CHUNKED_PAGES);

	mark_pages(whole, 0, CHUNKED_PAGES, 0x41);
	for (size_t page = 0; page < CHUNKED_PAGES; page++) {
		/* Three pages cross every border between chunks; one is the page alone. */
		size_t pages = page + 3 <= CHUNKED_PAGES ? 3 : 1;
		char *window = map_pages(buffer, page, pages);

		EXPECT_PAGES(window, page, pages, 0x41);
		mark_pages(window, page, 1, 0x42);
		unmap_pages(window, pages);
	}
	EXPECT_PAGES(whole, 0, CHUNKED_PAGES, 0x42);
}

CASE(offset_rest, "mmap.offset-to-end", CATALOGUE("MMAP-04"), CLASS(ABI),
     STATEMENT("From any offset on, the rest of the buffer can be mapped."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); "
	    "drivers/dma-buf/heaps/cma_heap.c: cma_heap_vm_fault()"),
     NEEDS("heap"))
{
	/* Around the borders of the chunks, inside them, and at both ends. */
	static const size_t firsts[] = {
		0, 1, 100, 255, 256, 257, 264, 271, 272, 273, CHUNKED_PAGES - 1};
	int buffer = heap_buffer(CHUNKED_PAGES * page_size());

	mark_pages(map_pages(buffer, 0, CHUNKED_PAGES), 0, CHUNKED_PAGES, 0x43);
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		size_t pages = CHUNKED_PAGES - firsts[i];
		char *rest = map_pages(buffer, firsts[i], pages);

		EXPECT_PAGES(rest, firsts[i], pages, 0x43);
		unmap_pages(rest, pages);
	}
}

CASE(fork_shares, "mmap.fork", CATALOGUE("MMAP-13"), CLASS(ABI),
     STATEMENT("A forked child shares its parent's mapping: what either writes, the other reads."),
     SOURCE("mm/mmap.c: do_mmap(), VM_SHARED; mm/memory.c: copy_page_range()"), NEEDS("heap"))
{
	enum { PAGES = 20 };
	int buffer = heap_buffer(PAGES * page_size()), to_child[2], to_parent[2], status;
	char *at = map_pages(buffer, 0, PAGES), byte;
	pid_t child;

	MUST(pipe(to_child));
	MUST(pipe(to_parent));
	/* Half of the pages have been touched before the fork, half have not. */
	mark_pages(at, 0, PAGES / 2, 0x51);
	child = MUST(fork());
	if (child == 0) {
		EXPECT_PAGES(at, 0, PAGES / 2, 0x51);
		mark_pages(at, 0, PAGES, 0x52);
		EXPECT_EQ(write(to_parent[1], "c", 1), 1);
		EXPECT_EQ(read(to_child[0], &byte, 1), 1);
		EXPECT_PAGES(at, 0, PAGES, 0x53);
		_exit(0);
	}
	MUST(close(to_parent[1]));
	EXPECT_EQ(read(to_parent[0], &byte, 1), 1);
	EXPECT_PAGES(at, 0, PAGES, 0x52);
	mark_pages(at, 0, PAGES, 0x53);
	EXPECT_EQ(write(to_child[1], "p", 1), 1);
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	EXPECT_PAGES(map_pages(buffer, 0, PAGES), 0, PAGES, 0x53);
}
