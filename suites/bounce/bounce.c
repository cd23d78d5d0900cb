// SPDX-License-Identifier: MIT
/* What a sync has to move, seen where devices have bounce buffers: docs/device.md says how. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounce.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "needs.h"

const char fp_suite_name[] = "bounce";

struct seen see_buffer(size_t bytes)
{
	struct seen seen = {.buffer = heap_buffer(bytes), .bytes = bytes, .copy = malloc(bytes)};

	seen.at = buffer_map(seen.buffer, bytes);
	EXPECT_TRUE(seen.copy);
	return seen;
}

void forget_buffer(struct seen *seen)
{
	buffer_unmap(seen->at, seen->bytes);
	free(seen->copy);
	MUST(close(seen->buffer));
}

/* Does the device see at once what the program writes? */
static void require_bounced(const struct seen *seen, uint32_t attachment)
{
	unsigned char before, after, own = seen->at[0];

	device_read(attachment, 0, &before, 1);
	seen->at[0] = (unsigned char)~before;
	device_read(attachment, 0, &after, 1);
	seen->at[0] = own;
	if (after != before)
		fp_skip("needs bounce: this heap's buffers are not bounced: a device sees at once "
			"what a program writes");
}

uint32_t see_device(const struct seen *seen, enum fencepost_direction direction)
{
	uint32_t attachment = device_with(seen->buffer, direction);

	require_bounced(seen, attachment);
	return attachment;
}

void write_cpu(const struct seen *seen, uint32_t seed)
{
	fill(seen->at, 0, seen->bytes, seed);
}

void write_device(const struct seen *seen, uint32_t attachment, uint32_t seed)
{
	fill(seen->copy, 0, seen->bytes, seed);
	device_write(attachment, 0, seen->copy, seen->bytes);
}

void bounce_sizes(size_t sizes[BOUNCE_SIZES], size_t system_kib)
{
	const bool system = !strcmp(fp_heap_kind(), "system");
	const size_t most = system ? system_kib * KIB : 252 * KIB;

	sizes[0] = page_size();
	sizes[1] = 3 * page_size();
	sizes[2] = device_room();
	sizes[3] = most - most % page_size();
	/* An odd page after whole chunks. */
	if (sizes[3] / page_size() % 2 == 0 && sizes[3] > page_size())
		sizes[3] -= page_size();
}

size_t pool_bytes(void)
{
	FILE *file = fopen("/sys/kernel/debug/swiotlb/io_tlb_nslabs", "re");
	unsigned long slots = 32768;

	if (file) {
		EXPECT_EQ(fscanf(file, "%lu", &slots), 1);
		fclose(file);
	}
	return slots * 2 * KIB;
}
