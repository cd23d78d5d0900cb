// SPDX-License-Identifier: MIT
/* What the two ioctls accept and refuse. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "descriptors.h"
#include "fence.h"
#include "guarded.h"
#include "heap.h"
#include "ktap.h"
#include "usage.h"

/* Every set of flags that is no usage: nothing, each unknown bit, and each beside each usage. */
static void expect_flags_refused(int (*call)(int buffer, uint32_t flags), int buffer)
{
	EXPECT_ERRNO(call(buffer, 0), EINVAL);
	EXPECT_ERRNO(call(buffer, UINT32_MAX), EINVAL);
	/* That of SYNC that means the end of access. */
	EXPECT_ERRNO(call(buffer, DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END), EINVAL);
	for (unsigned int bit = 0; bit < 32; bit++) {
		uint32_t flag = UINT32_C(1) << bit;

		if (flag & DMA_BUF_SYNC_RW)
			continue;
		fp_context("bit %u", bit);
		EXPECT_ERRNO(call(buffer, flag), EINVAL);
		for (int i = 0; i < USAGES; i++)
			EXPECT_ERRNO(call(buffer, flag | usages[i]), EINVAL);
	}
}

CASE(export_flags, "fence.buffer.export-flags", CATALOGUE("ESF-01"), CLASS(ABI),
     STATEMENT("EXPORT_SYNC_FILE without READ or WRITE, or with any other flag, is EINVAL and "
	       "leaves no descriptor."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file(); " UAPI_SOURCE), SINCE("6.1"),
     NEEDS("heap sync_file"))
{
	int buffer = heap_buffer(page_size()), open = descriptors_open();

	expect_flags_refused(buffer_export_fence, buffer);
	EXPECT_EQ(descriptors_open(), open);
	for (int i = 0; i < USAGES; i++)
		EXPECT_OK(buffer_export_fence(buffer, usages[i]));
}

static int imported;

static int import_it(int buffer, uint32_t flags)
{
	return buffer_import_fence(buffer, imported, flags);
}

CASE(import_flags, "fence.buffer.import-flags", CATALOGUE("ESF-01"), CLASS(ABI),
     STATEMENT("IMPORT_SYNC_FILE without READ or WRITE, or with any other flag, is EINVAL and "
	       "imports nothing."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_import_sync_file(); " UAPI_SOURCE), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size());

	imported = MUST(timeline_fence(MUST(timeline_open()), 1));
	expect_flags_refused(import_it, buffer);
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_RW);
	for (int i = 0; i < USAGES; i++)
		EXPECT_EQ(import_it(buffer, usages[i]), 0);
}

CASE(cloexec, "fence.buffer.export-cloexec", CATALOGUE("ESF-03"), CLASS(IMPL),
     STATEMENT("The descriptor of an exported sync_file is close-on-exec."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file()"), SINCE("6.1"),
     NEEDS("heap sync_file"))
{
	int buffer = heap_buffer(page_size());

	for (int i = 0; i < USAGES; i++)
		EXPECT_EQ(fcntl(MUST(buffer_export_fence(buffer, usages[i])), F_GETFD), FD_CLOEXEC);
}

CASE(import_descriptor, "fence.buffer.import-descriptor", CATALOGUE("ESF-08"), CLASS(ABI),
     STATEMENT("IMPORT_SYNC_FILE of a descriptor that is closed, or no sync_file, is EINVAL."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_import_sync_file(); drivers/dma-buf/sync_file.c: "
	    "sync_file_get_fence()"),
     SINCE("6.1"), NEEDS("heap sync_file"))
{
	int buffer = heap_buffer(page_size()), other = heap_buffer(page_size());
	int closed = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	int fence = MUST(buffer_export_fence(buffer, DMA_BUF_SYNC_READ)), ends[2];

	MUST(close(closed));
	MUST(pipe(ends));
	const struct {
		const char *what;
		int fd;
	} wrong[] = {
		{"-1", -1},
		{"INT_MIN", INT_MIN},
		{"a closed descriptor", closed},
		{"a number beyond all descriptors", INT_MAX},
		{"the buffer itself", buffer},
		{"another buffer", other},
		{"a heap's node", heap_open(O_RDWR)},
		{"a regular file", MUST(open("/proc/self/exe", O_RDONLY))},
		{"a directory", MUST(open("/", O_RDONLY | O_DIRECTORY))},
		{"a device", MUST(open("/dev/null", O_RDWR))},
		{"a pipe", ends[0]},
		/* Has no operations at all, whatever the file is. */
		{"an O_PATH descriptor", MUST(open("/", O_PATH))},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fp_context("%s", wrong[i].what);
		for (int usage = 0; usage < USAGES; usage++)
			EXPECT_ERRNO(buffer_import_fence(buffer, wrong[i].fd, usages[usage]),
				     EINVAL);
	}
	fp_context("an exported sync_file");
	EXPECT_EQ(buffer_import_fence(buffer, fence, DMA_BUF_SYNC_READ), 0);
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_RW);
}

CASE(import_timeline, "fence.buffer.import-timeline", CATALOGUE("ESF-08"), CLASS(ABI),
     STATEMENT("IMPORT_SYNC_FILE of a sw_sync timeline, whose fences are not its own file, is "
	       "EINVAL."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_get_fence()"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());

	EXPECT_ERRNO(buffer_import_fence(buffer, timeline, DMA_BUF_SYNC_READ), EINVAL);
	EXPECT_ERRNO(buffer_import_fence(timeline, buffer, DMA_BUF_SYNC_READ), ENOTTY);
}

CASE(export_pointer, "fence.buffer.export-bad-pointer", CATALOGUE("ESF-11"), CLASS(ABI),
     STATEMENT("EXPORT_SYNC_FILE with a pointer that cannot be read, or only in part, is EFAULT "
	       "and leaves no descriptor."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file()"), SINCE("6.1"),
     NEEDS("heap sync_file"))
{
	int buffer = heap_buffer(page_size()), open = descriptors_open();
	uint32_t *flags = guarded(sizeof(*flags));

	*flags = DMA_BUF_SYNC_READ;
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, unreachable()), EFAULT);
	/* The flags are good, and the descriptor's place is missing. */
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, flags), EFAULT);
	EXPECT_EQ(descriptors_open(), open);
}

