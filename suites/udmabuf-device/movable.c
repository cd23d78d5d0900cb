// SPDX-License-Identifier: MIT
/* Pages that must not stay where they are: a udmabuf holds them for long. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer-pages.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"
#include "udmabuf-node.h"

enum { AREAS = 8, WANTED = 32 };

struct areas {
	int count;
	/* Physical addresses. */
	uint64_t from[AREAS], to[AREAS];
};

static uint64_t number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0;

	EXPECT_TRUE(file);
	EXPECT_EQ(fscanf(file, "%llu", &number), 1);
	fclose(file);
	return number;
}

/* mm/cma_debug.c. */
static struct areas areas_read(void)
{
	struct areas areas = {0};
	char path[300];
	glob_t found;

	if (glob("/sys/kernel/debug/cma/*/base_pfn", 0, NULL, &found))
		fp_skip("needs a CMA area whose place debugfs tells: "
			"/sys/kernel/debug/cma/*/base_pfn");
	for (size_t i = 0; i < found.gl_pathc && areas.count < AREAS; i++) {
		char *name = found.gl_pathv[i];
		uint64_t first = number_in(name);

		snprintf(path, sizeof(path), "%.*s/count", (int)(strrchr(name, '/') - name), name);
		areas.from[areas.count] = first * page_size();
		areas.to[areas.count++] = (first + number_in(path)) * page_size();
	}
	globfree(&found);
	return areas;
}

static bool is_in(const struct areas *areas, uint64_t address)
{
	for (int i = 0; i < areas->count; i++)
		if (address >= areas->from[i] && address < areas->to[i])
			return true;
	return false;
}

/* Physical addresses of pages of this process (Documentation/admin-guide/mm/pagemap.rst). */
static void where(const void *at, size_t pages, uint64_t *addresses)
{
	int pagemap = MUST(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	size_t bytes = pages * sizeof(*addresses);

	EXPECT_EQ(pread(pagemap, addresses, bytes,
			(off_t)((uintptr_t)at / page_size() * sizeof(*addresses))),
		  (long)bytes);
	MUST(close(pagemap));
	for (size_t i = 0; i < pages; i++)
		addresses[i] = (addresses[i] & ((UINT64_C(1) << 55) - 1)) * page_size();
}

CASE(moved, "udmabuf.hold.moved-out-of-cma", CATALOGUE("UDB-23"), CLASS(IMPL),
     STATEMENT("Pages of a memfd that lie in a CMA area are moved out of it when a udmabuf is made "
	       "of them, with what is in them."),
     SOURCE("mm/gup.c: memfd_pin_folios(), check_and_migrate_movable_folios()"), SINCE("6.12"),
     NEEDS("udmabuf device pagemap root"), TIMEOUT(30000))
{
	const struct areas areas = areas_read();
	size_t page = page_size(), most = heap_free_bytes() / 4 * 3 / page, step = 4 * MIB / page,
	       count = 0, pages = 0;
	int memfd = memfd_for_udmabuf(most * page), buffer;
	unsigned char *at = buffer_map(memfd, most * page);
	uint64_t *addresses = calloc(most, sizeof(*addresses)), *after;
	struct udmabuf_create_item items[WANTED];

	EXPECT_TRUE(addresses);
	/* The allocator turns to CMA areas when they have more than half of what is free. */
	while (count < WANTED && pages + step <= most) {
		memset(at + pages * page, 1, step * page);
		where(at + pages * page, step, addresses + pages);
		for (size_t i = pages; i < pages + step && count < WANTED; i += 3)
			if (is_in(&areas, addresses[i])) {
				fill(at + i * page, i * page, page, 7);
				items[count++] = (struct udmabuf_create_item){
					.memfd = (uint32_t)memfd, .offset = i * page, .size = page};
			}
		pages += step;
	}
	if (!count)
		fp_skip("needs a memfd with pages in a CMA area: none of %zu MiB is in one",
			pages * page / MIB);
	fp_note("%zu pages in CMA areas, of %zu MiB", count, pages * page / MIB);
	buffer = MUST(udmabuf_create_list(udmabuf_open(), items, (uint32_t)count, 0));
	after = buffer_pages(buffer, count * page);
	for (size_t i = 0; i < count; i++) {
		uint64_t now;

		fp_context("page %zu of %zu, at 0x%llx", i, count, (unsigned long long)after[i]);
		EXPECT_TRUE(!is_in(&areas, after[i]));
		EXPECT_FILLED(at + items[i].offset, items[i].offset, page, 7);
		where(at + items[i].offset, 1, &now);
		EXPECT_EQ(now, after[i]);
	}
}
