// SPDX-License-Identifier: MIT
/* ION_IOC_ALLOC: which heap a buffer comes from, and what is refused. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "compat32.h"
#include "descriptors.h"
#include "device.h"
#include "fdinfo.h"
#include "guarded.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memory.h"

#define ALLOC ION_SOURCE("ion_alloc()"), ION_CASE

CASE(basic, "ion.alloc.basic", CATALOGUE("ION-04"), CLASS(ABI),
     STATEMENT("Each heap gives a dma-buf of the length rounded up to pages, open for reading and "
	       "writing, close-on-exec, whatever its flags."),
     ALLOC)
{
	static const uint32_t flags[] = {0, ION_CACHED};
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);

	for (int i = 0; i < count * 2; i++) {
		const struct ion_heap *heap = &heaps[i / 2];
		int fd;

		fp_context("%s, flags %u", heap->name, flags[i % 2]);
		fd = EXPECT_OK(ion_allocate(ion, page_size() + 1, 1u << heap->id, flags[i % 2]));
		EXPECT_TRUE(is_dmabuf(fd));
		EXPECT_EQ(buffer_size(fd), 2 * page_size());
		EXPECT_EQ(fcntl(fd, F_GETFL) & ~O_LARGEFILE, O_RDWR);
		EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		MUST(close(fd));
	}
}

CASE(exporter, "ion.alloc.exporter", CATALOGUE("NAME-11"), CLASS(IMPL),
     STATEMENT("The exporter's name in fdinfo is that of ION, whichever heap a buffer is of."),
     ION_SOURCE("ion_alloc(), whose DEFINE_DMA_BUF_EXPORT_INFO() says KBUILD_MODNAME"), ION_CASE)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);

	for (int i = 0; i < count; i++) {
		int fd = EXPECT_OK(ion_allocate(ion, page_size(), 1u << heaps[i].id, 0));
		struct fdinfo info;

		fp_context("%s", heaps[i].name);
		fdinfo_read(fd, &info);
		EXPECT_STR(info.exporter, "ion");
		MUST(close(fd));
	}
}

CASE(compat, "ion.alloc.compat", CATALOGUE("ALLOC-21"), CLASS(ABI),
     STATEMENT("A 32-bit process asks for heaps and buffers through the same arguments, with the "
	       "same results."),
     ION_SOURCE("ion_fops.compat_ioctl; drivers/staging/android/uapi/ion.h: struct "
		"ion_allocation_data, struct ion_heap_query"),
     UNTIL("5.10"), NEEDS("ion compat"))
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);
	struct ion_allocation allocation = {
		.len = page_size() + 1,
		.heap_mask = ion_mask(ion, ION_SYSTEM_HEAP),
	};
	struct ion_query query = {0};
	struct compat32 program = compat32_start(ion);
	uint8_t argument[COMPAT32_ARGUMENT_BYTES];
	struct fdinfo info;

	memcpy(argument, &query, sizeof(query));
	EXPECT_OK(compat32_ioctl(&program, ION_IOC_QUERY, argument));
	memcpy(&query, argument, sizeof(query));
	EXPECT_EQ(query.count, count);
	memcpy(argument, &allocation, sizeof(allocation));
	EXPECT_OK(compat32_ioctl(&program, ION_IOC_ALLOC, argument));
	memcpy(&allocation, argument, sizeof(allocation));
	/* It has 0 to 3 and nothing else. */
	EXPECT_EQ(allocation.fd, 4);
	fdinfo_read_of(program.pid, 4, &info);
	EXPECT_EQ(info.size, 2 * page_size());
	allocation.len = 0;
	memcpy(argument, &allocation, sizeof(allocation));
	EXPECT_ERRNO(compat32_ioctl(&program, ION_IOC_ALLOC, argument), EINVAL);
	compat32_stop(&program);
}

_Static_assert(sizeof(struct ion_allocation) == COMPAT32_ARGUMENT_BYTES &&
		       sizeof(struct ion_query) == COMPAT32_ARGUMENT_BYTES,
	       "arguments have the same size for 32 and for 64 bits");

CASE(len_zero, "ion.alloc.len-zero", CATALOGUE("ION-03"), CLASS(ABI),
     STATEMENT("A length of 0, and one that wraps to 0 when rounded up to a page, is EINVAL."),
     ALLOC)
{
	int ion = ion_open();
	uint32_t mask = ion_mask(ion, ION_SYSTEM_HEAP);

	EXPECT_ERRNO(ion_allocate(ion, 0, mask, 0), EINVAL);
	EXPECT_ERRNO(ion_allocate(ion, UINT64_MAX, mask, 0), EINVAL);
	EXPECT_ERRNO(ion_allocate(ion, UINT64_MAX - page_size() + 2, mask, 0), EINVAL);
	/* Before anyone looks whether there is a heap. */
	EXPECT_ERRNO(ion_allocate(ion, 0, ion_free_mask(ion), 0), EINVAL);
}