CASE(import_pointer, "fence.buffer.import-bad-pointer", CATALOGUE("ESF-11"), CLASS(ABI),
     STATEMENT("IMPORT_SYNC_FILE with a pointer that cannot be read is EFAULT; memory that is only "
	       "readable will do."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_import_sync_file(); " UAPI_SOURCE), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open());
	struct dma_buf_import_sync_file import = {
		.flags = DMA_BUF_SYNC_WRITE,
		.fd = MUST(timeline_fence(timeline, 1)),
	};
	uint32_t *flags = guarded(sizeof(*flags));

	*flags = DMA_BUF_SYNC_WRITE;
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, unreachable()), EFAULT);
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, flags), EFAULT);
	EXPECT_EXPORT_SIGNALLED(buffer, DMA_BUF_SYNC_RW);
	EXPECT_EQ(ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, read_only(&import, sizeof(import))),
		  0);
	EXPECT_EXPORT_PENDING(buffer, DMA_BUF_SYNC_RW);
}

CASE(full_table, "fence.buffer.full-table", CATALOGUE("ESF-11"), CLASS(ABI),
     STATEMENT("EXPORT_SYNC_FILE when no descriptor is free is EMFILE and leaves nothing; import "
	       "needs none."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file()"), SINCE("6.1"),
     NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()), timeline = MUST(timeline_open_named("fp-full"));
	int fence = MUST(timeline_fence(timeline, 1)), open = descriptors_open();
	unsigned long limit = descriptors_forbid();

	EXPECT_EQ(buffer_import_fence(buffer, fence, DMA_BUF_SYNC_WRITE), 0);
	for (int i = 0; i < USAGES; i++)
		EXPECT_ERRNO(buffer_export_fence(buffer, usages[i]), EMFILE);
	descriptors_allow(limit);
	EXPECT_EQ(descriptors_open(), open);
	MUST(close(fence));
	EXPECT_EQ(timeline_pending("fp-full", NULL), 1);
	MUST(close(buffer));
	EXPECT_EQ(timeline_pending("fp-full", NULL), 0);
}

CASE(absent, "fence.buffer.absent", CATALOGUE("ESF-14"), CLASS(ABI),
     STATEMENT("A kernel without export and import of sync_files says ENOTTY to both."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), UNTIL("5.19"), NEEDS("heap"))
{
	struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_READ, .fd = -1};
	int buffer = heap_buffer(page_size());

	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NULL), ENOTTY);
	EXPECT_EQ(export.fd, -1);
	for (int i = 0; i < USAGES; i++)
		EXPECT_ERRNO(buffer_import_fence(buffer, -1, usages[i]), ENOTTY);
}

CASE(present, "fence.buffer.present", CATALOGUE("ESF-14"), CLASS(ABI),
     STATEMENT("A kernel that has sync_files knows both ioctls on every heap's buffers."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), SINCE("6.1"), NEEDS("heap sw_sync"))
{
	int buffer = heap_buffer(page_size()),
	    fence = MUST(timeline_fence(MUST(timeline_open()), 1));

	EXPECT_OK(buffer_export_fence(buffer, DMA_BUF_SYNC_READ));
	EXPECT_OK(buffer_import_fence(buffer, fence, DMA_BUF_SYNC_READ));
}

CASE(encodings, "fence.buffer.other-encodings", CATALOGUE("ESF-14"), CLASS(ABI),
     STATEMENT("The numbers of export and import with another size, direction or magic are "
	       "ENOTTY."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_ioctl()"), NEEDS("heap"))
{
	struct dma_buf_export_sync_file argument = {.flags = DMA_BUF_SYNC_READ, .fd = -1};
	int buffer = heap_buffer(page_size()), open = descriptors_open();

	for (unsigned int number = 2; number <= 3; number++) {
		EXPECT_ERRNO(ioctl(buffer, _IO(DMA_BUF_BASE, number), &argument), ENOTTY);
		EXPECT_ERRNO(ioctl(buffer, _IOR(DMA_BUF_BASE, number, argument), &argument),
			     ENOTTY);
		EXPECT_ERRNO(ioctl(buffer, _IOWR(DMA_BUF_BASE, number, uint32_t), &argument),
			     ENOTTY);
		EXPECT_ERRNO(ioctl(buffer, _IOWR('B', number, argument), &argument), ENOTTY);
	}
	EXPECT_ERRNO(ioctl(buffer, _IOW(DMA_BUF_BASE, 2, argument), &argument), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, _IOWR(DMA_BUF_BASE, 3, argument), &argument), ENOTTY);
	EXPECT_ERRNO(ioctl(buffer, _IOWR(DMA_BUF_BASE, 4, argument), &argument), ENOTTY);
	EXPECT_EQ(descriptors_open(), open);
}
