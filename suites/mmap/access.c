// SPDX-License-Identifier: MIT
/* What a descriptor's access mode lets its mappings do. */
#include <fcntl.h>
#include <sys/mman.h>

#include "heap.h"
#include "ktap.h"
#include "pages.h"

#define RW (PROT_READ | PROT_WRITE)

static int buffer_opened(int access_mode)
{
	return MUST(heap_allocate(heap_open(O_RDWR), page_size(), (uint32_t)access_mode | O_CLOEXEC,
				  0));
}

CASE(read_only, "mmap.read-only.write", CATALOGUE("MMAP-08"), CLASS(ABI),
     STATEMENT("A buffer open for reading alone cannot be mapped shared for writing: EACCES."),
     SOURCE("mm/mmap.c: do_mmap()"), NEEDS("heap"))
{
	int buffer = buffer_opened(O_RDONLY);
	char *at;

	EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), RW, MAP_SHARED, 0), EACCES);
	EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), PROT_WRITE, MAP_SHARED, 0), EACCES);
	EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), RW, MAP_SHARED_VALIDATE, 0), EACCES);
	at = (char *)MUST(map_raw(NULL, buffer, page_size(), PROT_READ, MAP_SHARED, 0));
	EXPECT_TRUE(readable(at));
	EXPECT_TRUE(!writable(at));
}

CASE(no_upgrade, "mmap.read-only.mprotect", CATALOGUE("MMAP-09"), CLASS(ABI),
     STATEMENT("A mapping of a buffer open for reading alone cannot be made writable: EACCES, and "
	       "it stays read-only."),
     SOURCE("mm/mmap.c: do_mmap(), VM_MAYWRITE; mm/mprotect.c: do_mprotect_pkey()"), NEEDS("heap"))
{
	char *at = (char *)MUST(
		map_raw(NULL, buffer_opened(O_RDONLY), page_size(), PROT_READ, MAP_SHARED, 0));

	EXPECT_ERRNO(mprotect(at, page_size(), RW), EACCES);
	EXPECT_ERRNO(mprotect(at, page_size(), PROT_WRITE), EACCES);
	EXPECT_TRUE(readable(at));
	EXPECT_TRUE(!writable(at));
	/* Of one that is open for both, it can. */
	at = (char *)MUST(
		map_raw(NULL, buffer_opened(O_RDWR), page_size(), PROT_READ, MAP_SHARED, 0));
	EXPECT_TRUE(!writable(at));
	EXPECT_OK(mprotect(at, page_size(), RW));
	EXPECT_TRUE(writable(at));
}

CASE(write_only, "mmap.write-only", CATALOGUE("MMAP-10"), CLASS(ABI),
     STATEMENT("A buffer open for writing alone cannot be mapped at all: EACCES."),
     SOURCE("mm/mmap.c: do_mmap()"), NEEDS("heap"))
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_WRITE, RW};
	int buffer = buffer_opened(O_WRONLY);

	for (size_t i = 0; i < sizeof(prots) / sizeof(prots[0]); i++) {
		EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), prots[i], MAP_SHARED, 0), EACCES);
		EXPECT_ERRNO(map_raw(NULL, buffer, page_size(), prots[i], MAP_PRIVATE, 0), EACCES);
	}
}

CASE(executable, "mmap.executable", CATALOGUE("MMAP-18"), CLASS(IMPL),
     STATEMENT("Mapping for execution is EPERM on kernels whose pseudo file systems are all "
	       "noexec, and works on others."),
     SOURCE("fs/libfs.c: init_pseudo(), SB_I_NOEXEC; mm/mmap.c: do_mmap()"), NEEDS("heap"),
     EXPECTED({NULL, "6.12", 0}, {"7.2", NULL, EPERM}))
{
	long at = map_raw(NULL, heap_buffer(page_size()), page_size(), PROT_READ | PROT_EXEC,
			  MAP_SHARED, 0);

	EXPECT_EQ(at == -1 ? errno : 0, fp_expected());
}
