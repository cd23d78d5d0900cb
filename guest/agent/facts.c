// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "facts.h"
#include "hardware.h"
#include "heaps.h"
#include "pairs.h"
#include "text.h"

static struct pairs facts_found;

#define add(...) pairs_add(&facts_found, __VA_ARGS__)

static void add_memory(void)
{
	char meminfo[4096];

	if (read_text("/proc/meminfo", meminfo, sizeof(meminfo)) < 0)
		meminfo[0] = '\0';
	add("mem_total_kib=%lu", meminfo_value(meminfo, "MemTotal:"));
	add("cma_total_kib=%lu", meminfo_value(meminfo, "CmaTotal:"));
	add("hugepages=%lu", meminfo_value(meminfo, "HugePages_Total:"));
}

static void add_heaps(void)
{
	static struct heaps heaps, ion;

	heaps_list(&heaps);
	for (size_t i = 0; i < heaps.count; i++)
		add("heap=%s", heaps.names[i]);
	heaps_of_ion(&ion);
	for (size_t i = 0; i < ion.count; i++)
		add("heap=%s", ion.names[i]);
}

static void add_presence(const char *key, const char *path)
{
	add("%s=%d", key, access(path, F_OK) == 0);
}

static bool is_debugfs(const char *path)
{
	struct statfs status;

	return !statfs(path, &status) && status.f_type == DEBUGFS_MAGIC;
}

/* A file's text, where there is one. */
static void add_text(const char *key, const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) >= 0)
		add("%s=%s", key, text);
}

size_t facts_gather(char *facts, const char *more, size_t more_length)
{
	struct utsname names;
	char cmdline[4096];

	facts_found = (struct pairs){.text = facts, .room = FACTS_BYTES};
	if (uname(&names) || read_text("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return 0;
	add("release=%s", names.release);
	add("hardware=%s", names.machine);
	add("cmdline=%s", cmdline);
	add("page_size=%ld", sysconf(_SC_PAGESIZE));
	add("cpus=%ld", sysconf(_SC_NPROCESSORS_ONLN));
	add_memory();
	add_heaps();
	add("version=%s", names.version);
	add_presence("udmabuf", "/dev/udmabuf");
	add_presence("ion", "/dev/ion");
	add_text("udmabuf.list_limit", "/sys/module/udmabuf/parameters/list_limit");
	add_text("udmabuf.size_limit_mb", "/sys/module/udmabuf/parameters/size_limit_mb");
	add_presence("sw_sync", "/sys/kernel/debug/sync/sw_sync");
	add_text("swiotlb.slots", "/sys/kernel/debug/swiotlb/io_tlb_nslabs");
	add_text("device.bounces", "/sys/module/fencepost_device/parameters/bounces");
	hardware_add(&facts_found);
	add("debugfs=%d", is_debugfs("/sys/kernel/debug"));
	add_presence("config_gz", "/proc/config.gz");
	add_text("tainted", "/proc/sys/kernel/tainted");
	if (more_length <= facts_found.room - facts_found.used) {
		memcpy(facts + facts_found.used, more, more_length);
		facts_found.used += more_length;
	}
	add("uptime_ms=%llu", (unsigned long long)clock_ms());
	return facts_found.used;
}
