// SPDX-License-Identifier: MIT
/* What kind of memory a mapping is: raw frames that the rest of the kernel keeps its hands off. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"
#include "smaps.h"

/* The heap that marks its mappings VM_PFNMAP, and since when. */
#define SYSTEM_HEAP                                                                                \
	SOURCE("drivers/dma-buf/heaps/system_heap.c: system_heap_mmap(); mm/memory.c: "            \
	       "remap_pfn_range()"),                                                               \
		SINCE("6.1"), NEEDS("heap:system")
#define CMA_HEAP                                                                                   \
	SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"), SINCE("6.12"),                \
		NEEDS("heap:cma")
/* Not what kind of memory it is, but what follows for who maps it; upstream's own did so late. */
#define VENDOR_HEAP                                                                                \
	SOURCE("drivers/dma-buf/heaps/cma_heap.c: cma_heap_mmap()"), SINCE("6.12"),                \
		NEEDS("heap:vendor")

/* Both of these get at the pages themselves (get_user_pages()) instead of copying through the
 * mapping. */
static long splice_page(void *at)
{
	struct iovec memory = {at, page_size()};
	int ends[2];

	MUST(pipe2(ends, O_CLOEXEC));
	return vmsplice(ends[1], &memory, 1, 0);
}

static long read_page_of_process(void *at)
{
	char *copy = MUST(mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct iovec to = {copy, page_size()}, from = {at, page_size()};

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0);
}

static void expect_no_pages(void)
{
	char *at = map_pages(heap_buffer(3 * page_size()), 0, 3);
	char *plain = MUST(mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	mark_pages(at, 0, 3, 0x81);
	memset(plain, 1, page_size());
	EXPECT_EQ(splice_page(plain), page_size());
	EXPECT_EQ(read_page_of_process(plain), page_size());
	EXPECT_ERRNO(splice_page(at + page_size()), EFAULT);
	EXPECT_ERRNO(read_page_of_process(at + page_size()), EFAULT);
	EXPECT_PAGES(at, 0, 3, 0x81);
}

CASE(pages_system, "mmap.special.no-pages-system", CATALOGUE("MMAP-14"), CLASS(IMPL),
     STATEMENT("The pages of a system heap's mapping cannot be had by vmsplice() or "
	       "process_vm_readv(): EFAULT."),
     SYSTEM_HEAP)
{
	expect_no_pages();
}

CASE(pages_cma, "mmap.special.no-pages-cma", CATALOGUE("MMAP-14"), CLASS(IMPL),
     STATEMENT("The pages of a CMA heap's mapping cannot be had by vmsplice() or "
	       "process_vm_readv(): EFAULT."),
     CMA_HEAP)
{
	expect_no_pages();
}

CASE(plain_io, "mmap.special.read-write", CATALOGUE("MMAP-14"), CLASS(ABI),
     STATEMENT("read() into a mapping and write() out of one work as with any memory, touched "
	       "before or not."),
     SOURCE("mm/memory.c: handle_mm_fault()"), NEEDS("heap"))
{
	char *from = map_pages(heap_buffer(3 * page_size()), 0, 3),
	     *to = map_pages(heap_buffer(3 * page_size()), 0, 3);
	int ends[2];

	MUST(pipe(ends));
	mark_pages(from, 0, 3, 0x82);
	for (size_t page = 0; page < 3; page++) {
		size_t at = page * page_size();

		/* A pipe holds a page at least, whatever its size. */
		EXPECT_EQ(write(ends[1], from + at, page_size()), page_size());
		EXPECT_EQ(read(ends[0], to + at, page_size()), page_size());
	}
	EXPECT_EQ(memcmp(from, to, 3 * page_size()), 0);
	EXPECT_PAGES(to, 0, 3, 0x82);
}

static void expect_flags(const char *const *flags, size_t count)
{
	char *at = map_pages(heap_buffer(page_size()), 0, 1);
	struct mapping mapping;

	mapping_read(at, &mapping);
	for (size_t i = 0; i < count; i++)
		if (!strstr(mapping.flags, flags[i]))
			fp_fail(__FILE__, __LINE__, "VmFlags", flags[i], mapping.flags);
}

static void expect_frame_flags(void)
{
	static const char *const flags[] = {" pf ", " io ", " de ", " dd ", " sh "};

	expect_flags(flags, sizeof(flags) / sizeof(flags[0]));
}

CASE(flags_system, "mmap.special.flags-system", CATALOGUE("MMAP-15"), CLASS(IMPL),
     STATEMENT("A system heap's mapping is raw frames, not expandable and not dumped: VmFlags pf, "
	       "io, de, dd."),
     SYSTEM_HEAP)
{
	expect_frame_flags();
}

CASE(flags_cma, "mmap.special.flags-cma", CATALOGUE("MMAP-15"), CLASS(IMPL),
     STATEMENT("A CMA heap's mapping is raw frames, not expandable and not dumped: VmFlags pf, io, "
	       "de, dd."),
     CMA_HEAP)
{
	expect_frame_flags();
}

CASE(flags_vendor, "mmap.special.flags-vendor", CATALOGUE("MMAP-15"), CLASS(IMPL),
     STATEMENT("A vendor heap's mapping is neither expandable nor dumped: VmFlags de, dd."),
     VENDOR_HEAP)
{
	static const char *const flags[] = {" de ", " dd ", " sh "};

	expect_flags(flags, sizeof(flags) / sizeof(flags[0]));
}

static unsigned long resident_file_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[128];
	bool found = false;

	EXPECT_TRUE(status != NULL);
	while (!found && fgets(line, sizeof(line), status))
		found = sscanf(line, "RssFile: %lu", &kib) == 1;
	fclose(status);
	EXPECT_TRUE(found);
	return kib;
}

