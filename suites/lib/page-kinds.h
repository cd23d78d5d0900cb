/* SPDX-License-Identifier: MIT */
/* page-kinds.h - how pages of this process are mapped, by its page tables. Needs "device". */
#ifndef FENCEPOST_PAGE_KINDS_H
#define FENCEPOST_PAGE_KINDS_H

#include <stddef.h>

#include "fencepost_device.h"

/* The case fails unless each of these pages, which have been touched, is of this kind. */
#define EXPECT_KIND(at, pages, kind)                                                               \
	page_kinds_check(__FILE__, __LINE__, #at, (at), (pages), (kind))
void page_kinds_check(const char *file, int line, const char *expression, const void *at,
		      size_t pages, enum fencepost_kind kind);

/* What all of them are: "cached", "write-combined", "uncached", "not mapped" or "of another kind";
 * or "mixed". */
const char *page_kinds(const void *at, size_t pages);

#endif
