// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <unistd.h>

#include "buffers.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

#define OTHERS 4

uint64_t *buffer_pages(int buffer, size_t bytes)
{
	uint32_t held = kernel_hold(buffer), count = (uint32_t)(bytes / page_size());
	uint64_t *pages = calloc(count, sizeof(*pages));

	EXPECT_TRUE(pages);
	kernel_vmap(held);
	kernel_pages(held, pages, count);
	kernel_vunmap(held);
	kernel_let_go(held);
	return pages;
}

void others_fill(size_t bytes, uint32_t seed)
{
	for (int i = 0; i < OTHERS; i++) {
		int buffer = heap_buffer(bytes);
		unsigned char *at = buffer_map(buffer, bytes);

		fill(at, 0, bytes, seed);
		buffer_unmap(at, bytes);
		MUST(close(buffer));
	}
}
