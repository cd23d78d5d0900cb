// SPDX-License-Identifier: MIT
/* refuse.c - names that are not accepted, and that the old one stays. */
#include <string.h>

#include "ktap.h"
#include "buffer-name.h"
#include "guarded.h"
#include "heap.h"

#define SET_SOURCE "drivers/dma-buf/dma-buf.c: dma_buf_set_name(); mm/util.c: strndup_user()"

CASE(too_long, "heap.name.too-long", CATALOGUE("SETN-02"), CLASS(ABI),
     STATEMENT(
	     "A name with no NUL in its first 32 bytes is refused with EINVAL; the old one stays."),
     SOURCE(SET_SOURCE), NEEDS("heap"))
{
	static const size_t lengths[] = {32, 33, 64, 4000};
	char name[4001];
	int fd = heap_buffer(page_size());

	EXPECT_OK(set_name(fd, "kept"));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fp_context("name of %zu characters", lengths[i]);
		make_name(name, lengths[i], 'a');
		EXPECT_ERRNO(set_name(fd, name), EINVAL);
		expect_name(fd, "kept");
	}
}

CASE(unreadable, "heap.name.unreadable", CATALOGUE("SETN-03"), CLASS(ABI),
     STATEMENT("A name that cannot be read fails with EFAULT; the old one stays."),
     SOURCE(SET_SOURCE), NEEDS("heap"))
{
	/* Ten characters, and the page ends before there is a NUL. */
	char *torn = guarded(10);
	int fd = heap_buffer(page_size());

	memset(torn, 'x', 10);
	EXPECT_OK(set_name(fd, "kept"));
	EXPECT_ERRNO(set_name(fd, NULL), EFAULT);
	expect_name(fd, "kept");
	EXPECT_ERRNO(set_name(fd, unreachable()), EFAULT);
	expect_name(fd, "kept");
	EXPECT_ERRNO(set_name(fd, torn), EFAULT);
	expect_name(fd, "kept");
	EXPECT_ERRNO(set_name(fd, (void *)(UINTPTR_MAX - page_size() + 1)), EFAULT);
	expect_name(fd, "kept");
}

CASE(at_the_end, "heap.name.page-end", CATALOGUE("SETN-03"), CLASS(ABI),
     STATEMENT("A name whose NUL is the last byte that can be read is accepted."),
     SOURCE(SET_SOURCE), NEEDS("heap"))
{
	static const size_t lengths[] = {0, 1, 7, NAME_LENGTH_MAX};
	int fd = heap_buffer(page_size());

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *name = guarded(lengths[i] + 1);

		fp_context("name of %zu characters", lengths[i]);
		make_name(name, lengths[i], 'A');
		EXPECT_OK(set_name(fd, name));
		expect_name(fd, name);
	}
}
