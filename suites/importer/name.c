// SPDX-License-Identifier: MIT
/* Naming a buffer that a device is attached to. */
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "fdinfo.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"

/* 0, or the errno. */
static int name(int buffer, const char *text)
{
	return raw_ioctl(buffer, DMA_BUF_SET_NAME_B, text) ? errno : 0;
}

CASE(attached, "importer.name-attached", CATALOGUE("SETN-07"), CLASS(ABI),
     STATEMENT("A buffer is named while devices are attached to it, mapped or not; up to 5.10 that "
	       "is EBUSY until the last is detached, and the name stays what it was."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_set_name()"), NEEDS("heap device"),
     EXPECTED({NULL, "5.10", EBUSY}, {"5.11", NULL, 0}))
{
	int buffer = heap_buffer(page_size()), expected = (int)fp_expected();
	uint32_t first = device_attach(device_make(), buffer),
		 second = device_attach(device_make(), buffer);
	struct fdinfo info;

	EXPECT_EQ(name(buffer, "attached"), expected);
	MUST(device_map(first, FENCEPOST_BIDIRECTIONAL));
	EXPECT_EQ(name(buffer, "mapped"), expected);
	fdinfo_read(buffer, &info);
	EXPECT_STR(info.name, expected ? "" : "mapped");
	device_unmap(first);
	device_detach(first);
	EXPECT_EQ(name(buffer, "one"), expected);
	device_detach(second);
	EXPECT_EQ(name(buffer, "free"), 0);
	fdinfo_read(buffer, &info);
	EXPECT_STR(info.name, "free");
}
