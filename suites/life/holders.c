// SPDX-License-Identifier: MIT
/* holders.c - who keeps a buffer: descriptors, mappings, and nothing else once they are gone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"
#include "memory.h"

const char fp_suite_name[] = "life";

CASE(last_close, "life.last-close", CATALOGUE("LIFE-01"), CLASS(ABI),
     STATEMENT(
	     "The last close frees a buffer's memory, at once, whatever its size and however many "
	     "there are."),
     SOURCE(RELEASE_SOURCE), NEEDS("heap"), TIMEOUT(30000))
{
	/* The sizes that the system heap puts together from chunks of different orders. */
	const size_t odd = MIB + 17 * page_size();
	const size_t large = page_align((size_t)(heap_room() < 16 * MIB ? heap_room() : 16 * MIB));
	struct holdings before = holdings_now();
	int many[64];

	heap_require(8 * MIB);
	for (int round = 0; round < 4; round++) {
		int fd = heap_buffer(large);

		EXPECT_BUFFERS_MORE(&before, 1);
		MUST(close(fd));
		EXPECT_BUFFERS_MORE(&before, 0);
	}
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 64; i++)
			many[i] = heap_buffer(i % 16 ? page_size() : odd);
		EXPECT_BUFFERS_MORE(&before, 64);
		for (int i = 0; i < 64; i++)
			MUST(close(many[i]));
	}
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(mapping, "life.mapping", CATALOGUE("LIFE-02"), CLASS(ABI),
     STATEMENT("A mapping keeps its buffer after the last close, and the last page unmapped frees "
	       "it."),
     SOURCE(RELEASE_SOURCE "; mm/mmap.c: a mapping's reference to its file (vm_file)"),
     NEEDS("heap"))
{
	const size_t page = page_size(), size = 8 * page;
	struct holdings before = holdings_now();
	int fd = heap_buffer(size);
	char *at = buffer_map(fd, size);

	life_fill(at, size, 0x31);
	MUST(close(fd));
	EXPECT_BUFFERS_MORE(&before, 1);
	/* Memory that had been given back would be handed out, and cleared, again. */
	life_use_memory(size);
	LIFE_EXPECT(at, size, 0x31);
	fp_context("all but one page unmapped");
	MUST(munmap(at, 3 * page));
	MUST(munmap(at + 4 * page, 4 * page));
	EXPECT_BUFFERS_MORE(&before, 1);
	EXPECT_EQ(at[3 * page], 0x31);
	fp_context("unmapped");
	MUST(munmap(at + 3 * page, page));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(mapping_exit, "life.mapping-exit", CATALOGUE("LIFE-02"), CLASS(ABI),
     STATEMENT("A mapping that is all there is of a buffer goes with its process."),
     SOURCE(RELEASE_SOURCE "; mm/mmap.c: exit_mmap()"), NEEDS("heap"))
{
	struct holdings before = holdings_now();
	const size_t size = 2 * MIB;
	pid_t child = MUST(fork());
	int status;

	if (child == 0) {
		int fd = heap_buffer(size);
		char *at = buffer_map(fd, size);

		MUST(close(fd));
		life_fill(at, size, 0x32);
		EXPECT_BUFFERS_MORE(&before, 1);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(duplicate, "life.duplicate", CATALOGUE("LIFE-03"), CLASS(ABI),
     STATEMENT("Each duplicate of a descriptor keeps the buffer; only the last close frees it."),
     SOURCE(RELEASE_SOURCE), NEEDS("heap"))
{
	const size_t size = 4 * page_size();
	struct holdings before = holdings_now();
	int fds[4];

	fds[0] = heap_buffer(size);
	life_write(fds[0], size, 0x33);
	fds[1] = MUST(dup(fds[0]));
	fds[2] = MUST(fcntl(fds[1], F_DUPFD_CLOEXEC, 100));
	fds[3] = MUST(dup3(fds[0], 200, O_CLOEXEC));
	for (int i = 0; i < 4; i++) {
		fp_context("%d of 4 descriptors closed", i);
		life_use_memory(size);
		LIFE_READ(fds[3], size, 0x33);
		EXPECT_EQ(buffer_size(fds[3]), size);
		EXPECT_BUFFERS_MORE(&before, 1);
		MUST(close(fds[i]));
	}
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(forked, "life.fork", CATALOGUE("LIFE-03"), CLASS(ABI),
     STATEMENT("A forked child's descriptor keeps the buffer when the parent has closed its own, "
	       "and the other way round."),
     SOURCE(RELEASE_SOURCE "; kernel/fork.c: copy_files()"), NEEDS("heap"))
{
	const size_t size = 4 * page_size();
	struct holdings before = holdings_now();
	int fd = heap_buffer(size), go[2], status;
	char byte = 0;
	pid_t child;

	life_write(fd, size, 0x34);
	MUST(pipe2(go, O_CLOEXEC));
	child = MUST(fork());
	if (child == 0) {
		/* The parent has closed its descriptor. */
		EXPECT_EQ(read(go[0], &byte, 1), 1);
		EXPECT_BUFFERS_MORE(&before, 1);
		LIFE_READ(fd, size, 0x34);
		_exit(0);
	}
	MUST(close(fd));
	life_use_memory(size);
	EXPECT_EQ(write(go[1], &byte, 1), 1);
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	EXPECT_BUFFERS_MORE(&before, 0);

	fd = heap_buffer(size);
	child = MUST(fork());
	if (child == 0) {
		life_write(fd, size, 0x35);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
	EXPECT_BUFFERS_MORE(&before, 1);
	LIFE_READ(fd, size, 0x35);
	MUST(close(fd));
	EXPECT_HOLDINGS_BACK(&before);
}
