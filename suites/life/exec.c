// SPDX-License-Identifier: MIT
/* exec.c - buffers across execve(). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "life.h"

/*
 * What this program, started anew by a case, is to do: look at its descriptors ("KEPT GONE SIZE"),
 * or say that it is there and wait ("wait READY GO").
 */
#define AFTER_EXEC	"FENCEPOST_AFTER_EXEC"
#define AFTER_EXEC_WAIT "wait"
#define MARK		0x51

static const char *const answers[] = {
	"as it should be",
	"what to look at is not said",
	"the descriptor without FD_CLOEXEC is no dma-buf",
	"the buffer has another size",
	"the buffer cannot be mapped",
	"the buffer's data are not what was written",
	"the descriptor with FD_CLOEXEC is still there",
};

#define ANSWERS ((int)(sizeof(answers) / sizeof(answers[0])))

/* An index into answers[]. The new program has no case to fail, and its answer is its status. */
static int look_after_exec(const char *what)
{
	unsigned long size;
	int kept, gone;
	char *at, byte;

	if (sscanf(what, AFTER_EXEC_WAIT " %d %d", &kept, &gone) == 2)
		return write(kept, what, 1) == 1 && read(gone, &byte, 1) == 0 ? 0 : 1;
	if (sscanf(what, "%d %d %lu", &kept, &gone, &size) != 3)
		return 1;
	if (!is_dmabuf(kept))
		return 2;
	if (lseek(kept, 0, SEEK_END) != (off_t)size)
		return 3;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, kept, 0);
	if (at == MAP_FAILED)
		return 4;
	for (unsigned long i = 0; i < size; i++)
		if (at[i]++ != MARK)
			return 5;
	return fcntl(gone, F_GETFD) == -1 && errno == EBADF ? 0 : 6;
}

/* Comes before main(), and so before anything that a suite does. */
static void __attribute__((constructor)) be_the_new_program(void)
{
	const char *what = getenv(AFTER_EXEC);

	if (what)
		_exit(look_after_exec(what));
}

CASE(exec, "life.exec", CATALOGUE("LIFE-06"), CLASS(ABI),
     STATEMENT("After execve() a buffer's descriptor is there, and its data, unless it was asked "
	       "for with O_CLOEXEC: then it is gone."),
     SOURCE("Documentation/driver-api/dma-buf.rst: Userspace Interface Notes, \"In order to avoid "
	    "fd leaks on exec\"; fs/file.c: do_close_on_exec()"),
     NEEDS("heap"))
{
	const size_t size = 3 * page_size();
	struct holdings before = holdings_now();
	int heap = heap_open(O_RDWR);
	int kept = MUST(heap_allocate(heap, size, O_RDWR, 0));
	int gone = MUST(heap_allocate(heap, size, O_RDWR | O_CLOEXEC, 0));
	char what[64], self[] = "/proc/self/exe";
	char *args[] = {self, NULL}, *environment[] = {what, NULL};
	int status;
	pid_t child;

	life_write(kept, size, MARK);
	snprintf(what, sizeof(what), AFTER_EXEC "=%d %d %zu", kept, gone, size);
	child = MUST(fork());
	if (child == 0) {
		execve(self, args, environment);
		_exit(ANSWERS);
	}
	MUST(waitpid(child, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < ANSWERS);
	EXPECT_STR(answers[WEXITSTATUS(status)], "as it should be");
	/* What the new program wrote is ours to read. */
	LIFE_READ(kept, size, MARK + 1);
	MUST(close(kept));
	MUST(close(gone));
	EXPECT_HOLDINGS_BACK(&before);
}

CASE(exec_frees, "life.exec-frees", CATALOGUE("LIFE-06"), CLASS(ABI),
     STATEMENT("execve() frees a buffer that there is but a close-on-exec descriptor and a mapping "
	       "of."),
     SOURCE("fs/exec.c: begin_new_exec(), which replaces the mappings and closes descriptors"),
     NEEDS("heap"))
{
	struct holdings before = holdings_now();
	const size_t size = 2 * MIB;
	char what[64], self[] = "/proc/self/exe", byte;
	char *args[] = {self, NULL}, *environment[] = {what, NULL};
	int ready[2], go[2], status;
	pid_t child;

	MUST(pipe(ready));
	MUST(pipe(go));
	child = MUST(fork());
	if (child == 0) {
		int fd = heap_buffer(size);

		life_fill(buffer_map(fd, size), size, 0x52);
		EXPECT_BUFFERS_MORE(&before, 1);
		MUST(close(go[1]));
		snprintf(what, sizeof(what), AFTER_EXEC "=%s %d %d", AFTER_EXEC_WAIT, ready[1],
			 go[0]);
		execve(self, args, environment);
		_exit(ANSWERS);
	}
	MUST(close(go[0]));
	MUST(close(ready[1]));
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	/* The new program lives, and has nothing of the old one. */
	EXPECT_HOLDINGS_BACK(&before);
	EXPECT_EQ(waitpid(child, &status, WNOHANG), 0);
	MUST(close(go[1]));
	MUST(waitpid(child, &status, 0));
	EXPECT_EQ(status, 0);
}
