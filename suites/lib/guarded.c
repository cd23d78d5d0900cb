// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>

#include "ktap.h"
#include "guarded.h"
#include "heap.h"

void *guarded(size_t bytes)
{
	size_t usable = page_align(bytes);
	char *at = MUST(mmap(NULL, usable + page_size(), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	MUST(mprotect(at + usable, page_size(), PROT_NONE));
	return at + usable - bytes;
}

void *unreachable(void)
{
	return guarded(0);
}

void *read_only(const void *from, size_t bytes)
{
	void *at = MUST(mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0));

	memcpy(at, from, bytes);
	MUST(mprotect(at, page_size(), PROT_READ));
	return at;
}
