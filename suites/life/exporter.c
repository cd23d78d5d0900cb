// SPDX-License-Identifier: MIT
/* exporter.c - the module that buffers come from lives as long as they do. */
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "cma-area.h"
#include "exporter.h"
#include "heap.h"

CASE(exporter_pinned, "life.exporter-pinned", CATALOGUE("LIFE-08"), CLASS(ABI),
     STATEMENT(
	     "Each buffer, by its descriptor or a mapping, holds the module that exports it once, "
	     "and lets it go."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_export(), try_module_get(); dma_buf_release()"),
     NEEDS("heap:vendor root"))
{
	char module[64];
	int fds[3], before;
	void *at;

	/* A heap of a region in the device tree comes from the kernel's own driver. */
	if (cma_area_exists(fp_subject()) || !modules_from_elsewhere())
		fp_skip("needs heap-module: %s comes from no module", fp_subject());
	if (!exporter_module(module, sizeof(module)))
		fp_fail(__FILE__, __LINE__, "a module's reference count, with a buffer", "one more",
			"none has risen: the exporter names no owner");
	before = module_references(module);
	for (int i = 0; i < 3; i++) {
		fds[i] = heap_buffer(page_size());
		EXPECT_EQ(module_references(module), before + i + 1);
	}
	/* It has buffers, or cannot be unloaded at all. */
	EXPECT_EQ(module_unload(module), -1);
	at = buffer_map(fds[0], page_size());
	for (int i = 0; i < 3; i++)
		MUST(close(fds[i]));
	EXPECT_EQ(module_references(module), before + 1);
	buffer_unmap(at, page_size());
	EXPECT_EQ(module_references(module), before);
}
