// SPDX-License-Identifier: MIT
/* set.c - names that are accepted, and where they show. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "buffer-name.h"
#include "fdinfo.h"
#include "guarded.h"
#include "heap.h"

const char fp_suite_name[] = "name";

#define SET_SOURCE "drivers/dma-buf/dma-buf.c: dma_buf_set_name()"
#define BUFINFO	   "/sys/kernel/debug/dma_buf/bufinfo"

CASE(shown, "heap.name.shown", CATALOGUE("SETN-01"), CLASS(ABI),
     STATEMENT("A name of up to 31 characters is accepted and shown in fdinfo and by readlink()."),
     SOURCE(SET_SOURCE "; include/uapi/linux/dma-buf.h: DMA_BUF_NAME_LEN"), NEEDS("heap"))
{
	static const size_t lengths[] = {1, 2, 30, NAME_LENGTH_MAX};
	int fd = heap_buffer(page_size());

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char name[NAME_LENGTH_MAX + 1];

		fp_context("name of %zu characters", lengths[i]);
		make_name(name, lengths[i], 'a');
		EXPECT_OK(set_name(fd, name));
		expect_name(fd, name);
	}
}

/* How many lines of bufinfo end in this name. */
static int bufinfo_lines(const char *name)
{
	FILE *file = fdopen(MUST(open(BUFINFO, O_RDONLY | O_CLOEXEC)), "r");
	char line[512];
	int lines = 0;

	while (fgets(line, sizeof(line), file)) {
		char *last = strrchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		lines += last && !strcmp(last + 1, name);
	}
	fclose(file);
	return lines;
}

CASE(bufinfo, "heap.name.bufinfo", CATALOGUE("SETN-01"), CLASS(ABI),
     STATEMENT("A buffer's name is shown in debugfs, once."),
     SOURCE(SET_SOURCE "; drivers/dma-buf/dma-buf.c: dma_buf_debug_show()"), NEEDS("heap debugfs"))
{
	char name[NAME_LENGTH_MAX + 1];
	int fd = heap_buffer(page_size());

	make_name(name, NAME_LENGTH_MAX, 'q');
	EXPECT_EQ(bufinfo_lines(name), 0);
	EXPECT_OK(set_name(fd, name));
	EXPECT_EQ(bufinfo_lines(name), 1);
	close(fd);
	EXPECT_EQ(bufinfo_lines(name), 0);
}

CASE(replaced, "heap.name.replaced", CATALOGUE("SETN-04"), CLASS(ABI),
     STATEMENT("A new name replaces the old one, a shorter a longer too, on this buffer alone."),
     SOURCE(SET_SOURCE), NEEDS("heap"))
{
	char longest[NAME_LENGTH_MAX + 1];
	int fd = heap_buffer(page_size());
	int other = heap_buffer(page_size());

	make_name(longest, NAME_LENGTH_MAX, 'z');
	EXPECT_OK(set_name(other, "other"));
	EXPECT_OK(set_name(fd, longest));
	expect_name(fd, longest);
	EXPECT_OK(set_name(fd, "b"));
	expect_name(fd, "b");
	EXPECT_OK(set_name(fd, "b"));
	expect_name(fd, "b");
	/* The name is the buffer's and not the descriptor's. */
	EXPECT_OK(set_name(MUST(dup(fd)), "through a duplicate"));
	expect_name(fd, "through a duplicate");
	expect_name(other, "other");
}

CASE(empty, "heap.name.empty", CATALOGUE("SETN-05"), CLASS(IMPL),
     STATEMENT("There is no name before one is set, and the empty string takes it away again."),
     SOURCE("drivers/dma-buf/dma-buf.c: dmabuffs_dname(), dma_buf_show_fdinfo()"), NEEDS("heap"))
{
	int fd = heap_buffer(page_size());
	struct fdinfo info;

	fdinfo_read(fd, &info);
	EXPECT_TRUE(!info.named);
	expect_link_name(fd, "");
	EXPECT_OK(set_name(fd, "visible"));
	expect_name(fd, "visible");
	EXPECT_OK(set_name(fd, ""));
	fdinfo_read(fd, &info);
	EXPECT_STR(info.name, "");
	expect_link_name(fd, "");
	EXPECT_OK(set_name(fd, "again"));
	expect_name(fd, "again");
}

CASE(encodings, "heap.name.encodings", CATALOGUE("SETN-06"), CLASS(ABI),
     STATEMENT(
	     "Both encodings of the ioctl set the name: with a 32-bit and with a 64-bit argument."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl(); include/uapi/linux/dma-buf.h: "
	    "DMA_BUF_SET_NAME_A, DMA_BUF_SET_NAME_B"),
     NEEDS("heap"))
{
	/* An address above 4 GiB, which a 32-bit argument could not carry. */
	char *name = guarded(NAME_LENGTH_MAX + 1);
	int fd = heap_buffer(page_size());

	EXPECT_TRUE(sizeof(name) == 4 || (uintptr_t)name > UINT32_MAX);
	strcpy(name, "encoding A");
	EXPECT_OK(raw_ioctl(fd, DMA_BUF_SET_NAME_A, name));
	expect_name(fd, "encoding A");
	strcpy(name, "encoding B");
	EXPECT_OK(raw_ioctl(fd, DMA_BUF_SET_NAME_B, name));
	expect_name(fd, "encoding B");
}

CASE(read_only_fd, "heap.name.read-only", CATALOGUE("SETN-09"), CLASS(QUIRK),
     STATEMENT("A read-only descriptor may set the name too."), SOURCE(SET_SOURCE), NEEDS("heap"))
{
	int fd = MUST(heap_allocate(heap_open(O_RDWR), page_size(), O_RDONLY | O_CLOEXEC, 0));

	EXPECT_OK(set_name(fd, "read-only"));
	expect_name(fd, "read-only");
}
