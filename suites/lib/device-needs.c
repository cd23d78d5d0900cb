// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "device-needs.h"
#include "played-device.h"
#include "played-exporter.h"

/* Has the kernel what the module's header calls `feature`? Asked of a device that is there. */
static bool kernel_can(uint32_t feature, const char *lacks, char *why, size_t size)
{
	if (!device_there(why, size))
		return false;
	if (device_can(feature))
		return true;
	snprintf(why, size, "%s", lacks);
	return false;
}

bool have_dmabuf_debug(char *why, size_t size)
{
	return kernel_can(FENCEPOST_HIDES_PAGES, "the kernel was built without CONFIG_DMABUF_DEBUG",
			  why, size);
}

bool have_kept_mappings(char *why, size_t size)
{
	return kernel_can(FENCEPOST_KEEPS_MAPPINGS, "the core keeps no mappings for an exporter",
			  why, size);
}

bool have_heap_adding(char *why, size_t size)
{
	return kernel_can(FENCEPOST_ADDS_HEAPS, "the kernel does not export dma_heap_add()", why,
			  size);
}
