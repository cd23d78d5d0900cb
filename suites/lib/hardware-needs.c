// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "hardware-needs.h"
#include "played-device.h"
#include "tree-regions.h"

bool hardware_has_master(char *why, size_t size)
{
	if (!device_there(why, size))
		return false;
	if (device_masters())
		return true;
	snprintf(why, size, "no bus master is there (devices: [edu] of a machine)");
	return false;
}

bool hardware_has_iommu(char *why, size_t size)
{
	if (!hardware_has_master(why, size))
		return false;
	if (device_masters_translated())
		return true;
	snprintf(why, size, "no IOMMU stands before this machine's devices");
	return false;
}

bool hardware_has_regions(char *why, size_t size)
{
	struct tree_regions regions;

	tree_regions_read(&regions);
	if (regions.count)
		return true;
	snprintf(why, size, "no device tree here has reusable regions");
	return false;
}

/* Does a line of the file match? */
static bool has_line(const char *path, bool (*matches)(const char *line))
{
	FILE *file = fopen(path, "re");
	char line[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = matches(line);
	if (file)
		fclose(file);
	return found;
}

static bool is_far_memory(const char *line)
{
	unsigned long long first, last;

	return sscanf(line, "%llx-%llx : System RAM", &first, &last) == 2 &&
	       strstr(line, "System RAM") && last > UINT32_MAX;
}

static bool is_zone_of_32_bits(const char *line)
{
	return strstr(line, "zone") && strstr(line, "DMA32");
}

bool hardware_has_near(char *why, size_t size)
{
	if (!has_line("/proc/iomem", is_far_memory) ||
	    has_line("/proc/zoneinfo", is_zone_of_32_bits))
		return true;
	snprintf(why, size, "the kernel has no zone of memory for devices of 32 bits");
	return false;
}

bool hardware_has_far(char *why, size_t size)
{
	if (has_line("/proc/iomem", is_far_memory))
		return hardware_has_near(why, size);
	snprintf(why, size, "no memory lies beyond 4 GiB (memoryMiB of a machine)");
	return false;
}
