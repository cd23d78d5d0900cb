// SPDX-License-Identifier: MIT
/* DMA_BUF_IOCTL_SYNC of an ION buffer: START maps it into the kernel, END undoes that. */
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "buffer-fence.h"
#include "device.h"
#include "heap.h"
#include "holdings.h"
#include "ktap.h"
#include "memory.h"
#include "played-device.h"

#define START_RW  (DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW)
#define END_RW	  (DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW)
#define LOG_BYTES (1 << 18)
#define ACCESS                                                                                     \
	ION_SOURCE("ion_buffer_kmap_get(), ion_buffer_kmap_put(), ion_buffer_destroy()"),          \
		UNTIL("5.10"), NEEDS("ion debugfs root")

/* How many mappings of a whole buffer of ours, and the guard page after it, the kernel has. */
static int kernel_mappings(void)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	char line[256];
	int count = 0;

	EXPECT_TRUE(file != NULL);
	while (fgets(line, sizeof(line), file)) {
		unsigned long long bytes;

		count += strstr(line, "ion_heap_map_kernel") &&
			 sscanf(line, "%*s %llu", &bytes) == 1 && bytes == MIB + page_size();
	}
	fclose(file);
	return count;
}

static bool logged(const char *text)
{
	static char log[LOG_BYTES];
	int length = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof(log) - 1);

	EXPECT_TRUE(length > 0);
	log[length] = '\0';
	return strstr(log, text) != NULL;
}

static int buffer_of(const char *name)
{
	int ion = ion_open();
	int fd = EXPECT_OK(ion_allocate(ion, MIB, ion_mask(ion, name), ION_CACHED));

	MUST(close(ion));
	return fd;
}

CASE(balanced, "ion.access.balanced", CATALOGUE("ION-08"), CLASS(QUIRK),
     STATEMENT("START maps the whole buffer into the kernel, once however often it comes; the last "
	       "END "
	       "of as many unmaps it."),
     ACCESS)
{
	int fd = buffer_of(ION_SYSTEM_HEAP), before = kernel_mappings();

	for (int i = 0; i < 3; i++) {
		EXPECT_OK(buffer_sync(fd, START_RW));
		EXPECT_EQ(kernel_mappings(), before + 1);
	}
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(buffer_sync(fd, END_RW));
		EXPECT_EQ(kernel_mappings(), before + 1);
	}
	EXPECT_OK(buffer_sync(fd, END_RW));
	EXPECT_EQ(kernel_mappings(), before);
}

CASE(end_first, "ion.access.end-first", CATALOGUE("ION-08"), CLASS(QUIRK),
     STATEMENT("An END without a START succeeds, and takes the next START's mapping: that one maps "
	       "nothing."),
     ACCESS)
{
	int fd = buffer_of(ION_SYSTEM_HEAP), before = kernel_mappings();

	EXPECT_OK(buffer_sync(fd, END_RW));
	EXPECT_OK(buffer_sync(fd, START_RW));
	EXPECT_EQ(kernel_mappings(), before);
	/* Balanced again. */
	EXPECT_OK(buffer_sync(fd, START_RW));
	EXPECT_EQ(kernel_mappings(), before + 1);
	EXPECT_OK(buffer_sync(fd, END_RW));
	EXPECT_EQ(kernel_mappings(), before);
}

CASE(start_last, "ion.access.start-last", CATALOGUE("ION-08"), CLASS(QUIRK),
     STATEMENT("A buffer that is closed after a START without END is freed, mapping and all, and "
	       "the kernel says that it was still mapped."),
     ACCESS)
{
	struct holdings holdings = holdings_now();
	int before = kernel_mappings();
	int fd = buffer_of(ION_CONTIG_HEAP);

	EXPECT_OK(buffer_sync(fd, START_RW));
	EXPECT_EQ(kernel_mappings(), before + 1);
	MUST(close(fd));
	EXPECT_HOLDINGS_BACK(&holdings);
	EXPECT_EQ(kernel_mappings(), before);
	/* Said once in the kernel's life. */
	EXPECT_TRUE(logged("buffer still mapped in the kernel"));
}

CASE(no_vmap, "ion.access.no-vmap", CATALOGUE("ION-10"), CLASS(IMPL),
     STATEMENT("The kernel cannot map a buffer with dma_buf_vmap(), for which ION has no function: "
	       "it "
	       "is refused, and START maps the buffer all the same."),
     ION_SOURCE("dma_buf_ops"), UNTIL("5.10"), NEEDS("ion device debugfs root"))
{
	int fd = buffer_of(ION_SYSTEM_HEAP), before = kernel_mappings();
	struct fencepost_vmap wanted = {.buffer = kernel_hold(fd)};

	/* The core returns NULL, which the module passes on as ENOMEM. */
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_VMAP, &wanted), ENOMEM);
	EXPECT_EQ(kernel_mappings(), before);
	EXPECT_EQ(kernel_begin_access(wanted.buffer, FENCEPOST_BIDIRECTIONAL), 0);
	EXPECT_EQ(kernel_mappings(), before + 1);
	EXPECT_EQ(kernel_end_access(wanted.buffer, FENCEPOST_BIDIRECTIONAL), 0);
	EXPECT_EQ(kernel_mappings(), before);
	kernel_let_go(wanted.buffer);
}
