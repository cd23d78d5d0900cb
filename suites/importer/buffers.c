// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "buffers.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"

#define OTHERS 4

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
