// SPDX-License-Identifier: MIT
/* limits.c - what a user may take: no limit of its own, and what memory there is. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "mark.h"
#include "memory.h"
#include "volunteer.h"

#define ALLOCATE_SOURCE                                                                            \
	"drivers/dma-buf/heaps/system_heap.c: system_heap_allocate(); "                            \
	"drivers/dma-buf/heaps/cma_heap.c: cma_heap_allocate()"
#define NOBODY 65534

/* A line of /proc/self/status in KiB. */
static long status_kib(const char *key)
{
	FILE *file = fdopen(MUST(open("/proc/self/status", O_RDONLY | O_CLOEXEC)), "r");
	size_t length = strlen(key);
	long kib = -1;
	char line[128];

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			sscanf(line + length + 1, "%ld", &kib);
	fclose(file);
	return kib;
}

CASE(memlock, "memory.memlock", CATALOGUE("MEM-06"), CLASS(QUIRK),
     STATEMENT("No RLIMIT_MEMLOCK holds for buffers: a user who may lock nothing has them, and "
	       "maps them, and they count as locked nowhere."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate(), which accounts to nobody"),
     NEEDS("heap root"))
{
	const struct rlimit nothing = {0, 0};
	const size_t size = MIB;
	int heap = heap_open(O_RDWR), buffer;
	char *at;

	MUST(setrlimit(RLIMIT_MEMLOCK, &nothing));
	/* Root may lock what it likes (CAP_IPC_LOCK). */
	MUST(setgid(NOBODY));
	MUST(setuid(NOBODY));
	EXPECT_ERRNO(mlock(MUST(mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
			   size),
		     EPERM);
	buffer = EXPECT_OK(heap_allocate(heap, size, O_RDWR | O_CLOEXEC, 0));
	at = buffer_map(buffer, size);
	memset(at, 1, size);
	/* /proc/self is the old user's since setuid(), but status can be read by all. */
	EXPECT_EQ(status_kib("VmLck"), 0);
	EXPECT_EQ(status_kib("VmPin"), 0);
}

/* Takes buffers until there are no more, or it is killed for it; exits with the errno. */
static void __attribute__((noreturn)) take_all(size_t each, uint64_t limit)
{
	int heap = heap_open(O_RDWR);

	volunteer_for_the_oom_killer();
	for (uint64_t taken = 0; taken < limit; taken += each)
		if (heap_allocate(heap, each, O_RDWR | O_CLOEXEC, 0) < 0)
			_exit(errno);
	_exit(0);
}

#define BYSTANDER_MARK 0x3c

/* Someone else with a buffer, who goes on using it until `until` is closed; exits with 0 when all
 * is well with it. */
static pid_t start_bystander(int *until, size_t size)
{
	int ends[2], ready[2];
	pid_t child;
	char byte;

	MUST(pipe2(ends, O_CLOEXEC));
	MUST(pipe2(ready, O_CLOEXEC));
	child = MUST(fork());
	if (child == 0) {
		char *at = buffer_map(heap_buffer(size), size);

		MUST(close(ends[1]));
		memset(at, BYSTANDER_MARK, size);
		EXPECT_EQ(write(ready[1], "", 1), 1);
		EXPECT_EQ(read(ends[0], &byte, 1), 0);
		EXPECT_MARK(at, size, BYSTANDER_MARK);
		/* It can have another, too, now that there is memory again. */
		MUST(close(heap_buffer(size)));
		_exit(0);
	}
	MUST(close(ends[0]));
	MUST(close(ready[1]));
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	MUST(close(ready[0]));
	*until = ends[1];
	return child;
}

CASE(beyond_all, "memory.beyond-all", CATALOGUE("MEM-04"), CLASS(ABI),
     STATEMENT("Who takes buffers until there is no memory left gets ENOMEM or is killed; others "
	       "live on, and all of it comes back."),
     SOURCE(ALLOCATE_SOURCE), NEEDS("heap root"), TIMEOUT(60000))
{
	const uint64_t total = meminfo_bytes("MemTotal");
	/* Few enough for a table of descriptors. */
	const size_t each = page_align((size_t)(total / 256));
	struct holdings before = holdings_now();
	int until, status, end;
	pid_t bystander, taker;

	heap_require(2 * MIB);
	bystander = start_bystander(&until, MIB);
	taker = MUST(fork());
	if (taker == 0)
		take_all(each, 2 * total);
	MUST(waitpid(taker, &status, 0));
	if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
	    !(WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM))
		fp_failf(__FILE__, __LINE__, "buffers beyond all memory", "ENOMEM or SIGKILL",
			 "status %#x", (unsigned int)status);
	fp_note("the taker %s", WIFSIGNALED(status) ? "was killed" : "got ENOMEM");
	EXPECT_BUFFERS_MORE(&before, 1);
	MUST(close(until));
	MUST(waitpid(bystander, &end, 0));
	EXPECT_EQ(end, 0);
	EXPECT_HOLDINGS_BACK(&before);
}
