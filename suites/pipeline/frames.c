// SPDX-License-Identifier: MIT
/* Frames on their way: whoever comes next begins when the one before has signalled, and not before.
 */
#include <unistd.h>

#include "buffer-fence.h"
#include "fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "stage.h"

#define PIPELINE_SOURCE                                                                            \
	SOURCE("Documentation/driver-api/dma-buf.rst: Implicit Fence Poll Support, DMA Fences; "   \
	       "include/linux/dma-resv.h: dma_resv_usage_rw(); include/linux/dma-buf.h: "          \
	       "dma_buf_ops.map_dma_buf, unmap_dma_buf")

enum { FRAMES = 3, GPU_MS = 15, READER_MS = 8 };
#define MAPPED	 FENCEPOST_JOB_MAPS
#define IMPLICIT (FENCEPOST_JOB_IMPLICIT | FENCEPOST_JOB_MAPS)

/* What becomes of each drawing. */
struct outcome {
	int panel[FRAMES], stream[FRAMES];
};

static void expect_outcome(const struct pipeline *pipeline, const struct outcome *outcome,
			   uint32_t seed)
{
	for (int i = 0; i < FRAMES; i++) {
		fp_context("frame %d", i);
		EXPECT_FRAME(pipeline, outcome->panel[i], seed + (uint32_t)i,
			     changes[GPU] ^ changes[DISPLAY]);
		EXPECT_FRAME(pipeline, outcome->stream[i], seed + (uint32_t)i,
			     changes[GPU] ^ changes[ENCODER]);
	}
}

CASE(implicit, "pipeline.implicit", CATALOGUE("SYNC-14"), CLASS(ABI),
     STATEMENT("GPU, display and encoder that order themselves by the buffers' own fences pass on "
	       "every frame whole, through one frame buffer that is used again and again."),
     PIPELINE_SOURCE, NEEDS("heap device"))
{
	struct pipeline pipeline = pipeline_make();
	int frame = pipeline_buffer(&pipeline, 0);
	struct outcome outcome;

	/* All are queued before the first has begun. */
	for (int i = 0; i < FRAMES; i++) {
		int drawing = pipeline_buffer(&pipeline, 100 + (uint32_t)i);

		outcome.panel[i] = pipeline_buffer(&pipeline, 0);
		outcome.stream[i] = pipeline_buffer(&pipeline, 0);
		pipeline_queue(&pipeline,
			       (struct order){GPU, drawing, frame, IMPLICIT, -1, GPU_MS});
		pipeline_queue(&pipeline, (struct order){DISPLAY, frame, outcome.panel[i], IMPLICIT,
							 -1, READER_MS});
		pipeline_queue(&pipeline,
			       (struct order){ENCODER, frame, outcome.stream[i], IMPLICIT, -1, 0});
		MUST(close(drawing));
	}
	expect_outcome(&pipeline, &outcome, 100);
}

CASE(explicit, "pipeline.explicit", CATALOGUE("SF-08"), CLASS(ABI),
     STATEMENT("The same by sync_files that programs hand from driver to driver, those of both "
	       "readers merged for the GPU's next frame."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_create(), sync_file_merge(), "
	    "sync_file_get_fence()"),
     NEEDS("heap device"))
{
	struct pipeline pipeline = pipeline_make();
	int frame = pipeline_buffer(&pipeline, 0), free_again = -1;
	struct outcome outcome;

	for (int i = 0; i < FRAMES; i++) {
		int drawing = pipeline_buffer(&pipeline, 200 + (uint32_t)i), drawn, shown, coded;

		outcome.panel[i] = pipeline_buffer(&pipeline, 0);
		outcome.stream[i] = pipeline_buffer(&pipeline, 0);
		drawn = driver_fence_export(
			pipeline_queue(&pipeline, (struct order){GPU, drawing, frame, MAPPED,
								 free_again, GPU_MS}));
		shown = driver_fence_export(
			pipeline_queue(&pipeline, (struct order){DISPLAY, frame, outcome.panel[i],
								 MAPPED, drawn, READER_MS}));
		coded = driver_fence_export(
			pipeline_queue(&pipeline, (struct order){ENCODER, frame, outcome.stream[i],
								 MAPPED, drawn, 0}));
		free_again = MUST(fence_merge("frame-free", shown, coded));
		MUST(close(drawn));
		MUST(close(shown));
		MUST(close(coded));
	}
	fence_await(free_again);
	expect_outcome(&pipeline, &outcome, 200);
}

