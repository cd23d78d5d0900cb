// SPDX-License-Identifier: MIT
/* Taking buffers in, giving them out again, and what is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "bufinfo.h"
#include "buffer-fence.h"
#include "card.h"
#include "descriptors.h"
#include "filling.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memory.h"

#define IMPORT_SOURCE                                                                              \
	SOURCE("drivers/gpu/drm/drm_prime.c: drm_gem_prime_fd_to_handle(), which attaches; "       \
	       "drivers/dma-buf/dma-buf.c: dma_buf_attach(), dma_buf_map_attachment()")

CASE(import, "display.import", CATALOGUE("IMP-01"), CLASS(ABI),
     STATEMENT("A display takes a buffer in once however often it is given it, is listed as "
	       "attached until it lets go, and leaves the buffer and its bytes to the program."),
     IMPORT_SOURCE, SINCE("6.1"), NEEDS("heap debugfs vkms"))
{
	const size_t bytes = card_pages() * page_size();
	struct holdings before;
	int card = card_open(), buffer;
	unsigned char *at;
	uint32_t handle;

	heap_require(bytes);
	before = holdings_now();
	buffer = heap_buffer(bytes);
	at = buffer_map(buffer, bytes);
	fill(at, 0, bytes, 1);
	for (int round = 0; round < 3; round++) {
		EXPECT_EQ(attached_to(buffer), 0);
		handle = card_import(card, buffer);
		EXPECT_EQ(attached_to(buffer), 1);
		EXPECT_EQ(card_import(card, buffer), handle);
		EXPECT_EQ(attached_to(buffer), 1);
		EXPECT_OK(card_close_handle(card, handle));
		EXPECT_EQ(attached_to(buffer), 0);
		/* Once is enough. */
		EXPECT_ERRNO(card_close_handle(card, handle), EINVAL);
		EXPECT_FILLED(at, 0, bytes, 1);
	}
	buffer_unmap(at, bytes);
	MUST(close(buffer));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(export_back, "display.export-back", CATALOGUE("IMP-01"), CLASS(ABI),
     STATEMENT("What a display gives out of a handle is the buffer that it was given: the same "
	       "file, the same bytes, both ways."),
     SOURCE("drivers/gpu/drm/drm_prime.c: drm_gem_prime_handle_to_fd(), which exports an imported "
	    "object as what it was"),
     SINCE("6.1"), NEEDS("heap debugfs vkms"))
{
	const size_t bytes = 3 * page_size();
	int card = card_open(), buffer = heap_buffer(bytes), back, plain;
	uint32_t handle = card_import(card, buffer);
	struct holdings with = holdings_now();
	unsigned char *at = buffer_map(buffer, bytes), *there;

	back = EXPECT_OK(card_export(card, handle, O_CLOEXEC | O_RDWR));
	EXPECT_TRUE(is_dmabuf(back));
	EXPECT_EQ(buffer_inode(back), buffer_inode(buffer));
	EXPECT_EQ(buffer_size(back), bytes);
	EXPECT_EQ(MUST(fcntl(back, F_GETFD)), FD_CLOEXEC);
	plain = EXPECT_OK(card_export(card, handle, 0));
	EXPECT_EQ(MUST(fcntl(plain, F_GETFD)), 0);
	EXPECT_BUFFERS_MORE(&with, 0);
	there = buffer_map(back, bytes);
	fill(at, 0, bytes, 2);
	EXPECT_FILLED(there, 0, bytes, 2);
	fill(there, 0, bytes, 3);
	EXPECT_FILLED(at, 0, bytes, 3);
	/* Given to it again, it is known. */
	EXPECT_EQ(card_import(card, back), handle);
	EXPECT_EQ(card_import(card, plain), handle);
	EXPECT_EQ(attached_to(buffer), 1);
}

CASE(files, "display.files", CATALOGUE("IMP-04"), CLASS(ABI),
     STATEMENT("Two open files of a display are two importers of a buffer: each has its own "
	       "attachment, and the other's stays when it lets go."),
     IMPORT_SOURCE, SINCE("6.1"), NEEDS("heap debugfs vkms"))
{
	const size_t bytes = 17 * page_size();
	int first = card_open(), second = card_open(), buffer = heap_buffer(bytes), back;
	uint32_t one = card_import(first, buffer), other = card_import(second, buffer);
	unsigned long long inode = buffer_inode(buffer);
	unsigned char *at = buffer_map(buffer, bytes);

	EXPECT_EQ(attached_to(buffer), 2);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	fill(at, 0, bytes, 4);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	buffer_unmap(at, bytes);
	MUST(close(buffer));
	EXPECT_OK(card_close_handle(first, one));
	EXPECT_EQ(attached_to_inode(inode), 1);
	back = EXPECT_OK(card_export(second, other, O_CLOEXEC | O_RDWR));
	at = buffer_map(back, bytes);
	EXPECT_FILLED(at, 0, bytes, 4);
	MUST(close(second));
	EXPECT_EQ(attached_to(back), 0);
	EXPECT_FILLED(at, 0, bytes, 4);
}

CASE(refused, "display.refused", CATALOGUE("IMP-22"), CLASS(ABI),
     STATEMENT("What is no dma-buf is refused with EINVAL, what is not open with EBADF, and "
	       "nothing is left of it; nor of giving out a handle that is none, or with flags that "
	       "mean nothing."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_get(); drivers/gpu/drm/drm_prime.c: "
	    "drm_prime_handle_to_fd_ioctl()"),
     SINCE("6.1"), NEEDS("heap debugfs vkms"))
{
	int card = card_open(), heap = heap_open(O_RDWR), buffer = heap_buffer(page_size());
	struct holdings before = holdings_now();
	uint32_t handle = card_import(card, buffer), none = 0;
	int descriptors = descriptors_open();
	unsigned long limit;

	EXPECT_ERRNO(card_import_raw(card, heap, &none), EINVAL);
	EXPECT_ERRNO(card_import_raw(card, card, &none), EINVAL);
	EXPECT_ERRNO(card_import_raw(card, -1, &none), EBADF);
	EXPECT_ERRNO(card_import_raw(card, next_descriptor(), &none), EBADF);
	EXPECT_EQ(none, 0);
	EXPECT_ERRNO(card_export(card, handle + 1, 0), ENOENT);
	EXPECT_ERRNO(card_export(card, handle, O_NONBLOCK), EINVAL);
	limit = descriptors_forbid();
	EXPECT_ERRNO(card_export(card, handle, 0), EMFILE);
	descriptors_allow(limit);
	EXPECT_EQ(descriptors_open(), descriptors);
	EXPECT_EQ(attached_to(buffer), 1);
	EXPECT_OK(card_close_handle(card, handle));
	EXPECT_EQ(attached_to(buffer), 0);
	EXPECT_BUFFERS_MORE(&before, 0);
}
