// SPDX-License-Identifier: MIT
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "buffer-fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "stage.h"

const char fp_suite_name[] = "pipeline";

#define PATIENCE_MS 8000
/* Moved byte by byte, and in every case several times. */
#define MOST_BYTES (384 * KIB)

const uint32_t changes[DEVICES] = {[GPU] = 0x11, [DISPLAY] = 0x22, [ENCODER] = 0x44};

struct pipeline pipeline_make(void)
{
	struct pipeline pipeline = {.bytes = device_room()};

	if (pipeline.bytes > MOST_BYTES)
		pipeline.bytes = MOST_BYTES;

	for (int i = 0; i < DEVICES; i++)
		pipeline.device[i] = device_make();
	return pipeline;
}

int pipeline_buffer(const struct pipeline *pipeline, uint32_t seed)
{
	int buffer = heap_buffer(pipeline->bytes);
	void *at;

	if (!seed)
		return buffer;
	at = buffer_map(buffer, pipeline->bytes);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	fill(at, 0, pipeline->bytes, seed);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	buffer_unmap(at, pipeline->bytes);
	return buffer;
}

uint32_t pipeline_queue(const struct pipeline *pipeline, struct order order)
{
	const uint32_t device = pipeline->device[order.device];
	struct fencepost_job job = {
		.fence = driver_fence(),
		.flags = order.flags,
		.from = device_attach(device, order.from),
		.to = device_attach(device, order.to),
		.length = pipeline->bytes,
		.wait = order.wait,
		.delay_ms = order.delay_ms,
		.change = changes[order.device],
	};

	EXPECT_OK(driver_job(job));
	return job.fence;
}

static void await(int descriptor)
{
	struct pollfd polled = {.fd = descriptor, .events = POLLIN};

	EXPECT_EQ(MUST(poll(&polled, 1, PATIENCE_MS)), 1);
	EXPECT_EQ(polled.revents, POLLIN);
}

void fence_await(int fence)
{
	await(fence);
	MUST(close(fence));
}

void pipeline_check(const char *file, int line, const char *expression,
		    const struct pipeline *pipeline, int buffer, uint32_t seed, uint32_t change)
{
	unsigned char *at = buffer_map(buffer, pipeline->bytes), *copy = malloc(pipeline->bytes);

	EXPECT_TRUE(copy);
	await(buffer);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	for (size_t i = 0; i < pipeline->bytes; i++)
		copy[i] = (unsigned char)(at[i] ^ change);
	MUST(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	check_filled(file, line, expression, copy, 0, pipeline->bytes, seed);
	free(copy);
	buffer_unmap(at, pipeline->bytes);
}
