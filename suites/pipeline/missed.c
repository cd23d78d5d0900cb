// SPDX-License-Identifier: MIT
/* What is missed is seen: the other cases would fail if a fence or a sync did nothing. */
#include <stdlib.h>
#include <unistd.h>

#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "stage.h"

enum { GPU_MS = 60 };

CASE(wait, "pipeline.missed-wait", CATALOGUE("SYNC-09"), CLASS(IMPL),
     STATEMENT("A display that does not wait for the GPU's fence shows what was in the frame "
	       "before."),
     SOURCE("docs/device.md: Fences and jobs"), NEEDS("heap device"))
{
	struct pipeline pipeline = pipeline_make();
	int drawing = pipeline_buffer(&pipeline, 600), frame = pipeline_buffer(&pipeline, 601),
	    panel = pipeline_buffer(&pipeline, 0);
	uint32_t gpu = pipeline_queue(&pipeline,
				      (struct order){GPU, drawing, frame,
						     FENCEPOST_JOB_IMPLICIT | FENCEPOST_JOB_MAPS,
						     -1, FENCEPOST_MAX_DELAY_MS});

	fence_await(driver_fence_export(pipeline_queue(
		&pipeline, (struct order){DISPLAY, frame, panel, FENCEPOST_JOB_MAPS, -1, 0})));
	EXPECT_OK(driver_fence_signal(gpu, 0));
	EXPECT_FRAME(&pipeline, panel, 601, changes[DISPLAY]);
	EXPECT_FRAME(&pipeline, frame, 600, changes[GPU]);
}

CASE(sync, "pipeline.missed-sync", CATALOGUE("SYNC-09"), CLASS(IMPL),
     STATEMENT(
	     "A display that keeps its mapping, and is given no sync after the GPU's fence, shows "
	     "what was in the frame before."),
     SOURCE("kernel/dma/swiotlb.c: swiotlb_bounce()"), NEEDS("heap device bounce"))
{
	struct pipeline pipeline = pipeline_make();
	int drawing = pipeline_buffer(&pipeline, 700), frame = pipeline_buffer(&pipeline, 701),
	    panel = pipeline_buffer(&pipeline, 0), drawn;
	unsigned char *at;
	struct fencepost_job show = {
		.from = device_attach(pipeline.device[DISPLAY], frame),
		.to = device_attach(pipeline.device[DISPLAY], panel),
		.length = pipeline.bytes,
		.change = changes[DISPLAY],
	};

	MUST(device_map(show.from, FENCEPOST_TO_DEVICE));
	MUST(device_map(show.to, FENCEPOST_BIDIRECTIONAL));
	drawn = driver_fence_export(pipeline_queue(
		&pipeline,
		(struct order){GPU, drawing, frame, FENCEPOST_JOB_IMPLICIT | FENCEPOST_JOB_MAPS, -1,
			       GPU_MS}));
	show.fence = driver_fence();
	show.wait = drawn;
	MUST(driver_job(show));
	fence_await(driver_fence_export(show.fence));
	EXPECT_FRAME(&pipeline, panel, 701, changes[DISPLAY]);
	/* The GPU had signalled and given its mapping back: it was there to be had. Looked at
	 * without a sync, which would bring back what the display's mapping has. */
	at = buffer_map(frame, pipeline.bytes);
	for (size_t i = 0; i < pipeline.bytes; i++)
		at[i] ^= (unsigned char)changes[GPU];
	EXPECT_FILLED(at, 0, pipeline.bytes, 700);
}
