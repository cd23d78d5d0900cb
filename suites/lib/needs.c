// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "compat32.h"
#include "device-needs.h"
#include "played-device.h"
#include "kernel-parts.h"
#include "heap.h"
#include "ion.h"
#include "memory.h"
#include "hardware-needs.h"
#include "needs.h"
#include "tree-regions.h"
#include "vkms.h"

#define NEED_MAX 32

/* The names that upstream has given the heap of the default CMA area, by kernel and by device tree.
 */
static const char *const cma_names[] = {"reserved", "default_cma_region", "linux,cma",
					"default-pool"};

const char *fp_heap_kind(void)
{
	const char *kind = getenv("FENCEPOST_HEAP_KIND");

	if (ion_subject())
		return "ion";
	if (kind && *kind)
		return kind;
	if (!strcmp(fp_subject(), "system"))
		return "system";
	for (size_t i = 0; i < sizeof(cma_names) / sizeof(cma_names[0]); i++)
		if (!strcmp(fp_subject(), cma_names[i]))
			return "cma";
	/* Since 7.2 the regions of the device tree are heaps, too. */
	return tree_region_exists(fp_subject()) ? "cma" : "vendor";
}

/* Does `path` exist? `why` names it when it does not. */
static bool exists(const char *path, char *why, size_t size)
{
	if (access(path, F_OK) == 0)
		return true;
	snprintf(why, size, "%s: %s", path, strerror(errno));
	return false;
}

static bool have_ion(char *why, size_t size)
{
	return exists(ION_NODE, why, size);
}

/* Has ION the heap that the subject names? */
static bool have_ion_heap(char *why, size_t size)
{
	const char *name = strcmp(ion_subject(), "system") ? ion_subject() : ION_SYSTEM_HEAP;
	struct ion_heap heap;
	bool there;
	int ion;

	if (!have_ion(why, size))
		return false;
	ion = open(ION_NODE, O_RDONLY | O_CLOEXEC);
	there = ion >= 0 && ion_heap_named(ion, name, &heap);
	if (!there)
		snprintf(why, size, "ION has no heap %s", name);
	if (ion >= 0)
		close(ion);
	return there;
}

static bool have_heap(char *why, size_t size)
{
	char path[300];
	struct stat status;

	if (!*fp_subject()) {
		snprintf(why, size, "no heap was named (--subject NAME)");
		return false;
	}
	/* The subject is a name, never a path out of /dev/dma_heap. */
	if (strchr(fp_subject(), '/') || strlen(fp_subject()) > 255 || *fp_subject() == '.') {
		snprintf(why, size, "\"%s\" is not a heap's name", fp_subject());
		return false;
	}
	if (ion_subject())
		return have_ion_heap(why, size);
	snprintf(path, sizeof(path), "/dev/dma_heap/%s", fp_subject());
	if (stat(path, &status) != 0) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/* What the subject has to be for a case that is about /dev/dma_heap and not about buffers. */
static bool have_dma_heap(char *why, size_t size)
{
	if (!ion_subject())
		return true;
	snprintf(why, size, "%s is reached through ION", fp_subject());
	return false;
}

static bool have_heap_kind(const char *kind, char *why, size_t size)
{
	if (!have_heap(why, size))
		return false;
	if (!strcmp(fp_heap_kind(), kind))
		return true;
	snprintf(why, size, "%s is a %s heap", fp_subject(), fp_heap_kind());
	return false;
}

static bool have_heap_of_ion(char *why, size_t size)
{
	return have_heap_kind("ion", why, size);
}

static bool have_system_heap(char *why, size_t size)
{
	return have_heap_kind("system", why, size);
}

static bool have_cma_heap(char *why, size_t size)
{
	if (ion_subject() && heap_is_cma())
		return have_heap(why, size);
	return have_heap_kind("cma", why, size);
}

static bool have_vendor_heap(char *why, size_t size)
{
	return have_heap_kind("vendor", why, size);
}

/* Of a vendor's heap only its name can tell. */
static bool have_contiguous_heap(char *why, size_t size)
{
	if (!have_heap(why, size))
		return false;
	if (have_cma_heap(why, size) ||
	    (have_vendor_heap(why, size) && strstr(fp_subject(), "contiguous")))
		return true;
	snprintf(why, size, "%s does not say that its buffers are in one piece", fp_subject());
	return false;
}

static bool have_system_heap_driver(char *why, size_t size)
{
	return kernel_has_function("system_heap_allocate", why, size);
}

static bool have_cma_heap_driver(char *why, size_t size)
{
	return kernel_has_function("cma_heap_allocate", why, size);
}

static bool have_devtmpfs(char *why, size_t size)
{
	return kernel_made_nodes(why, size);
}

static bool have_sysfs_stats(char *why, size_t size)
{
	return exists("/sys/kernel/dmabuf/buffers", why, size);
}

static bool have_fault_injection(char *why, size_t size)
{
	return exists("/proc/self/fail-nth", why, size);
}

static bool have_bpf_dmabuf_iterator(char *why, size_t size)
{
	return exists("/sys/kernel/btf/vmlinux", why, size) &&
	       kernel_has_function("dmabuf_iter_seq_next", why, size);
}

static bool have_memcg(char *why, size_t size)
{
	return kernel_has_memory_controller(why, size);
}

static bool have_sw_sync(char *why, size_t size)
{
	return exists("/sys/kernel/debug/sync/sw_sync", why, size);
}

/*
 * Can user space put a fence on a buffer of the subject? NULL cannot be read, so an ioctl that is
 * known is EFAULT.
 */
static bool fence_import_known(char *why, size_t size)
{
	int heap = heap_node(O_RDWR | O_CLOEXEC);
	int buffer = heap < 0 ? -1 : heap_allocate(heap, 1, O_RDWR | O_CLOEXEC, 0);
	bool known = false;

	if (buffer < 0) {
		snprintf(why, size, "no buffer to look with: %s", strerror(errno));
	} else {
		known = raw_ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NULL) && errno != ENOTTY;
		close(buffer);
		if (!known)
			snprintf(why, size,
				 "DMA_BUF_IOCTL_IMPORT_SYNC_FILE is not known to this kernel; only "
				 "a driver puts fences on a buffer");
	}
	if (heap >= 0)
		close(heap);
	return known;
}

