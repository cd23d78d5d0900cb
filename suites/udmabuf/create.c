// SPDX-License-Identifier: MIT
/* What becomes a udmabuf, and what the new file is. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptors.h"
#include "udmabuf-node.h"
#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"
#include "pages.h"

#define CREATE SOURCE("drivers/dma-buf/udmabuf.c: udmabuf_create()")

CASE(basic, "udmabuf.create.basic", CATALOGUE("UDB-01"), CLASS(ABI),
     STATEMENT("A memfd sealed against shrinking becomes a dma-buf of the size asked for; the "
	       "ioctl returns it."),
     CREATE, NEEDS("udmabuf"))
{
	int memfd = memfd_for_udmabuf(5 * page_size());
	int device = udmabuf_open(), open = descriptors_open();
	int whole = MUST(udmabuf_create(device, memfd, 0, 5 * page_size(), 0));
	int part = MUST(udmabuf_create(device, memfd, page_size(), 2 * page_size(), 0));

	EXPECT_EQ(descriptors_open(), open + 2);
	EXPECT_TRUE(is_dmabuf(whole));
	EXPECT_TRUE(is_dmabuf(part));
	EXPECT_EQ(buffer_size(whole), 5 * page_size());
	EXPECT_EQ(buffer_size(part), 2 * page_size());
	/* Neither the device nor the memfd needs to stay open. */
	MUST(close(device));
	MUST(close(memfd));
	mark_pages(map_pages(whole, 0, 5), 0, 5, 0x11);
	EXPECT_PAGES(map_pages(part, 0, 2), 1, 2, 0x11);
}

CASE(access_mode, "udmabuf.create.access-mode", CATALOGUE("UDB-01"), CLASS(ABI),
     STATEMENT("A udmabuf is always O_RDWR, and F_GETFL shows nothing else."),
     SOURCE("drivers/dma-buf/udmabuf.c: export_udmabuf()"), NEEDS("udmabuf"))
{
	int device = MUST(open("/dev/udmabuf", O_RDONLY | O_CLOEXEC));
	int memfd = memfd_for_udmabuf(page_size());

	/* The device's own mode does not matter. */
	EXPECT_EQ(MUST(fcntl(udmabuf_of(memfd, page_size()), F_GETFL)), O_RDWR);
	EXPECT_EQ(MUST(fcntl(MUST(udmabuf_create(device, memfd, 0, page_size(), 0)), F_GETFL)),
		  O_RDWR);
}

CASE(read_only, "udmabuf.create.read-only-memfd", CATALOGUE("UDB-01"), CLASS(QUIRK),
     STATEMENT("Of a memfd that is open for reading alone a udmabuf is made that can write to it."),
     SOURCE("drivers/dma-buf/udmabuf.c: check_memfd_seals(), which looks at no f_mode"),
     NEEDS("udmabuf"))
{
	int memfd = memfd_for_udmabuf(page_size()), reader;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	reader = MUST(open(path, O_RDONLY | O_CLOEXEC));
	EXPECT_ERRNO(map_raw(NULL, reader, page_size(), PROT_WRITE, MAP_SHARED, 0), EACCES);
	mark_pages(map_pages(udmabuf_of(reader, page_size()), 0, 1), 0, 1, 0x12);
	EXPECT_PAGES(map_pages(memfd, 0, 1), 0, 1, 0x12);
}

