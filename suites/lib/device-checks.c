// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "device-checks.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

const enum fencepost_direction directions[DIRECTIONS] = {
	FENCEPOST_BIDIRECTIONAL, FENCEPOST_TO_DEVICE, FENCEPOST_FROM_DEVICE};

void expect_round_trips(int buffer)
{
	uint32_t held = kernel_hold(buffer), device = device_make();
	uint64_t references = kernel_state(held).references;

	EXPECT_EQ(kernel_state(held).attachments, 0);
	for (int i = 0; i < 2 * DIRECTIONS; i++) {
		uint32_t attachment = device_attach(device, buffer);

		fp_context("direction %d", directions[i % DIRECTIONS]);
		EXPECT_EQ(kernel_state(held).attachments, 1);
		for (int again = 0; again < 2; again++) {
			EXPECT_OK(device_map(attachment, directions[i % DIRECTIONS]));
			device_unmap(attachment);
		}
		device_detach(attachment);
		EXPECT_EQ(kernel_state(held).attachments, 0);
	}
	EXPECT_EQ(kernel_state(held).references, references);
	kernel_let_go(held);
	device_destroy(device);
}

void expect_covers(uint32_t attachment, size_t bytes)
{
	struct fencepost_segment *segments;
	uint32_t count = device_segments(attachment, &segments);
	uint64_t covered = 0;

	for (uint32_t at = 0; at < count; at++) {
		EXPECT_TRUE(segments[at].length > 0);
		EXPECT_EQ(segments[at].address % page_size(), 0);
		EXPECT_EQ(segments[at].length % page_size(), 0);
		covered += segments[at].length;
		for (uint32_t other = 0; other < at; other++)
			EXPECT_TRUE(segments[at].address >=
					    segments[other].address + segments[other].length ||
				    segments[other].address >=
					    segments[at].address + segments[at].length);
	}
	EXPECT_EQ(covered, bytes);
	free(segments);
}
