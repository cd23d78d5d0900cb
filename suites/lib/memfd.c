// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap.h"
#include "ktap.h"
#include "memfd.h"
#include "memory.h"

int memfd_sealed(size_t bytes, int seals)
{
	int memfd = MUST(memfd_create("fp-udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	MUST(ftruncate(memfd, (off_t)bytes));
	MUST(fcntl(memfd, F_ADD_SEALS, seals));
	return memfd;
}

int memfd_for_udmabuf(size_t bytes)
{
	return memfd_sealed(bytes, F_SEAL_SHRINK);
}

size_t huge_page_size(void)
{
	return (size_t)meminfo_bytes("Hugepagesize");
}

int memfd_huge(size_t huge_pages)
{
	int memfd = MUST(
		memfd_create("fp-udmabuf-huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));

	MUST(ftruncate(memfd, (off_t)(huge_pages * huge_page_size())));
	MUST(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	return memfd;
}

char *memfd_reserve(int memfd, size_t huge_pages)
{
	return buffer_map(memfd, huge_pages * huge_page_size());
}

char *memfd_fill(int memfd, size_t huge_pages, int byte)
{
	char *at = memfd_reserve(memfd, huge_pages);

	memset(at, byte, huge_pages * huge_page_size());
	return at;
}

struct huge_pool huge_pool(void)
{
	/* These three are numbers of pages; meminfo_bytes() takes all for KiB. */
	return (struct huge_pool){
		.total = (long)meminfo_bytes("HugePages_Total") / 1024,
		.free = (long)meminfo_bytes("HugePages_Free") / 1024,
		.reserved = (long)meminfo_bytes("HugePages_Rsvd") / 1024,
	};
}

void huge_pool_check(const char *file, int line, struct huge_pool before)
{
	struct huge_pool now = huge_pool();

	fp_check_eq(file, line, "HugePages_Total", now.total, before.total);
	fp_check_eq(file, line, "HugePages_Free", now.free, before.free);
	fp_check_eq(file, line, "HugePages_Rsvd", now.reserved, before.reserved);
}
