// SPDX-License-Identifier: MIT
/* compat.c - the same ioctl from a 32-bit process under the 64-bit kernel. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ktap.h"
#include "compat32.h"
#include "fdinfo.h"
#include "heap.h"

#define COMPAT_SOURCE                                                                              \
	"drivers/dma-buf/dma-heap.c: dma_heap_fops.compat_ioctl; "                                 \
	"include/uapi/linux/dma-heap.h: struct dma_heap_allocation_data"

_Static_assert(sizeof(struct dma_heap_allocation_data) == COMPAT32_ARGUMENT_BYTES,
	       "the argument has the same size for 32 and for 64 bits");

/* As heap_ioctl(), done by the 32-bit process; the descriptor becomes one of that process. */
static int allocate(const struct compat32 *program, struct dma_heap_allocation_data *data)
{
	uint8_t argument[COMPAT32_ARGUMENT_BYTES];
	int result;

	memcpy(argument, data, sizeof(argument));
	result = compat32_ioctl(program, DMA_HEAP_IOCTL_ALLOC, argument);
	memcpy(data, argument, sizeof(argument));
	return result;
}

/* The "flags:" line of another process's fdinfo: file status flags, and O_CLOEXEC of the
 * descriptor. */
static long descriptor_flags(pid_t pid, int fd)
{
	char path[64], line[128];
	long flags = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
	file = fdopen(MUST(open(path, O_RDONLY | O_CLOEXEC)), "r");
	while (fgets(line, sizeof(line), file))
		sscanf(line, "flags: %lo", (unsigned long *)&flags);
	fclose(file);
	return flags;
}

CASE(compat_success, "heap.alloc.compat", CATALOGUE("ALLOC-21"), CLASS(ABI),
     STATEMENT("A 32-bit process allocates through the same argument with the same result."),
     SOURCE(COMPAT_SOURCE), NEEDS("heap dma-heap compat"))
{
	const uint32_t modes[] = {O_RDONLY, O_RDWR, O_RDWR | O_CLOEXEC};
	struct compat32 program = compat32_start(heap_open(O_RDWR));

	for (uint32_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct dma_heap_allocation_data data = {
			.len = 2 * page_size() + 1,
			.fd_flags = modes[i],
		};
		char path[64], target[64] = "";
		struct fdinfo info;

		fp_context("fd_flags %#o", modes[i]);
		EXPECT_OK(allocate(&program, &data));
		/* It has 0 to 3 and nothing else. */
		EXPECT_EQ(data.fd, 4 + i);
		EXPECT_EQ(data.len, 2 * page_size() + 1);
		EXPECT_EQ(data.fd_flags, modes[i]);
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)program.pid, data.fd);
		MUST(readlink(path, target, sizeof(target) - 1));
		EXPECT_TRUE(strstr(target, "dmabuf:") != NULL);
		fdinfo_read_of(program.pid, (int)data.fd, &info);
		EXPECT_EQ(info.size, 3 * page_size());
		EXPECT_EQ(descriptor_flags(program.pid, (int)data.fd), modes[i]);
	}
	compat32_stop(&program);
}

CASE(compat_refused, "heap.alloc.compat-refused", CATALOGUE("ALLOC-21"), CLASS(ABI),
     STATEMENT("A 32-bit process is refused what a 64-bit one is: fd, flags, length zero or "
	       "wrapping."),
     SOURCE(COMPAT_SOURCE), NEEDS("heap dma-heap compat"))
{
	const uint32_t flags = O_RDWR | O_CLOEXEC;
	const struct {
		const char *what;
		struct dma_heap_allocation_data data;
	} rows[] = {
		{"fd 1", {.len = page_size(), .fd = 1, .fd_flags = flags}},
		{"O_NONBLOCK", {.len = page_size(), .fd_flags = flags | O_NONBLOCK}},
		{"fd_flags bit 31", {.len = page_size(), .fd_flags = flags | 1u << 31}},
		{"heap_flags bit 0", {.len = page_size(), .fd_flags = flags, .heap_flags = 1}},
		{"heap_flags bit 32",
		 {.len = page_size(), .fd_flags = flags, .heap_flags = 1ull << 32}},
		{"heap_flags bit 63",
		 {.len = page_size(), .fd_flags = flags, .heap_flags = 1ull << 63}},
		{"len 0", {.len = 0, .fd_flags = flags}},
		{"len 2^64 - 1", {.len = UINT64_MAX, .fd_flags = flags}},
	};
	struct compat32 program = compat32_start(heap_open(O_RDWR));
	struct dma_heap_allocation_data good = {.len = page_size(), .fd_flags = flags};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dma_heap_allocation_data data = rows[i].data;

		fp_context("%s", rows[i].what);
		EXPECT_ERRNO(allocate(&program, &data), EINVAL);
	}
	/* None of them has left a descriptor: the next is the first after 0 to 3. */
	EXPECT_OK(allocate(&program, &good));
	EXPECT_EQ(good.fd, 4);
	compat32_stop(&program);
}
