// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hardware.h"
#include "text.h"

#define EDU	  "1234:11e8"
#define KINDS_MAX 32
#define LIST_MAX  512

struct kind {
	char name[40];
	unsigned int count;
};

/* Adds a word to a list; one that finds no room is left out. */
static void append(char *list, const char *word)
{
	size_t used = strlen(list);

	if (used + strlen(word) + 2 <= LIST_MAX)
		snprintf(list + used, LIST_MAX - used, "%s%s", used ? " " : "", word);
}

/* A file below `folder`, as text; empty where there is none. */
static void read_below(const char *folder, const char *name, char *text, size_t size)
{
	char path[512];

	text[0] = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path) &&
	    read_text(path, text, size) < 0)
		text[0] = '\0';
}

static void count_kind(struct kind *kinds, const char *name)
{
	for (size_t i = 0; i < KINDS_MAX; i++) {
		if (kinds[i].count && strcmp(kinds[i].name, name))
			continue;
		snprintf(kinds[i].name, sizeof(kinds[i].name), "%s", name);
		kinds[i].count++;
		return;
	}
}

/* What the kernel made of the addresses of a device: none, where no IOMMU stands before it. */
static void add_domain(const char *device, char *domains)
{
	char type[32];

	read_below(device, "iommu_group/type", type, sizeof(type));
	append(domains, *type ? type : "none");
}

static void add_pci(struct pairs *facts)
{
	char vendor[16], device[16], name[40], domains[LIST_MAX] = "";
	struct kind kinds[KINDS_MAX] = {};
	glob_t found;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		read_below(found.gl_pathv[i], "vendor", vendor, sizeof(vendor));
		read_below(found.gl_pathv[i], "device", device, sizeof(device));
		/* 0x1234 */
		if (strlen(vendor) != 6 || strlen(device) != 6)
			continue;
		snprintf(name, sizeof(name), "%s:%s", vendor + 2, device + 2);
		count_kind(kinds, name);
		if (!strcmp(name, EDU))
			add_domain(found.gl_pathv[i], domains);
	}
	globfree(&found);
	for (size_t i = 0; i < KINDS_MAX && kinds[i].count; i++)
		pairs_add(facts, "pci.%s=%u", kinds[i].name, kinds[i].count);
	if (*domains)
		pairs_add(facts, "edu.domains=%s", domains);
}

static void add_iommus(struct pairs *facts)
{
	char list[LIST_MAX] = "";
	glob_t found;

	if (glob("/sys/class/iommu/*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		append(list, strrchr(found.gl_pathv[i], '/') + 1);
	globfree(&found);
	pairs_add(facts, "iommu=%s", list);
}

static void add_cma_areas(struct pairs *facts)
{
	char base[32], count[32], word[64], list[LIST_MAX] = "";
	unsigned long long page_kib = (unsigned long long)sysconf(_SC_PAGESIZE) / 1024;
	glob_t found;

	if (glob("/sys/kernel/debug/cma/*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		read_below(found.gl_pathv[i], "base_pfn", base, sizeof(base));
		read_below(found.gl_pathv[i], "count", count, sizeof(count));
		snprintf(word, sizeof(word), "%llu+%llu", strtoull(base, NULL, 10) * page_kib,
			 strtoull(count, NULL, 10) * page_kib);
		append(list, word);
	}
	globfree(&found);
	pairs_add(facts, "cma.areas=%s", list);
}

void hardware_add(struct pairs *facts)
{
	add_pci(facts);
	add_iommus(facts);
	add_cma_areas(facts);
}
