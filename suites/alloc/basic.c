// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "descriptors.h"
#include "fdinfo.h"
#include "heap.h"

const char fp_suite_name[] = "alloc";

static const uint32_t access_modes[] = {O_RDONLY, O_WRONLY, O_RDWR};

CASE(basic, "heap.alloc.basic", CATALOGUE("ALLOC-01"), CLASS(ABI),
     STATEMENT("An allocation with O_RDWR | O_CLOEXEC and no flags gives one new dma-buf."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate()"), NEEDS("heap dma-heap"))
{
	const size_t sizes[] = {page_size(), 3 * page_size(), MIB};
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct dma_heap_allocation_data data = {
			.len = sizes[i],
			.fd_flags = O_RDWR | O_CLOEXEC,
		};
		int open_before = descriptors_open();
		int fd = next_descriptor();

		fp_context("len %zu", sizes[i]);
		EXPECT_EQ(EXPECT_OK(heap_ioctl(heap, &data)), 0);
		EXPECT_EQ(data.fd, fd);
		EXPECT_EQ(descriptors_open(), open_before + 1);
		EXPECT_TRUE(is_dmabuf(fd));
		EXPECT_EQ(buffer_size(fd), sizes[i]);
		/* The rest of the argument comes back as it went. */
		EXPECT_EQ(data.len, sizes[i]);
		EXPECT_EQ(data.fd_flags, O_RDWR | O_CLOEXEC);
		EXPECT_EQ(data.heap_flags, 0);
	}
}

CASE(access_mode, "heap.alloc.access-mode", CATALOGUE("ALLOC-09"), CLASS(ABI),
     STATEMENT("The new file's access mode is the one asked for in fd_flags."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_getfile()"), NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(access_modes) / sizeof(access_modes[0]); i++) {
		int fd = EXPECT_OK(heap_allocate(heap, page_size(), access_modes[i], 0));

		EXPECT_EQ(fcntl(fd, F_GETFL) & ACCESS_MODE, access_modes[i]);
	}
}

CASE(cloexec, "heap.alloc.cloexec", CATALOGUE("ALLOC-10"), CLASS(ABI),
     STATEMENT("The new descriptor is close-on-exec if and only if O_CLOEXEC was asked for."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate(); "
	    "Documentation/driver-api/dma-buf.rst: Userspace Interface Notes"),
     NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(access_modes) / sizeof(access_modes[0]); i++) {
		uint32_t mode = access_modes[i];
		int fd;

		fp_context("access mode %u", mode);
		fd = EXPECT_OK(heap_allocate(heap, page_size(), mode | O_CLOEXEC, 0));
		EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		fd = EXPECT_OK(heap_allocate(heap, page_size(), mode, 0));
		EXPECT_EQ(fcntl(fd, F_GETFD), 0);
	}
}

CASE(status_flags, "heap.alloc.status-flags", CATALOGUE("ALLOC-11"), CLASS(IMPL),
     STATEMENT("F_GETFL of the new file shows the access mode and nothing else."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_getfile()"), NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);

	for (size_t i = 0; i < sizeof(access_modes) / sizeof(access_modes[0]); i++) {
		uint32_t flags = access_modes[i] | O_CLOEXEC;
		int fd = EXPECT_OK(heap_allocate(heap, page_size(), flags, 0));

		EXPECT_EQ(fcntl(fd, F_GETFL), access_modes[i]);
	}
}

CASE(node_access, "heap.alloc.node-access-mode", CATALOGUE("ALLOC-20"), CLASS(IMPL),
     STATEMENT(
	     "A heap's node opened O_RDONLY or O_WRONLY allocates as well, writable buffers too."),
     SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_ioctl_allocate(), which looks at no f_mode"),
     NEEDS("heap"))
{
	const int node_modes[] = {O_RDONLY, O_WRONLY};

	for (size_t i = 0; i < sizeof(node_modes) / sizeof(node_modes[0]); i++) {
		int heap = heap_open(node_modes[i]);
		volatile char *at;
		int fd;

		fp_context("node opened with access mode %d", node_modes[i]);
		fd = EXPECT_OK(heap_allocate(heap, page_size(), O_RDWR | O_CLOEXEC, 0));
		at = buffer_map(fd, page_size());
		at[0] = 0x5a;
		EXPECT_EQ(at[0], 0x5a);
	}
}

CASE(access_mode_3, "heap.alloc.access-mode-3", CATALOGUE("ALLOC-22"), CLASS(QUIRK),
     STATEMENT("Access mode 3 is accepted and gives a file that can be neither read nor written."),
     SOURCE("drivers/dma-buf/dma-heap.c: DMA_HEAP_VALID_FD_FLAGS; include/linux/fs.h: "
	    "OPEN_FMODE(); "
	    "mm/mmap.c: do_mmap()"),
     NEEDS("heap dma-heap"))
{
	int heap = heap_open(O_RDWR);
	int fd = EXPECT_OK(heap_allocate(heap, page_size(), ACCESS_MODE | O_CLOEXEC, 0));

	EXPECT_EQ(fcntl(fd, F_GETFL) & ACCESS_MODE, ACCESS_MODE);
	EXPECT_ERRNO(mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0), EACCES);
	EXPECT_ERRNO(mmap(NULL, page_size(), PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
	EXPECT_ERRNO(mmap(NULL, page_size(), PROT_NONE, MAP_SHARED, fd, 0), EACCES);
	EXPECT_EQ(buffer_size(fd), page_size());
}
