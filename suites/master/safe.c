// SPDX-License-Identifier: MIT
/* What the module refuses, asked for by mistake; a bus master is one process's at a time. */
#include <errno.h>
#include <unistd.h>

#include "child.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

static int claim(struct fencepost_master *wanted)
{
	return device_ioctl(FENCEPOST_IOC_MASTER_CLAIM, wanted);
}

static int stray(uint32_t attachment, uint64_t offset, uint64_t bytes, void *data)
{
	struct fencepost_transfer wanted = {
		.id = attachment, .offset = offset, .length = bytes, .data = (uintptr_t)data};

	return device_ioctl(FENCEPOST_IOC_STRAY_READ, &wanted);
}

CASE(refused, "master.refused", CATALOGUE("LIFE-10"), CLASS(IMPL),
     STATEMENT("The module refuses a bus master that somebody has, what no device could do, and to "
	       "go astray where nothing would stop it."),
     SOURCE("guest/modules/device/fencepost_device.h"), NEEDS("heap device master"))
{
	struct fencepost_master master = {.flags = 1};
	uint32_t attachment, played;
	char data[8];

	EXPECT_ERRNO(claim(&master), EINVAL);
	master.flags = 0;
	EXPECT_OK(claim(&master));
	EXPECT_ERRNO(claim(&(struct fencepost_master){}), EBUSY);
	attachment = device_attach(master.device, heap_buffer(32 * page_size()));
	/* Never mapped, mapped, and far beyond it. */
	EXPECT_ERRNO(stray(attachment, 0, sizeof(data), data), EINVAL);
	MUST(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	EXPECT_ERRNO(stray(attachment, 0, sizeof(data), data), EBUSY);
	EXPECT_ERRNO(stray(attachment, page_size(), sizeof(data), data), EINVAL);
	EXPECT_ERRNO(stray(attachment, UINT64_MAX, sizeof(data), data), EINVAL);
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_DEVICE_READ,
				  &(struct fencepost_transfer){
					  .id = attachment,
					  .length = FENCEPOST_MAX_MASTER_TRANSFER + 1,
					  .data = (uintptr_t)data}),
		     EINVAL);
	device_unmap(attachment);
	if (!device_masters_translated())
		EXPECT_ERRNO(stray(attachment, 0, sizeof(data), data), EPERM);
	EXPECT_ERRNO(stray(attachment + 1, 0, sizeof(data), data), ENOENT);
	played = device_with(heap_buffer(page_size()), FENCEPOST_BIDIRECTIONAL);
	device_unmap(played);
	EXPECT_ERRNO(stray(played, 0, sizeof(data), data), EINVAL);
	device_detach(attachment);
	device_destroy(master.device);
	EXPECT_OK(claim(&master));
}

static void claim_and_map(void *of)
{
	const int buffer = *(const int *)of;

	MUST(device_map(device_attach(device_claim(), buffer), FENCEPOST_BIDIRECTIONAL));
}

CASE(killed, "master.killed", CATALOGUE("LIFE-10"), CLASS(ABI),
     STATEMENT("A bus master whose owner is killed while it has a buffer mapped is free again, and "
	       "nothing of the buffer's is left."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_detach(), dma_buf_put(); kernel/exit.c: "
	    "exit_files()"),
     NEEDS("heap device master"))
{
	int buffer = heap_buffer(page_size());
	uint32_t held = kernel_hold(buffer);
	pid_t child = child_keeping(claim_and_map, &buffer);

	EXPECT_EQ(kernel_state(held).attachments, 1);
	EXPECT_ERRNO(claim(&(struct fencepost_master){}), EBUSY);
	child_kill(child);
	EXPECT_EQ(kernel_state(held).attachments, 0);
	device_destroy(device_claim());
}
