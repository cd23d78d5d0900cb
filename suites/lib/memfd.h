/* SPDX-License-Identifier: MIT */
/* memfd.h - memfds, of ordinary and of huge pages, to make udmabufs of. */
#ifndef FENCEPOST_MEMFD_H
#define FENCEPOST_MEMFD_H

#include <stddef.h>

/* A memfd of `bytes` with these seals (F_SEAL_SHRINK ...), close-on-exec. No page of it is there
 * yet. */
int memfd_sealed(size_t bytes, int seals);
/* The same with the one seal that a udmabuf needs. */
int memfd_for_udmabuf(size_t bytes);

/* Bytes of a huge page of the default size. */
size_t huge_page_size(void);
/* A memfd of so many huge pages, sealed for a udmabuf. No page of it is there, none is reserved. */
int memfd_huge(size_t huge_pages);
/* Has the pages reserved, as everyone does who maps such a memfd; the mapping stays. Where. */
char *memfd_reserve(int memfd, size_t huge_pages);
/* The same and writes `byte` to all of them, so that they are there. */
char *memfd_fill(int memfd, size_t huge_pages, int byte);

/* How the pool of huge pages stands. */
struct huge_pool {
	long total, free, reserved;
};
struct huge_pool huge_pool(void);
/* The case fails unless the pool stands as it stood `before`. */
#define EXPECT_POOL(before) huge_pool_check(__FILE__, __LINE__, (before))
void huge_pool_check(const char *file, int line, struct huge_pool before);

/* The case fails unless the memfd can be sealed against writing: nobody holds pages of it, or maps
 * it writable. */
#define EXPECT_UNPINNED(memfd) MUST(fcntl((memfd), F_ADD_SEALS, F_SEAL_WRITE))

#endif