/*
 * SW_SYNC selects SYNC_FILE, so where it is, the ioctls have to be there too, and are not asked
 * for: that they are missing is for a case to find.
 */
static bool have_sync_file(char *why, size_t size)
{
	return have_sw_sync(why, size) || fence_import_known(why, size);
}

static bool have_fence_import(char *why, size_t size)
{
	return fence_import_known(why, size);
}

static bool have_debugfs(char *why, size_t size)
{
	/* Of all that may lie in debugfs, this is what the suites read. */
	return exists("/sys/kernel/debug/dma_buf/bufinfo", why, size);
}

static bool have_udmabuf(char *why, size_t size)
{
	return exists("/dev/udmabuf", why, size);
}

static bool have_proc_config(char *why, size_t size)
{
	return exists("/proc/config.gz", why, size);
}

static bool have_pagemap(char *why, size_t size)
{
	return exists("/proc/self/pagemap", why, size);
}

static bool have_root(char *why, size_t size)
{
	if (geteuid() == 0)
		return true;
	snprintf(why, size, "runs as user %u", (unsigned int)geteuid());
	return false;
}

/* Some cases use four huge pages of the default size. */
static bool have_hugepages(char *why, size_t size)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long total = 0;

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "HugePages_Total: %ld", &total);
	if (file)
		fclose(file);
	if (total >= 4)
		return true;
	snprintf(why, size, "the pool has %ld huge pages of at least 4", total);
	return false;
}

/* Two at once is a race only where there are two processors. */
static bool have_processors(char *why, size_t size)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (online >= 2)
		return true;
	snprintf(why, size, "%ld online of at least 2", online);
	return false;
}

static bool have_dma_api_debug(char *why, size_t size)
{
	return exists("/sys/kernel/debug/dma-api/error_count", why, size);
}

static bool have_device(char *why, size_t size)
{
	return device_there(why, size);
}

static bool have_bounce(char *why, size_t size)
{
	if (!device_there(why, size))
		return false;
	if (device_bounces())
		return true;
	snprintf(why, size, "devices and processors share the buffers' memory on this machine");
	return false;
}

/* Every heap of 5.6 on has it; ION has nothing that others could call. */
static bool have_vmap(char *why, size_t size)
{
	if (!ion_subject())
		return true;
	snprintf(why, size, "ION's buffers have no vmap");
	return false;
}

static bool have_compat(char *why, size_t size)
{
	return compat32_runs(why, size);
}

static const struct {
	const char *name;
	bool (*have)(char *why, size_t size);
} needs[] = {
	{"heap", have_heap},
	{"heap:system", have_system_heap},
	{"heap:ion", have_heap_of_ion},
	{"heap:cma", have_cma_heap},
	{"heap:vendor", have_vendor_heap},
	{"heap:contiguous", have_contiguous_heap},
	{"dma-heap", have_dma_heap},
	{"ion", have_ion},
	{"system-heap-driver", have_system_heap_driver},
	{"cma-heap-driver", have_cma_heap_driver},
	{"devtmpfs", have_devtmpfs},
	{"sysfs-stats", have_sysfs_stats},
	{"fault-injection", have_fault_injection},
	{"memcg", have_memcg},
	{"bpf-dmabuf-iterator", have_bpf_dmabuf_iterator},
	{"sw_sync", have_sw_sync},
	{"sync_file", have_sync_file},
	{"fence-import", have_fence_import},
	{"debugfs", have_debugfs},
	{"udmabuf", have_udmabuf},
	{"proc-config", have_proc_config},
	{"pagemap", have_pagemap},
	{"root", have_root},
	{"compat", have_compat},
	{"hugepages", have_hugepages},
	{"processors", have_processors},
	{"dma-api-debug", have_dma_api_debug},
	{"device", have_device},
	{"bounce", have_bounce},
	{"master", hardware_has_master},
	{"iommu", hardware_has_iommu},
	{"regions", hardware_has_regions},
	{"near", hardware_has_near},
	{"far", hardware_has_far},
	{"vmap", have_vmap},
	{"dmabuf-debug", have_dmabuf_debug},
	{"kept-mappings", have_kept_mappings},
	{"heap-adding", have_heap_adding},
	{"vkms", vkms_there},
};

static bool need_met(const char *need, char *why, size_t size)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strcmp(needs[i].name, need))
			return needs[i].have(why, size);
	snprintf(why, size, "no one knows how to look for it");
	return false;
}

bool fp_needs_met(const struct fp_case *c, char *reason, size_t size)
{
	const char *rest = c->needs ? c->needs : "";
	char need[NEED_MAX], why[400];

	for (rest += strspn(rest, " "); *rest; rest += strspn(rest, " ")) {
		size_t length = strcspn(rest, " ");

		snprintf(need, sizeof(need), "%.*s", (int)length, rest);
		rest += length;
		if (!need_met(need, why, sizeof(why))) {
			snprintf(reason, size, "needs %s: %s", need, why);
			return false;
		}
	}
	return true;
}
