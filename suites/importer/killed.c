// SPDX-License-Identifier: MIT
/* What a driver held for a process goes when the process is killed. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap.h"
#include "ktap.h"
#include "played-device.h"

CASE(killed, "importer.killed", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT(
	     "A process that is killed while drivers have buffers attached, mapped and vmapped for "
	     "it leaves none of that behind."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_detach(), dma_buf_put(); kernel/exit.c: "
	    "exit_files()"),
     NEEDS("heap device vmap"))
{
	int buffer = heap_buffer(device_room()), ready[2];
	uint32_t held = kernel_hold(buffer);
	uint64_t references = kernel_state(held).references;
	struct fencepost_state state;
	char byte;
	pid_t child;

	MUST(pipe(ready));
	child = MUST(fork());
	if (!child) {
		device_attach(device_make(), buffer);
		device_with(buffer, FENCEPOST_BIDIRECTIONAL);
		device_with(buffer, FENCEPOST_TO_DEVICE);
		for (int i = 0; i < 3; i++)
			kernel_vmap(kernel_hold(buffer));
		MUST(write(ready[1], "x", 1));
		for (;;)
			pause();
	}
	MUST(close(ready[1]));
	EXPECT_EQ(MUST(read(ready[0], &byte, 1)), 1);
	state = kernel_state(held);
	EXPECT_EQ(state.attachments, 3);
	EXPECT_TRUE(state.references >= references + 6);
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
	state = kernel_state(held);
	EXPECT_EQ(state.attachments, 0);
	EXPECT_EQ(state.references, references);
}
