// SPDX-License-Identifier: MIT
/* What a driver held for a process goes when the process is killed. */
#include "child.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

static void take_all(void *of)
{
	const int buffer = *(const int *)of;

	device_attach(device_make(), buffer);
	device_with(buffer, FENCEPOST_BIDIRECTIONAL);
	device_with(buffer, FENCEPOST_TO_DEVICE);
	for (int i = 0; i < 3; i++)
		kernel_vmap(kernel_hold(buffer));
}

CASE(killed, "importer.killed", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT(
	     "A process that is killed while drivers have buffers attached, mapped and vmapped for "
	     "it leaves none of that behind."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_detach(), dma_buf_put(); kernel/exit.c: "
	    "exit_files()"),
     NEEDS("heap device vmap"))
{
	int buffer = heap_buffer(device_room());
	uint32_t held = kernel_hold(buffer);
	uint64_t references = kernel_state(held).references;
	pid_t child = child_keeping(take_all, &buffer);
	struct fencepost_state state = kernel_state(held);

	EXPECT_EQ(state.attachments, 3);
	EXPECT_TRUE(state.references >= references + 6);
	child_kill(child);
	state = kernel_state(held);
	EXPECT_EQ(state.attachments, 0);
	EXPECT_EQ(state.references, references);
}