CASE(mixed, "pipeline.mixed", CATALOGUE("ESF-05"), CLASS(ABI),
     STATEMENT("Drivers of both kinds: an explicit GPU's fence, imported into the frame, holds an "
	       "implicit display; what the frame exports holds an explicit encoder."),
     SOURCE("include/uapi/linux/dma-buf.h: struct dma_buf_export_sync_file, struct "
	    "dma_buf_import_sync_file"),
     SINCE("6.1"), NEEDS("heap device fence-import"))
{
	struct pipeline pipeline = pipeline_make();
	int frame = pipeline_buffer(&pipeline, 0);
	struct outcome outcome;

	for (int i = 0; i < FRAMES; i++) {
		int drawing = pipeline_buffer(&pipeline, 300 + (uint32_t)i), drawn, before, coded;

		outcome.panel[i] = pipeline_buffer(&pipeline, 0);
		outcome.stream[i] = pipeline_buffer(&pipeline, 0);
		before = MUST(buffer_export_fence(frame, DMA_BUF_SYNC_WRITE));
		drawn = driver_fence_export(pipeline_queue(
			&pipeline, (struct order){GPU, drawing, frame, MAPPED, before, GPU_MS}));
		EXPECT_OK(buffer_import_fence(frame, drawn, DMA_BUF_SYNC_WRITE));
		pipeline_queue(&pipeline, (struct order){DISPLAY, frame, outcome.panel[i], IMPLICIT,
							 -1, READER_MS});
		MUST(close(drawn));
		drawn = MUST(buffer_export_fence(frame, DMA_BUF_SYNC_READ));
		coded = driver_fence_export(
			pipeline_queue(&pipeline, (struct order){ENCODER, frame, outcome.stream[i],
								 MAPPED, drawn, 0}));
		EXPECT_OK(buffer_import_fence(frame, coded, DMA_BUF_SYNC_READ));
		EXPECT_OK(buffer_import_fence(outcome.stream[i], coded, DMA_BUF_SYNC_WRITE));
		MUST(close(before));
		MUST(close(drawn));
		MUST(close(coded));
	}
	expect_outcome(&pipeline, &outcome, 300);
}

/* A driver that keeps its mappings: its job, and the attachments that are to be unmapped. */
static struct fencepost_job keep_mapped(const struct pipeline *pipeline, enum device_kind device,
					int from, int to)
{
	struct fencepost_job job = {
		.fence = driver_fence(),
		.flags = FENCEPOST_JOB_IMPLICIT,
		.from = device_attach(pipeline->device[device], from),
		.to = device_attach(pipeline->device[device], to),
		.length = pipeline->bytes,
		.wait = -1,
		.delay_ms = GPU_MS,
		.change = changes[device],
	};

	/* Both ways: a program's SYNC goes both ways as well, and must not differ from the mapping.
	 */
	MUST(device_map(job.from, FENCEPOST_BIDIRECTIONAL));
	MUST(device_map(job.to, FENCEPOST_BIDIRECTIONAL));
	return job;
}

CASE(program, "pipeline.program-between", CATALOGUE("SYNC-13"), CLASS(ABI),
     STATEMENT("A program that draws over half a frame, between START and END, after a GPU and "
	       "before a display that keep their mappings, finds the GPU's half and leaves the "
	       "display both."),
     PIPELINE_SOURCE, NEEDS("heap device"))
{
	struct pipeline pipeline = pipeline_make();
	int drawing = pipeline_buffer(&pipeline, 400), frame = pipeline_buffer(&pipeline, 0),
	    panel = pipeline_buffer(&pipeline, 0);
	unsigned char *at = buffer_map(frame, pipeline.bytes), *shown;
	size_t half = pipeline.bytes / 2 + 5;
	struct fencepost_job job = keep_mapped(&pipeline, GPU, drawing, frame);

	MUST(driver_job(job));
	EXPECT_FRAME(&pipeline, frame, 400, changes[GPU]);
	device_unmap(job.to);
	job = keep_mapped(&pipeline, DISPLAY, frame, panel);
	MUST(buffer_sync(frame, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	fill(at, 0, half, 401);
	MUST(buffer_sync(frame, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
	MUST(driver_job(job));
	fence_await(driver_fence_export(job.fence));
	shown = buffer_map(panel, pipeline.bytes);
	MUST(buffer_sync(panel, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	for (size_t i = 0; i < pipeline.bytes; i++)
		shown[i] ^= (unsigned char)(i < half ? changes[DISPLAY]
						     : changes[DISPLAY] ^ changes[GPU]);
	EXPECT_FILLED(shown, 0, half, 401);
	EXPECT_FILLED(shown + half, half, pipeline.bytes - half, 400);
}

CASE(failed, "pipeline.failed", CATALOGUE("ESF-12"), CLASS(IMPL),
     STATEMENT("A GPU that fails ends its fence with an error, and keeps nobody waiting: the "
	       "display shows what was in the frame."),
     PIPELINE_SOURCE, NEEDS("heap device"))
{
	struct pipeline pipeline = pipeline_make();
	int drawing = pipeline_buffer(&pipeline, 500), frame = pipeline_buffer(&pipeline, 501),
	    panel = pipeline_buffer(&pipeline, 0), drawn;
	uint32_t gpu = pipeline_queue(&pipeline, (struct order){GPU, drawing, frame, IMPLICIT, -1,
								FENCEPOST_MAX_DELAY_MS});

	drawn = driver_fence_export(gpu);
	pipeline_queue(&pipeline, (struct order){DISPLAY, frame, panel, IMPLICIT, -1, READER_MS});
	EXPECT_OK(driver_fence_signal(gpu, EIO));
	EXPECT_EQ(fence_status(drawn), -EIO);
	EXPECT_FRAME(&pipeline, panel, 501, changes[DISPLAY]);
}
