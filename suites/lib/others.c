// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "others.h"

void others_fill(size_t bytes, uint32_t seed)
{
	int buffers[OTHERS];

	/* All at once, so that none is given what another has just given back. */
	for (int i = 0; i < OTHERS; i++) {
		unsigned char *at;

		buffers[i] = heap_buffer(bytes);
		at = buffer_map(buffers[i], bytes);
		fill(at, 0, bytes, seed);
		buffer_unmap(at, bytes);
	}
	for (int i = 0; i < OTHERS; i++)
		MUST(close(buffers[i]));
}
