// SPDX-License-Identifier: MIT
/* What does not become a udmabuf: ranges, files, sizes, arguments. Nothing is left behind. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptors.h"
#include "udmabuf-node.h"
#include "guarded.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"

#define CREATE SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()")

/* Both ioctls refuse this range with this error. */
static void expect_refused(int device, int memfd, uint64_t offset, uint64_t size, int error)
{
	struct udmabuf_create_item item = {
		.memfd = (uint32_t)memfd, .offset = offset, .size = size};

	fp_context("offset %#llx, size %#llx", (unsigned long long)offset,
		   (unsigned long long)size);
	EXPECT_ERRNO(udmabuf_create(device, memfd, offset, size, 0), error);
	EXPECT_ERRNO(udmabuf_create_list(device, &item, 1, 0), error);
}

CASE(unaligned, "udmabuf.create.unaligned", CATALOGUE("UDB-02"), CLASS(ABI),
     STATEMENT("An offset or size that is no multiple of the page size is refused with EINVAL."),
     CREATE, NEEDS("udmabuf"))
{
	static const uint64_t off[] = {1, 8, 512};
	size_t page = page_size();
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(8 * page);

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		expect_refused(device, memfd, off[i], page, EINVAL);
		expect_refused(device, memfd, page - off[i], page, EINVAL);
		expect_refused(device, memfd, page + off[i], page, EINVAL);
		expect_refused(device, memfd, 0, off[i], EINVAL);
		expect_refused(device, memfd, 0, page - off[i], EINVAL);
		expect_refused(device, memfd, 0, page + off[i], EINVAL);
		/* Together they would be whole pages. */
		expect_refused(device, memfd, off[i], page - off[i], EINVAL);
	}
	EXPECT_UNPINNED(memfd);
}

CASE(size_zero, "udmabuf.create.size-zero", CATALOGUE("UDB-02"), CLASS(ABI),
     STATEMENT("A buffer without a page is refused with EINVAL: size 0, sizes that are all 0, an "
	       "empty list."),
     CREATE, NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size());
	struct udmabuf_create_item items[2] = {{.memfd = (uint32_t)memfd},
					       {.memfd = (uint32_t)memfd}};

	expect_refused(device, memfd, 0, 0, EINVAL);
	expect_refused(device, memfd, page_size(), 0, EINVAL);
	EXPECT_ERRNO(udmabuf_create_list(device, items, 2, 0), EINVAL);
	EXPECT_ERRNO(udmabuf_create_list(device, items, 0, 0), EINVAL);
}

