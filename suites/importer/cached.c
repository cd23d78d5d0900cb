// SPDX-License-Identifier: MIT
/* How programs' mappings are cached. */
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "ion.h"
#include "ktap.h"
#include "page-kinds.h"
#include "pages.h"
#include "played-device.h"

static void expect_kind(int buffer, size_t pages, enum fencepost_kind kind)
{
	char *at = map_pages(buffer, 0, pages);

	mark_pages(at, 0, pages, 1);
	EXPECT_KIND(at, pages, kind);
	EXPECT_PAGES(at, 0, pages, 1);
	unmap_pages(at, pages);
}

/* What a vendor's heap says of itself by its name, as Android's system-uncached does. */
static bool says_uncached(void)
{
	return strstr(fp_subject(), "uncached") != NULL;
}

CASE(cached, "importer.mapped-cached", CATALOGUE("MMAP-20"), CLASS(ABI),
     STATEMENT("A program's mapping is ordinary cached memory, every page of it, unless the heap's "
	       "name says that it is not."),
     SOURCE("Documentation/userspace-api/dma-buf-heaps.rst: cacheable"), NEEDS("heap device"))
{
	size_t pages[] = {1, 3, CHUNKED_PAGES};

	if (says_uncached())
		fp_skip("needs a heap of cached memory: %s says it is not", fp_subject());
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		expect_kind(heap_buffer(pages[i] * page_size()), pages[i], FENCEPOST_CACHED);
}

CASE(uncached, "importer.mapped-uncached", CATALOGUE("MMAP-20"), CLASS(IMPL),
     STATEMENT(
	     "A program's mapping of a heap that is uncached by its name is write-combined, every "
	     "page of it."),
     SOURCE("drivers/staging/android/ion/ion.c: ion_mmap(), which vendors' heaps follow"),
     NEEDS("heap:vendor device"))
{
	size_t pages[] = {1, 3, CHUNKED_PAGES};

	if (!says_uncached())
		fp_skip("needs a heap that is uncached: %s does not say so", fp_subject());
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		expect_kind(heap_buffer(pages[i] * page_size()), pages[i],
			    FENCEPOST_WRITE_COMBINED);
}

CASE(ion, "importer.ion-uncached", CATALOGUE("ION-07"), CLASS(ABI),
     STATEMENT("A program's mapping of an ION buffer that was not asked for cached is "
	       "write-combined."),
     SOURCE("drivers/staging/android/ion/ion.c: ion_mmap()"), UNTIL("5.10"),
     NEEDS("heap:ion device"))
{
	const char *name = strcmp(ion_subject(), "system") ? ion_subject() : ION_SYSTEM_HEAP;
	int node = heap_node(O_RDWR | O_CLOEXEC);
	struct ion_heap heap;

	EXPECT_TRUE(node >= 0 && ion_heap_named(node, name, &heap));
	expect_kind(MUST(ion_allocate(node, 3 * page_size(), 1u << heap.id, 0)), 3,
		    FENCEPOST_WRITE_COMBINED);
}
