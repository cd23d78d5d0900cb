// SPDX-License-Identifier: MIT
/* names.c - what heaps are called. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "cma-area.h"
#include "fdinfo.h"
#include "heap.h"
#include "memory.h"
#include "needs.h"

#define HEAPS_RST "Documentation/userspace-api/dma-buf-heaps.rst: "

/* A descriptor of the heap of this name; the case fails when there is none. */
static int open_heap(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	fp_context("%s", path);
	return EXPECT_OK(open(path, O_RDWR | O_CLOEXEC));
}

static void require_area(void)
{
	if (!meminfo_bytes("CmaTotal"))
		fp_skip("needs cma: the kernel has no CMA area (CmaTotal is 0)");
}

/* Buffers of this heap take exactly their pages from CMA areas. */
static void expect_from_area(int heap)
{
	const long pages = 5;
	long long used = cma_used_pages();
	int fd = EXPECT_OK(
		heap_allocate(heap, (uint64_t)pages * page_size(), O_RDWR | O_CLOEXEC, 0));

	if (used >= 0)
		EXPECT_EQ(cma_used_pages() - used, pages);
	MUST(close(fd));
	EXPECT_EQ(cma_used_pages(), used);
}

CASE(system_name, "heap.node.system-name", CATALOGUE("NAME-04"), CLASS(ABI),
     STATEMENT("The system heap is called system, and takes its pages from no CMA area."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_create(); " HEAPS_RST "Heaps"),
     NEEDS("heap dma-heap system-heap-driver"))
{
	int heap = open_heap("system");
	long long used = cma_used_pages();
	int fd = EXPECT_OK(heap_allocate(heap, MIB, O_RDWR | O_CLOEXEC, 0));

	EXPECT_TRUE(is_dmabuf(fd));
	EXPECT_EQ(cma_used_pages(), used);
}

CASE(cma_name, "heap.node.cma-name", CATALOGUE("NAME-05"), CLASS(ABI),
     STATEMENT("The heap of the default CMA area is called default_cma_region."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: DEFAULT_CMA_NAME; " HEAPS_RST "Heaps"),
     SINCE("6.17"), NEEDS("heap dma-heap cma-heap-driver"))
{
	require_area();
	expect_from_area(open_heap("default_cma_region"));
}

CASE(cma_area_name, "heap.node.cma-area-name", CATALOGUE("NAME-05"), CLASS(IMPL),
     STATEMENT("The heap of the default CMA area is called as the area is: reserved, linux,cma or "
	       "default-pool."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: __add_cma_heap(), cma_get_name()"), UNTIL("6.16"),
     NEEDS("heap dma-heap cma-heap-driver"))
{
	struct cma_areas areas;
	unsigned int named = 0;

	require_area();
	cma_areas_read(&areas);
	if (!areas.count)
		fp_skip("needs cma-counters: neither sysfs nor debugfs tells the areas' names");
	for (unsigned int i = 0; i < areas.count; i++) {
		char path[300];

		/* Areas other than the default one have no heap on these kernels. */
		snprintf(path, sizeof(path), "/dev/dma_heap/%s", areas.names[i]);
		if (access(path, F_OK))
			continue;
		expect_from_area(open_heap(areas.names[i]));
		named++;
	}
	EXPECT_EQ(named, 1);
}

CASE(cma_twice, "heap.node.cma-twice", CATALOGUE("NAME-06"), CLASS(QUIRK),
     STATEMENT("The default CMA area is two heaps, default_cma_region and one called as the area "
	       "is, that share its pages."),
     SOURCE("drivers/dma-buf/heaps/cma_heap.c: add_cma_heaps(); kernel/dma/contiguous.c: "
	    "dma_contiguous_reserve_area(), dma_contiguous_get_area_by_idx()"),
     SINCE("7.2"), NEEDS("heap:cma"))
{
	const uint64_t most = page_align((size_t)(meminfo_bytes("CmaTotal") / 4 * 3));
	struct cma_areas areas;
	int first, second, fd;

	cma_areas_read(&areas);
	if (areas.count != 1)
		fp_skip("needs one-area: %u areas can be told by name", areas.count);
	first = open_heap("default_cma_region");
	second = open_heap(areas.names[0]);
	expect_from_area(first);
	expect_from_area(second);
	/* What one has taken the other does not have. */
	fd = EXPECT_OK(heap_allocate(first, most, O_RDWR | O_CLOEXEC, 0));
	EXPECT_ERRNO(heap_allocate(second, most, O_RDWR | O_CLOEXEC, 0), ENOMEM);
	MUST(close(fd));
	close(EXPECT_OK(heap_allocate(second, most, O_RDWR | O_CLOEXEC, 0)));
}

CASE(exporter_5_10, "heap.node.exporter-5.10", CATALOGUE("NAME-11"), CLASS(IMPL),
     STATEMENT("The exporter's name in fdinfo is that of the helpers which all heaps share."),
     SOURCE("drivers/dma-buf/heaps/heap-helpers.c: heap_helper_export_dmabuf(), whose "
	    "DEFINE_DMA_BUF_EXPORT_INFO() says KBUILD_MODNAME"),
     UNTIL("5.10"), NEEDS("heap dma-heap"))
{
	struct fdinfo info;

	if (!strcmp(fp_heap_kind(), "vendor"))
		fp_skip("needs upstream-heap: a vendor's may not use the helpers");
	fdinfo_read(heap_buffer(page_size()), &info);
	EXPECT_STR(info.exporter, "heap_helpers");
}

/* Is `word` one of the words, of letters, that `name` is made of? */
static bool has_word(const char *name, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = name; (at = strcasestr(at, word)); at++)
		if ((at == name || !isalpha((unsigned char)at[-1])) &&
		    !isalpha((unsigned char)at[length]))
			return true;
	return false;
}

CASE(vendor_name, "heap.node.vendor-name", CATALOGUE("NAME-13"), CLASS(ABI),
     STATEMENT("A heap's name does not mention the allocator, and needs no escaping as a file's "
	       "name or in a list."),
     SOURCE(HEAPS_RST "Naming Convention"), SINCE("6.17"), NEEDS("heap:vendor"))
{
	static const char *const allocators[] = {"cma",	    "ion",	"kmalloc", "vmalloc",
						 "slab",    "slub",	"kmem",	   "buddy",
						 "genpool", "gen_pool", "mempool", "shmem"};

	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++)
		if (has_word(fp_subject(), allocators[i]))
			fp_failf(__FILE__, __LINE__, "the heap's name", "no allocator in it",
				 "\"%s\" in \"%s\"", allocators[i], fp_subject());
	for (const char *at = fp_subject(); *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("-_,.@+:", *at))
			fp_failf(__FILE__, __LINE__, "the heap's name",
				 "letters, digits and -_,.@+:", "'%c' in \"%s\"", *at,
				 fp_subject());
}

/*
 * What an encrypted guest has shows in drivers/virt/coco. There, and on a host that encrypts its
 * memory, the heap is what the row CC-02 says of it.
 */
CASE(cc_shared_absent, "heap.node.cc-shared-absent", CATALOGUE("CC-01"), CLASS(ABI),
     STATEMENT("Where memory is not encrypted there is no heap of decrypted memory, "
	       "system_cc_shared."),
     SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_create(); " HEAPS_RST "Heaps"),
     SINCE("7.2"), NEEDS("heap system-heap-driver"))
{
	if (access("/dev/tdx_guest", F_OK) == 0 || access("/dev/sev-guest", F_OK) == 0)
		fp_skip("needs plain memory: this guest's is encrypted");
	EXPECT_ERRNO(access("/dev/dma_heap/system_cc_shared", F_OK), ENOENT);
	EXPECT_ERRNO(access("/sys/class/dma_heap/system_cc_shared", F_OK), ENOENT);
}
