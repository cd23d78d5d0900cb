// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap.h"
#include "heaps.h"
#include "ktap.h"
#include "pages.h"
#include "played-exporter.h"
#include "slab.h"

#define ADD_SOURCE SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_add()")
/* drivers/dma-buf/dma-heap.c: NUM_HEAP_MINORS */
#define MOST_HEAPS 128

/* One that is there when no case has added any; `name` has room for NAME_MAX. */
static void name_a_heap(char *name)
{
	DIR *folder = opendir(HEAP_CLASS);
	struct dirent *entry;

	*name = '\0';
	EXPECT_TRUE(folder != NULL);
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "added-", 6) != 0)
			snprintf(name, 256, "%s", entry->d_name);
	closedir(folder);
	if (!*name)
		fp_skip("needs a heap that is there already");
}

/* A page from the heap of this name, written and read. */
static void expect_works(const char *name)
{
	char path[300];
	int heap, buffer;
	unsigned char *at;

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	fp_context("%s", path);
	heap = EXPECT_OK(open(path, O_RDWR | O_CLOEXEC));
	buffer = EXPECT_OK(heap_allocate(heap, 1, O_RDWR | O_CLOEXEC, 0));
	at = buffer_map(buffer, page_size());
	for (size_t i = 0; i < page_size(); i++)
		EXPECT_EQ(at[i], 0);
	at[page_size() - 1] = 1;
	buffer_unmap(at, page_size());
	MUST(close(buffer));
	MUST(close(heap));
}

CASE(added, "heap-add.works", CATALOGUE("NAME-01"), CLASS(ABI),
     STATEMENT("A heap that a driver adds while the kernel runs has its node and its device, and "
	       "gives buffers."),
     ADD_SOURCE, NEEDS("device heap-adding devtmpfs"))
{
	int before = count_heaps();

	EXPECT_OK(heap_add("added-works", 0));
	EXPECT_EQ(count_heaps(), before + 1);
	EXPECT_OK(access(HEAP_CLASS "/added-works", F_OK));
	expect_works("added-works");
}

CASE(duplicate, "heap-add.duplicate", CATALOGUE("NAME-08"), CLASS(ABI),
     STATEMENT("A second heap of a name is refused with EEXIST, and the first works as before."),
     ADD_SOURCE, NEEDS("device heap-adding devtmpfs"))
{
	struct stat first, after;
	char name[256], path[300];
	int before = count_heaps();

	name_a_heap(name);
	snprintf(path, sizeof(path), "/dev/dma_heap/%s", name);
	MUST(stat(path, &first));
	for (int i = 0; i < 2; i++)
		EXPECT_ERRNO(heap_add(name, 0), EEXIST);
	EXPECT_EQ(count_heaps(), before);
	MUST(stat(path, &after));
	EXPECT_EQ(after.st_rdev, first.st_rdev);
	expect_works(name);
	/* The same of one that was added. */
	EXPECT_OK(heap_add("added-twice", 0));
	EXPECT_ERRNO(heap_add("added-twice", 0), EEXIST);
	expect_works("added-twice");
}

CASE(nameless, "heap-add.nameless", CATALOGUE("NAME-09"), CLASS(ABI),
     STATEMENT("A heap without a name, or with an empty one, is refused with EINVAL."), ADD_SOURCE,
     NEEDS("device heap-adding"))
{
	int before = count_heaps();

	EXPECT_ERRNO(heap_add("added-nameless", FENCEPOST_HEAP_NO_NAME), EINVAL);
	EXPECT_ERRNO(heap_add("", 0), EINVAL);
	EXPECT_EQ(count_heaps(), before);
}

CASE(useless, "heap-add.useless", CATALOGUE("NAME-09"), CLASS(ABI),
     STATEMENT("A heap that cannot allocate is refused with EINVAL, and its name stays free."),
     ADD_SOURCE, NEEDS("device heap-adding devtmpfs"))
{
	int before = count_heaps();

	EXPECT_ERRNO(heap_add("added-useless", FENCEPOST_HEAP_NO_OPS), EINVAL);
	EXPECT_ERRNO(heap_add("added-useless", FENCEPOST_HEAP_NO_ALLOCATE), EINVAL);
	EXPECT_EQ(count_heaps(), before);
	EXPECT_OK(heap_add("added-useless", 0));
	expect_works("added-useless");
}

static void add_in_vain(void *unused)
{
	(void)unused;
	for (int i = 0; i < 500; i++)
		EXPECT_ERRNO(heap_add("added-in-vain", 0), EBUSY);
}

CASE(full, "heap-add.full", CATALOGUE("NAME-10"), CLASS(IMPL),
     STATEMENT("There are at most 128 heaps: one more is refused with EBUSY and leaves nothing "
	       "behind; those that were refused before for other reasons do not count."),
     ADD_SOURCE, NEEDS("device heap-adding devtmpfs"), TIMEOUT(30000))
{
	char name[256], number[32] = "";

	name_a_heap(name);
	for (int i = 0; i < 2; i++)
		EXPECT_ERRNO(heap_add(name, 0), EEXIST);
	for (int heaps = count_heaps(); heaps < MOST_HEAPS; heaps++) {
		snprintf(number, sizeof(number), "added-%d", heaps);
		EXPECT_OK(heap_add(number, 0));
	}
	EXPECT_EQ(count_heaps(), MOST_HEAPS);
	EXPECT_ERRNO(heap_add("added-too-many", 0), EBUSY);
	EXPECT_EQ(count_heaps(), MOST_HEAPS);
	EXPECT_ERRNO(access("/dev/dma_heap/added-too-many", F_OK), ENOENT);
	expect_works(name);
	expect_works(number);
	/* The heap that is not added has more than 128 bytes. */
	EXPECT_SLAB_FLAT(add_in_vain, NULL, 32 * KIB);
	/* Who may not be a heap is refused for that, whether there is room or not. */
	EXPECT_ERRNO(heap_add("", 0), EINVAL);
}