static void expect_not_resident(void)
{
	/* The counter lags by up to 32 pages a CPU (include/linux/percpu_counter.h): many more are
	 * mapped. */
	const size_t pages = 1024 * 1024 / page_size() < 256 ? 256 : 1024 * 1024 / page_size();
	unsigned long before = resident_file_kib(), mapped_kib = pages * page_size() / 1024;
	char *at = map_pages(heap_buffer(pages * page_size()), 0, pages);
	struct mapping mapping;

	mark_pages(at, 0, pages, 0x83);
	mapping_read(at, &mapping);
	EXPECT_EQ(mapping.resident_kib, 0);
	EXPECT_TRUE(resident_file_kib() < before + mapped_kib / 2);
}

CASE(rss_system, "mmap.special.rss-system", CATALOGUE("MMAP-16"), CLASS(IMPL),
     STATEMENT("A system heap's pages that are mapped and touched are not counted as resident, in "
	       "smaps or RssFile."),
     SYSTEM_HEAP)
{
	expect_not_resident();
}

CASE(rss_cma, "mmap.special.rss-cma", CATALOGUE("MMAP-16"), CLASS(IMPL),
     STATEMENT("A CMA heap's pages that are mapped and touched are not counted as resident, in "
	       "smaps or RssFile."),
     CMA_HEAP)
{
	expect_not_resident();
}

CASE(rss_vendor, "mmap.special.rss-vendor", CATALOGUE("MMAP-16"), CLASS(IMPL),
     STATEMENT("A vendor heap's pages that are mapped and touched are not counted as resident, in "
	       "smaps or RssFile."),
     VENDOR_HEAP)
{
	expect_not_resident();
}

CASE(dontneed, "mmap.madvise-dontneed", CATALOGUE("MMAP-17"), CLASS(ABI),
     STATEMENT("MADV_DONTNEED cannot discard a buffer's data: it is EINVAL, or the same data comes "
	       "back."),
     SOURCE("mm/madvise.c: madvise_dontneed_free_valid_vma()"), NEEDS("heap"))
{
	/* The others may say what they like, as long as the data stays. */
	static const int others[] = {MADV_FREE, MADV_REMOVE, MADV_COLD, MADV_PAGEOUT,
				     24 /* MADV_DONTNEED_LOCKED */};
	const size_t pages = 20;
	int buffer = heap_buffer(pages * page_size());
	char *at = map_pages(buffer, 0, pages);

	mark_pages(at, 0, pages, 0x84);
	if (madvise(at, pages * page_size(), MADV_DONTNEED))
		EXPECT_EQ(errno, EINVAL);
	EXPECT_PAGES(at, 0, pages, 0x84);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		madvise(at, pages * page_size(), others[i]);
		EXPECT_PAGES(at, 0, pages, 0x84);
	}
	EXPECT_PAGES(map_pages(buffer, 0, pages), 0, pages, 0x84);
}
