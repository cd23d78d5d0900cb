// SPDX-License-Identifier: MIT
/* The exporter's code stays as long as its buffers. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "exporter.h"
#include "heap.h"
#include "ktap.h"
#include "played-exporter.h"

#define MODULE "fencepost_device"

CASE(pinned, "exporter.module-pinned", CATALOGUE("LIFE-08"), CLASS(ABI),
     STATEMENT("The exporter's module cannot be unloaded while a buffer of it is there, whoever "
	       "made it is long gone: EWOULDBLOCK. The last one's end lets go of it."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export(), dma_buf_release(); kernel/module: "
	    "delete_module()"),
     NEEDS("device root"))
{
	struct fencepost_export one = {.size = page_size()}, other = one;
	int node = MUST(open(FENCEPOST_NODE, O_RDWR | O_CLOEXEC));
	int before = module_references(MODULE);

	MUST(ioctl(node, (int)FENCEPOST_IOC_EXPORT, &one));
	EXPECT_EQ(module_references(MODULE), before + 1);
	MUST(ioctl(node, (int)FENCEPOST_IOC_EXPORT, &other));
	EXPECT_EQ(module_references(MODULE), before + 2);
	MUST(close(node));
	EXPECT_EQ(module_references(MODULE), before + 1);
	MUST(close(one.fd));
	EXPECT_EQ(module_references(MODULE), before);
	/* Only what is left of it keeps the module now. */
	EXPECT_ERRNO(module_unload(MODULE), EWOULDBLOCK);
	buffer_unmap(buffer_map(other.fd, page_size()), page_size());
	MUST(close(other.fd));
	EXPECT_EQ(module_references(MODULE), before - 1);
}