CASE(item_zero, "udmabuf.create.item-zero", CATALOGUE("UDB-10"), CLASS(QUIRK),
     STATEMENT("An item of size 0 among others: nothing to 6.1, refused with EINVAL since 6.12."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create(); mm/gup.c: memfd_pin_folios()"),
     EXPECTED({.until = "6.1", .value = 0}, {.since = "6.12", .value = EINVAL}), NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(2 * page_size());
	size_t page = page_size();
	struct udmabuf_create_item items[3] = {{.memfd = (uint32_t)memfd, .size = page},
					       {.memfd = (uint32_t)memfd, .offset = page},
					       {.memfd = (uint32_t)memfd, .size = 2 * page}};
	int fd = udmabuf_create_list(device, items, 3, 0);

	if (fp_expected()) {
		EXPECT_EQ(fd, -1);
		EXPECT_EQ(errno, fp_expected());
	} else {
		EXPECT_EQ(buffer_size(MUST(fd)), 3 * page);
		MUST(close(fd));
	}
	EXPECT_UNPINNED(memfd);
}

CASE(not_memfd, "udmabuf.create.not-a-memfd", CATALOGUE("UDB-03"), CLASS(ABI),
     STATEMENT("A descriptor that is closed, or of a file that is no memfd, is refused with "
	       "EBADFD."),
     CREATE, NEEDS("udmabuf"))
{
	int memfd = memfd_for_udmabuf(page_size()), device = udmabuf_open();
	int closed = MUST(dup(memfd)), ends[2];

	MUST(close(closed));
	MUST(pipe2(ends, O_CLOEXEC));
	expect_refused(device, closed, 0, page_size(), EBADFD);
	expect_refused(device, -1, 0, page_size(), EBADFD);
	expect_refused(device, INT32_MAX, 0, page_size(), EBADFD);
	expect_refused(device, ends[0], 0, page_size(), EBADFD);
	expect_refused(device, device, 0, page_size(), EBADFD);
	expect_refused(device, MUST(open("/dev/null", O_RDWR | O_CLOEXEC)), 0, page_size(), EBADFD);
	expect_refused(device, MUST(open("/proc/self/status", O_RDONLY | O_CLOEXEC)), 0,
		       page_size(), EBADFD);
	expect_refused(device, MUST(open("/", O_PATH | O_CLOEXEC)), 0, page_size(), EBADFD);
	expect_refused(device, udmabuf_of(memfd, page_size()), 0, page_size(), EBADFD);
}

CASE(beyond_end, "udmabuf.create.beyond-end", CATALOGUE("UDB-09"), CLASS(ABI),
     STATEMENT("A range that is not wholly inside the memfd is refused with EINVAL."),
     SOURCE("mm/gup.c: memfd_pin_folios(); mm/shmem.c: shmem_get_folio_gfp()"), NEEDS("udmabuf"))
{
	size_t page = page_size();
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(4 * page);
	int empty = memfd_for_udmabuf(0);

	expect_refused(device, memfd, 4 * page, page, EINVAL);
	expect_refused(device, memfd, 0, 5 * page, EINVAL);
	expect_refused(device, memfd, 3 * page, 2 * page, EINVAL);
	expect_refused(device, memfd, 1ull << 40, page, EINVAL);
	/* The last page that a file can have. */
	expect_refused(device, memfd, (1ull << 63) - page, page, EINVAL);
	expect_refused(device, empty, 0, page, EINVAL);
	EXPECT_UNPINNED(memfd);
}

CASE(beyond_files, "udmabuf.create.beyond-files", CATALOGUE("UDB-09"), CLASS(IMPL),
     STATEMENT(
	     "An offset that no file can have, from 2^63 on, is EFBIG up to 6.1, and EINVAL since "
	     "6.12."),
     SOURCE("mm/shmem.c: shmem_getpage_gfp(); mm/gup.c: memfd_pin_folios()"),
     EXPECTED({.until = "6.1", .value = EFBIG}, {.since = "6.12", .value = EINVAL}),
     NEEDS("udmabuf"))
{
	size_t page = page_size();
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(4 * page);

	expect_refused(device, memfd, 1ull << 63, page, (int)fp_expected());
	/* Offset and size together are 2^64 and a page: nothing is where that would wrap to. */
	expect_refused(device, memfd, -(uint64_t)page, 2 * page, (int)fp_expected());
	EXPECT_UNPINNED(memfd);
}

CASE(later_item, "udmabuf.create.later-item-refused", CATALOGUE("UDB-09"), CLASS(ABI),
     STATEMENT("When a later item of a list is refused, the pages of the items before it are let "
	       "go."),
     CREATE, NEEDS("udmabuf"))
{
	size_t page = page_size();
	int device = udmabuf_open(), first = memfd_for_udmabuf(4 * page);
	int second = memfd_for_udmabuf(4 * page), weak = memfd_sealed(4 * page, F_SEAL_GROW);
	struct udmabuf_create_item items[3] = {{.memfd = (uint32_t)first, .size = 4 * page},
					       {.memfd = (uint32_t)second, .size = 4 * page},
					       {.memfd = (uint32_t)weak, .size = 4 * page}};
	int open = descriptors_open();
	long buffers = live_buffers();

	EXPECT_ERRNO(udmabuf_create_list(device, items, 3, 0), EINVAL);
	items[2] = (struct udmabuf_create_item){.memfd = (uint32_t)-1, .size = 4 * page};
	EXPECT_ERRNO(udmabuf_create_list(device, items, 3, 0), EBADFD);
	items[2] = (struct udmabuf_create_item){
		.memfd = (uint32_t)second, .offset = page, .size = 4 * page};
	EXPECT_ERRNO(udmabuf_create_list(device, items, 3, 0), EINVAL);
	EXPECT_EQ(descriptors_open(), open);
	EXPECT_EQ(live_buffers(), buffers);
	EXPECT_UNPINNED(first);
	EXPECT_UNPINNED(second);
}

CASE(unknown, "udmabuf.ioctl.unknown", CATALOGUE("UDB-24"), CLASS(ABI),
     STATEMENT("An ioctl that udmabuf does not know is ENOTTY, whatever differs: number, size or "
	       "direction."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_ioctl()"), NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size());
	struct udmabuf_create create = {.memfd = (uint32_t)memfd, .size = page_size()};
	const unsigned int unknown[] = {
		0,
		_IOW('u', 0x41, struct udmabuf_create),
		_IOW('u', 0x44, struct udmabuf_create),
		_IOW('v', 0x42, struct udmabuf_create),
		_IOWR('u', 0x42, struct udmabuf_create),
		_IO('u', 0x42),
		_IOW('u', 0x42, uint32_t),
		_IOWR('u', 0x43, struct udmabuf_create_list),
	};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		fp_context("ioctl %#x", unknown[i]);
		EXPECT_ERRNO(raw_ioctl(device, unknown[i], &create), ENOTTY);
	}
}

CASE(bad_pointer, "udmabuf.ioctl.bad-pointer", CATALOGUE("UDB-24"), CLASS(ABI),
     STATEMENT("An argument that cannot be read, in whole or in part, is EFAULT and leaves "
	       "nothing."),
     SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_ioctl_create(), udmabuf_ioctl_create_list()"),
     NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size());
	struct udmabuf_create create = {.memfd = (uint32_t)memfd, .size = page_size()};
	struct udmabuf_create *half = guarded(sizeof(create) - 8);
	struct {
		struct udmabuf_create_list list;
		struct udmabuf_create_item item;
	} *one = guarded(sizeof(*one));
	int open = descriptors_open();

	half->memfd = (uint32_t)memfd;
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE, NULL), EFAULT);
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE, unreachable()), EFAULT);
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE, half), EFAULT);
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE_LIST, NULL), EFAULT);
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE_LIST, unreachable()), EFAULT);
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE_LIST, guarded(4)), EFAULT);
	/* There is one item where two are said to be. */
	one->item.memfd = (uint32_t)memfd;
	one->item.size = page_size();
	one->list.count = 2;
	EXPECT_ERRNO(raw_ioctl(device, UDMABUF_CREATE_LIST, one), EFAULT);
	EXPECT_EQ(descriptors_open(), open);
	EXPECT_UNPINNED(memfd);
	/* Nothing behind the one item is read, and a read-only argument will do. */
	memfd = memfd_for_udmabuf(page_size());
	one->item.memfd = create.memfd = (uint32_t)memfd;
	one->list.count = 1;
	MUST(raw_ioctl(device, UDMABUF_CREATE_LIST, one));
	MUST(raw_ioctl(device, UDMABUF_CREATE, read_only(&create, sizeof(create))));
}
