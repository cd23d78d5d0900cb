// SPDX-License-Identifier: MIT
/* module.c - heaps that come with a module. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "exporter.h"
#include "heap.h"

CASE(module_stays, "heap.node.module-stays", CATALOGUE("NAME-12"), CLASS(IMPL),
     STATEMENT("A heap's module cannot be unloaded, for a heap cannot be taken away again: EBUSY."),
     SOURCE("include/linux/dma-heap.h, which has no opposite of dma_heap_add(); "
	    "kernel/module/main.c: delete_module()"),
     NEEDS("heap:vendor root"))
{
	char module[64], line[512];

	if (!exporter_module(module, sizeof(module)))
		fp_skip("needs heap-module: no module is in use by a buffer of %s", fp_subject());
	/* Not tried where it would work: the heap would be gone for all cases after this one. */
	module_line(module, line, sizeof(line));
	if (!strstr(line, "[permanent]"))
		fp_failf(__FILE__, __LINE__, "/proc/modules", "[permanent]", "%s", line);
	EXPECT_ERRNO(module_unload(module), EBUSY);
	close(heap_buffer(page_size()));
}