CASE(no_heap, "ion.alloc.no-heap", CATALOGUE("ION-03"), CLASS(ABI),
     STATEMENT("A mask with no heap in it is ENODEV, be it 0 or all ids that no heap has."), ALLOC)
{
	int ion = ion_open(), open = descriptors_open();

	EXPECT_ERRNO(ion_allocate(ion, page_size(), 0, 0), ENODEV);
	EXPECT_ERRNO(ion_allocate(ion, page_size(), ion_free_mask(ion), 0), ENODEV);
	EXPECT_EQ(descriptors_open(), open);
	/* Ids that nobody has do not hurt among others. */
	EXPECT_OK(ion_allocate(ion, page_size(), UINT32_MAX, 0));
}

CASE(too_large, "ion.alloc.too-large", CATALOGUE("ION-03"), CLASS(ABI),
     STATEMENT("What a heap cannot give is ENOMEM, and leaves nothing behind."), ALLOC)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps);
	const uint64_t lens[] = {2 * meminfo_bytes("MemTotal"), 1ull << 40, (1ull << 32) + 1,
				 UINT64_MAX - page_size() + 1};
	struct holdings before = holdings_now();
	int open = descriptors_open();

	for (int i = 0; i < count; i++) {
		for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
			fp_context("%s, len %#llx", heaps[i].name, (unsigned long long)lens[j]);
			if (lens[j] > meminfo_bytes("MemTotal"))
				EXPECT_ERRNO(ion_allocate(ion, lens[j], 1u << heaps[i].id, 0),
					     ENOMEM);
		}
	}
	EXPECT_EQ(descriptors_open(), open);
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(half_of_memory, "ion.alloc.half-of-memory", CATALOGUE("ION-05"), CLASS(IMPL),
     STATEMENT("The system heap refuses more than half of all memory with ENOMEM, at once, and "
	       "gives less than that where there is so much."),
     SOURCE("drivers/staging/android/ion/ion_system_heap.c: ion_system_heap_allocate()"), ION_CASE)
{
	const uint64_t half = meminfo_bytes("MemTotal") / 2 / page_size() * page_size();
	int ion = ion_open();
	uint32_t mask = ion_mask(ion, ION_SYSTEM_HEAP);
	uint64_t free_before = meminfo_bytes("MemFree");
	/* Buffers of this heap do not lie in CMA areas. */
	const uint64_t usable = free_before - meminfo_bytes("CmaFree");

	EXPECT_ERRNO(ion_allocate(ion, half + page_size(), mask, 0), ENOMEM);
	/* Not after everything was taken: there would be nothing left in the page allocator. */
	EXPECT_TRUE(meminfo_bytes("MemFree") + 16 * MIB > free_before);
	heap_require(16 * MIB);
	EXPECT_OK(ion_allocate(ion, 16 * MIB, mask, 0));
	if (usable > half / 4 * 3 + 32 * MIB)
		EXPECT_OK(ion_allocate(ion, half / 4 * 3, mask, 0));
	else
		fp_note("no room for three eighths of memory");
}

/* Which heap has one buffer more than before; -1: none, or more than one. */
static int taken_from(const struct ion_heap *heaps, int count, const long long *before)
{
	int found = -1, more = 0;

	for (int i = 0; i < count; i++) {
		if (ion_number(heaps[i].name, "num_of_buffers") != before[i] + 1)
			continue;
		found = i;
		more++;
	}
	return more == 1 ? found : -1;
}

CASE(mask, "ion.alloc.mask", CATALOGUE("ION-03"), CLASS(ABI),
     STATEMENT("A buffer comes from a heap in the mask: of several from the one with the highest "
	       "id, and from the next when that one has no room."),
     ALLOC)
{
	struct ion_heap heaps[ION_HEAPS_MAX];
	long long before[ION_HEAPS_MAX];
	int ion = ion_open(), count = ion_all_heaps(ion, heaps), fd;
	uint32_t system = ion_mask(ion, ION_SYSTEM_HEAP), contig = ion_mask(ion, ION_CONTIG_HEAP);
	int highest = 0;

	if (ion_number(ION_SYSTEM_HEAP, "num_of_buffers") < 0)
		fp_skip("needs debugfs: it tells which heap a buffer comes from");
	for (int i = 0; i < count; i++) {
		EXPECT_ION_NUMBER(heaps[i].name, "num_of_buffers", 0);
		before[i] = 0;
		highest = heaps[i].id > heaps[highest].id ? i : highest;
	}
	for (int i = 0; i < count; i++) {
		fp_context("%s alone", heaps[i].name);
		fd = EXPECT_OK(ion_allocate(ion, page_size(), 1u << heaps[i].id, 0));
		EXPECT_EQ(taken_from(heaps, count, before), i);
		MUST(close(fd));
		EXPECT_ION_NUMBER(heaps[i].name, "num_of_buffers", 0);
	}
	fp_context("all of them");
	fd = EXPECT_OK(ion_allocate(ion, page_size(), UINT32_MAX, 0));
	EXPECT_EQ(taken_from(heaps, count, before), highest);
	MUST(close(fd));
	EXPECT_ION_NUMBER(heaps[highest].name, "num_of_buffers", 0);
	/* More than the page allocator has in one piece (MAX_ORDER), and less than memory. */
	heap_require(16 * MIB);
	fp_context("system and contiguous, 16 MiB");
	EXPECT_ERRNO(ion_allocate(ion, 16 * MIB, contig, 0), ENOMEM);
	fd = EXPECT_OK(ion_allocate(ion, 16 * MIB, system | contig, 0));
	EXPECT_EQ(heaps[taken_from(heaps, count, before)].type, ION_SYSTEM);
}

