// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heaps.h"
#include "log.h"
#include "module-job.h"
#include "module.h"
#include "text.h"

#define STATUS_FAILED	 1
#define STATUS_PERMANENT 3

/* Heaps come and go with their module, but not always before the call returns: a driver may probe
 * later. */
#define HEAP_PATIENCE_MS 500
#define HEAP_PAUSE_MS	 20

#define KERNEL_LINES 20

/* The case to report, or NULL: then it is a plain command. */
static const char *case_id;

/* The kernel's log, from where the case began. */
static int kernel_log = -1;

/* Takes "--case ID" out of the arguments; returns how many are left. */
static int take_case(int argc, char **argv)
{
	int left = 0;

	for (int i = 0; i < argc; i++) {
		if (i + 1 < argc && !strcmp(argv[i], "--case"))
			case_id = argv[++i];
		else
			argv[left++] = argv[i];
	}
	return left;
}

static void begin(void)
{
	if (!case_id)
		return;
	log_open();
	log_line("case %s", case_id);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
	printf("KTAP version 1\n1..1\n");
	/* What follows may end this process. */
	fflush(stdout);
}

/* The message of a record, "6,339,5140900,-;message\n KEY=value": one line, without what is ours.
 */
static char *message_of(char *record)
{
	char *message = strchr(record, ';');

	if (!message)
		return NULL;
	message++;
	message[strcspn(message, "\n")] = '\0';
	for (char *c = message; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return strncmp(message, "fencepost: ", 11) ? message : NULL;
}

/* Says what the kernel logged since the case began. `telling` gets the line that tells most: the
 * last one that names the module, else the last one; empty when there is none. */
static void tell_kernel(const char *name, char *telling, size_t size)
{
	char record[2048];
	bool named = false;
	int lines = 0;

	telling[0] = '\0';
	while (kernel_log >= 0 && lines < KERNEL_LINES) {
		ssize_t length = read(kernel_log, record, sizeof(record) - 1);
		char *message;

		/* EPIPE: some records were overwritten before they were read; the next are there.
		 */
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return;
		record[length] = '\0';
		message = message_of(record);
		/* Said of every module that is not the kernel's own. */
		if (!message || strstr(message, "taints kernel"))
			continue;
		printf("# kernel: %.300s\n", message);
		lines++;
		if (named && !strstr(message, name))
			continue;
		named = strstr(message, name);
		snprintf(telling, size, "%.300s", message);
	}
}

static int passed(void)
{
	if (case_id)
		printf("ok 1 %s\n", case_id);
	return 0;
}

static int skipped(const char *name, const char *reason)
{
	if (case_id) {
		printf("ok 1 %s # SKIP %s\n", case_id, reason);
		return 0;
	}
	fprintf(stderr, "%s: %s\n", name, reason);
	return STATUS_PERMANENT;
}

static int failed(const char *name, const char *expected, const char *found)
{
	char telling[512];

	if (!case_id) {
		fprintf(stderr, "%s: %s\n", name, found);
		return STATUS_FAILED;
	}
	tell_kernel(name, telling, sizeof(telling));
	printf("# expected: %s\n", expected);
	printf("# found: %s%s%s\n", found, telling[0] ? "; the kernel says: " : "", telling);
	printf("not ok 1 %s\n", case_id);
	return STATUS_FAILED;
}

static void pause_ms(long ms)
{
	struct timespec time = {.tv_nsec = ms * 1000000L};

	nanosleep(&time, NULL);
}

static void tell_new_heaps(const struct heaps *before)
{
	static struct heaps now;

	for (int waited = 0;; waited += HEAP_PAUSE_MS) {
		heaps_list(&now);
		if (now.count != before->count || waited >= HEAP_PATIENCE_MS)
			break;
		pause_ms(HEAP_PAUSE_MS);
	}
	for (size_t i = 0; i < now.count; i++)
		if (!heaps_have(before, now.names[i]))
			printf("# heap: %s\n", now.names[i]);
}

/* What the kernel calls the module in "/d/some-heap.ko": some_heap. */
static const char *module_name(const char *file)
{
	static char name[64];
	const char *slash = strrchr(file, '/');

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : file);
	name[strcspn(name, ".")] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static int insmod(int argc, char **argv)
{
	static struct heaps before;
	const char *name = module_name(argv[0]);
	char parameters[1024] = "";
	size_t length = 0;
	int error = 0;

	for (int i = 1; i < argc && length < sizeof(parameters); i++)
		length += (size_t)snprintf(parameters + length, sizeof(parameters) - length, "%s%s",
					   i > 1 ? " " : "", argv[i]);
	heaps_list(&before);
	begin();
	if (case_id && length)
		printf("# parameters: %s\n", parameters);
	if (length >= sizeof(parameters))
		error = E2BIG;
	else if (module_load(argv[0], parameters))
		error = errno;
	if (error)
		return failed(name, "the module to load", strerror(error));
	if (case_id) {
		tell_new_heaps(&before);
		if (module_is_permanent(name))
			printf("# permanent: it has no exit function\n");
	}
	return passed();
}

/* One of `names` that is still there, after some patience; NULL for none. */
static const char *heap_left(int count, char **names)
{
	static struct heaps now;
	const char *left = NULL;

	for (int waited = 0; waited <= HEAP_PATIENCE_MS; waited += HEAP_PAUSE_MS) {
		heaps_list(&now);
		left = NULL;
		for (int i = 0; i < count && !left; i++)
			if (heaps_have(&now, names[i]))
				left = names[i];
		if (!left)
			break;
		pause_ms(HEAP_PAUSE_MS);
	}
	return left;
}

static int rmmod(int argc, char **argv)
{
	char found[512];
	const char *left;
	int error;

	begin();
	if (module_unload(argv[0])) {
		error = errno;
		if (module_is_permanent(argv[0]))
			return skipped(argv[0], "permanent: it has no exit function");
		return failed(argv[0], "the module to unload", strerror(error));
	}
	left = heap_left(argc - 1, argv + 1);
	if (!left)
		return passed();
	/* What was logged up to here is not about this. */
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
	snprintf(found, sizeof(found),
		 "/dev/dma_heap/%.200s is still there, and whoever opens it calls into memory that "
		 "was freed "
		 "(a heap cannot be removed: leave out module_exit)",
		 left);
	return failed(argv[0], "its heaps to go with it", found);
}

int module_job(int argc, char **argv)
{
	argc = take_case(argc, argv);
	if (argc >= 3 && !strcmp(argv[1], "insmod"))
		return insmod(argc - 2, argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "rmmod"))
		return rmmod(argc - 2, argv + 2);
	return -1;
}