CASE(seals, "udmabuf.create.seals", CATALOGUE("UDB-04"), CLASS(ABI),
     STATEMENT("A memfd that may shrink, or may not be written, is refused with EINVAL; other "
	       "seals do not matter."),
     SOURCE("drivers/dma-buf/udmabuf.c: SEALS_WANTED, SEALS_DENIED"), NEEDS("udmabuf"))
{
	static const int refused[] = {0,
				      F_SEAL_GROW,
				      F_SEAL_SEAL,
				      F_SEAL_WRITE,
				      F_SEAL_SHRINK | F_SEAL_WRITE,
				      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL};
	static const int accepted[] = {F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_GROW,
				       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL};
	int device = udmabuf_open(), unsealable, memfd;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		fp_context("seals %#x", refused[i]);
		memfd = memfd_sealed(page_size(), refused[i]);
		EXPECT_ERRNO(udmabuf_create(device, memfd, 0, page_size(), 0), EINVAL);
	}
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		fp_context("seals %#x", accepted[i]);
		memfd = memfd_sealed(page_size(), accepted[i]);
		MUST(udmabuf_create(device, memfd, 0, page_size(), 0));
	}
	fp_context("a memfd that takes no seals");
	unsealable = MUST(memfd_create("fp-unsealable", MFD_CLOEXEC));
	MUST(ftruncate(unsealable, (off_t)page_size()));
	EXPECT_ERRNO(udmabuf_create(device, unsealable, 0, page_size(), 0), EINVAL);
}

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

CASE(future_write, "udmabuf.create.seal-future-write", CATALOGUE("UDB-05"), CLASS(ABI),
     STATEMENT("A memfd sealed against future writing is refused with EINVAL."),
     SOURCE("drivers/dma-buf/udmabuf.c: SEALS_DENIED; fcntl(2), F_SEAL_FUTURE_WRITE"),
     NEEDS("udmabuf"))
{
	int device = udmabuf_open();
	int memfd = memfd_sealed(page_size(), F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);

	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, page_size(), 0), EINVAL);
}

CASE(cloexec, "udmabuf.create.cloexec", CATALOGUE("UDB-11"), CLASS(ABI),
     STATEMENT("The new descriptor is close-on-exec if and only if UDMABUF_FLAGS_CLOEXEC was "
	       "given."),
     CREATE, NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size());
	struct udmabuf_create_item item = {.memfd = (uint32_t)memfd, .size = page_size()};
	int with = MUST(udmabuf_create(device, memfd, 0, page_size(), UDMABUF_FLAGS_CLOEXEC));
	int without = MUST(udmabuf_create(device, memfd, 0, page_size(), 0));

	EXPECT_EQ(MUST(fcntl(with, F_GETFD)), FD_CLOEXEC);
	EXPECT_EQ(MUST(fcntl(without, F_GETFD)), 0);
	with = MUST(udmabuf_create_list(device, &item, 1, UDMABUF_FLAGS_CLOEXEC));
	without = MUST(udmabuf_create_list(device, &item, 1, 0));
	EXPECT_EQ(MUST(fcntl(with, F_GETFD)), FD_CLOEXEC);
	EXPECT_EQ(MUST(fcntl(without, F_GETFD)), 0);
}

CASE(flags, "udmabuf.create.flags-ignored", CATALOGUE("UDB-11"), CLASS(QUIRK),
     STATEMENT("All other flags are ignored."), CREATE, NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(page_size());

	for (int bit = 1; bit < 32; bit++) {
		int fd;

		fp_context("bit %d", bit);
		fd = MUST(udmabuf_create(device, memfd, 0, page_size(), 1u << bit));
		EXPECT_EQ(MUST(fcntl(fd, F_GETFD)), 0);
		EXPECT_EQ(MUST(fcntl(fd, F_GETFL)), O_RDWR);
		MUST(close(fd));
	}
}

CASE(full_table, "udmabuf.create.descriptors-full", CATALOGUE("UDB-22"), CLASS(ABI),
     STATEMENT("With the descriptor table full: EMFILE, no buffer is left, no page is held."),
     CREATE, NEEDS("udmabuf"))
{
	int device = udmabuf_open(), memfd = memfd_for_udmabuf(3 * page_size());
	struct udmabuf_create_item item = {.memfd = (uint32_t)memfd, .size = 3 * page_size()};
	long buffers = live_buffers();
	unsigned long limit = descriptors_forbid();

	EXPECT_ERRNO(udmabuf_create(device, memfd, 0, 3 * page_size(), 0), EMFILE);
	EXPECT_ERRNO(udmabuf_create_list(device, &item, 1, 0), EMFILE);
	descriptors_allow(limit);
	EXPECT_EQ(live_buffers(), buffers);
	EXPECT_UNPINNED(memfd);
}