CASE(unused, "ion.alloc.unused", CATALOGUE("ION-03"), CLASS(QUIRK),
     STATEMENT("Flags and fields that nobody knows are ignored."), ALLOC)
{
	int ion = ion_open();
	struct ion_allocation allocation = {
		.len = page_size(),
		.heap_mask = ion_mask(ion, ION_SYSTEM_HEAP),
		.flags = UINT32_MAX,
		.fd = 77,
		.unused = UINT32_MAX,
	};

	EXPECT_EQ(EXPECT_OK(raw_ioctl(ion, ION_IOC_ALLOC, &allocation)), 0);
	EXPECT_TRUE(is_dmabuf((int)allocation.fd));
	EXPECT_EQ(allocation.unused, UINT32_MAX);
}

CASE(argument_unreadable, "ion.alloc.argument-unreadable", CATALOGUE("ION-12"), CLASS(ABI),
     STATEMENT("An argument that cannot be read is EFAULT and leaves no descriptor."),
     ION_SOURCE("ion_ioctl()"), ION_CASE)
{
	int ion = ion_open(), open = descriptors_open();
	char *torn = guarded(sizeof(struct ion_allocation) - 8);

	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_ALLOC, unreachable()), EFAULT);
	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_ALLOC, torn), EFAULT);
	EXPECT_EQ(descriptors_open(), open);
}

CASE(argument_read_only, "ion.alloc.argument-read-only", CATALOGUE("ION-12"), CLASS(ABI),
     STATEMENT("When the result cannot be written: EFAULT, no descriptor left, the memory freed."),
     ION_SOURCE("ion_ioctl()"), ION_CASE)
{
	int ion = ion_open();
	const struct ion_allocation allocation = {
		.len = page_size(),
		.heap_mask = ion_mask(ion, ION_SYSTEM_HEAP),
	};
	struct holdings before = holdings_now();
	int open = descriptors_open();

	EXPECT_ERRNO(raw_ioctl(ion, ION_IOC_ALLOC, read_only(&allocation, sizeof(allocation))),
		     EFAULT);
	EXPECT_EQ(descriptors_open(), open);
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(ioctl_unknown, "ion.alloc.ioctl-unknown", CATALOGUE("ION-03"), CLASS(ABI),
     STATEMENT("Ioctls that ION does not know, those of before 4.12 among them, are ENOTTY; an "
	       "argument larger than any is EINVAL."),
     ION_SOURCE("ion_ioctl()"), ION_CASE)
{
	static const struct {
		unsigned int command;
		int error;
	} rows[] = {
		{_IOWR('I', 1, uint32_t), ENOTTY}, /* ION_IOC_FREE */
		{_IOWR('I', 4, uint64_t), ENOTTY}, /* ION_IOC_SHARE */
		{_IOWR('I', 5, uint64_t), ENOTTY}, /* ION_IOC_IMPORT */
		{_IOWR('I', 7, uint64_t), ENOTTY}, /* ION_IOC_SYNC */
		{_IOWR('I', 9, uint64_t), ENOTTY}, {_IOWR('H', 0, struct ion_allocation), ENOTTY},
		{_IOWR('I', 0, uint64_t), ENOTTY}, {_IOW('I', 0, struct ion_allocation), ENOTTY},
		{_IOWR('I', 0, char[25]), EINVAL}, {_IOWR('I', 8, char[33]), EINVAL},
	};
	int ion = ion_open(), open = descriptors_open();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char argument[64] = {0};

		fp_context("command %#x", rows[i].command);
		EXPECT_ERRNO(raw_ioctl(ion, rows[i].command, argument), rows[i].error);
	}
	EXPECT_EQ(descriptors_open(), open);
}
