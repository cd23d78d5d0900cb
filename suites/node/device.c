// SPDX-License-Identifier: MIT
/* device.c - a heap as a device: its node, its entry in sysfs, its number. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"

const char fp_suite_name[] = "node";

#define ADD_SOURCE "drivers/dma-buf/dma-heap.c: dma_heap_add(), dma_heap_devnode(), dma_heap_init()"
#define NODES	   "/dev/dma_heap"
#define CLASS_PATH "/sys/class/dma_heap"
/* drivers/dma-buf/dma-heap.c: NUM_HEAP_MINORS. */
#define HEAPS_MAX 128

/* The device number of the node of this name; the case fails when it is not that of a character
 * device. */
static dev_t node_number(const char *name)
{
	struct stat status;
	char path[300];

	snprintf(path, sizeof(path), NODES "/%s", name);
	EXPECT_OK(stat(path, &status));
	EXPECT_TRUE(S_ISCHR(status.st_mode));
	return status.st_rdev;
}

/* One line of a file in sysfs. */
static void sysfs_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, size, file))
		fp_failf(__FILE__, __LINE__, path, "a line", "%s", fp_errno_name(errno));
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

/* "253:1" in sysfs. */
static dev_t sysfs_number(const char *name)
{
	char path[300], line[64];
	unsigned int major, minor;

	snprintf(path, sizeof(path), CLASS_PATH "/%s/dev", name);
	sysfs_line(path, line, sizeof(line));
	if (sscanf(line, "%u:%u", &major, &minor) != 2)
		fp_failf(__FILE__, __LINE__, path, "MAJOR:MINOR", "\"%s\"", line);
	return makedev(major, minor);
}

CASE(char_device, "heap.node.char-device", CATALOGUE("NAME-01"), CLASS(ABI),
     STATEMENT("A heap is a character device /dev/dma_heap/NAME of class dma_heap, with the number "
	       "that sysfs tells."),
     SOURCE(ADD_SOURCE), NEEDS("heap dma-heap"))
{
	dev_t number = node_number(fp_subject());
	char path[300], line[400] = "", expected[300];
	ssize_t length;

	EXPECT_EQ(number, sysfs_number(fp_subject()));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(number), minor(number));
	length = EXPECT_OK(readlink(path, line, sizeof(line) - 1));
	snprintf(expected, sizeof(expected), "/dma_heap/%s", fp_subject());
	EXPECT_TRUE((size_t)length > strlen(expected));
	EXPECT_STR(line + length - strlen(expected), expected);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem", major(number), minor(number));
	memset(line, 0, sizeof(line));
	EXPECT_OK(readlink(path, line, sizeof(line) - 1));
	EXPECT_STR(strrchr(line, '/'), "/dma_heap");
}

CASE(uevent, "heap.node.uevent", CATALOGUE("NAME-01"), CLASS(ABI),
     STATEMENT("A heap's uevent tells udev its number and where its node belongs: dma_heap/NAME."),
     SOURCE(ADD_SOURCE "; drivers/base/core.c: dev_uevent()"), NEEDS("heap dma-heap"))
{
	dev_t number = node_number(fp_subject());
	char path[300], line[300], name[300] = "";
	unsigned int major_found = 0, minor_found = 0;
	FILE *file;

	snprintf(path, sizeof(path), CLASS_PATH "/%s/uevent", fp_subject());
	file = fopen(path, "re");
	EXPECT_TRUE(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MAJOR=%u", &major_found);
		sscanf(line, "MINOR=%u", &minor_found);
		sscanf(line, "DEVNAME=%299s", name);
	}
	fclose(file);
	EXPECT_EQ(major_found, major(number));
	EXPECT_EQ(minor_found, minor(number));
	snprintf(line, sizeof(line), "dma_heap/%s", fp_subject());
	EXPECT_STR(name, line);
}

/* How many entries a folder has; each is given to `look`. */
static int each_entry(const char *path, void (*look)(const char *name, void *argument),
		      void *argument)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (!folder)
		fp_failf(__FILE__, __LINE__, path, "a folder", "%s", fp_errno_name(errno));
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		look(entry->d_name, argument);
		count++;
	}
	closedir(folder);
	return count;
}

struct numbers {
	unsigned int major;
	bool taken[HEAPS_MAX];
};

static void expect_own_number(const char *name, void *argument)
{
	struct numbers *numbers = argument;
	dev_t number = node_number(name);

	fp_context("heap %s", name);
	EXPECT_EQ(number, sysfs_number(name));
	if (!numbers->major)
		numbers->major = major(number);
	EXPECT_EQ(major(number), numbers->major);
	EXPECT_TRUE(minor(number) < HEAPS_MAX);
	EXPECT_TRUE(!numbers->taken[minor(number)]);
	numbers->taken[minor(number)] = true;
}

static void ignore(const char *name, void *argument)
{
	(void)name;
	(void)argument;
}

CASE(one_each, "heap.node.one-each", CATALOGUE("NAME-01"), CLASS(ABI),
     STATEMENT("Each heap has one node and one entry in sysfs: of one major number, with minors of "
	       "their own."),
     SOURCE(ADD_SOURCE), NEEDS("heap dma-heap"))
{
	struct numbers numbers = {0};
	int entries = each_entry(CLASS_PATH, expect_own_number, &numbers);
	char line[128], expected[64];
	FILE *file = fopen("/proc/devices", "re");
	int lines = 0;

	EXPECT_EQ(each_entry(NODES, ignore, NULL), entries);
	/* The number is registered under the class's name. */
	EXPECT_TRUE(file);
	snprintf(expected, sizeof(expected), "%3u dma_heap\n", numbers.major);
	while (fgets(line, sizeof(line), file))
		lines += !strcmp(line, expected);
	fclose(file);
	EXPECT_EQ(lines, 1);
}
