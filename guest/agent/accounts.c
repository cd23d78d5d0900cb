// SPDX-License-Identifier: MIT
/*
 * What a program may have left behind in the kernel: dma-bufs, CMA pages, memory, slab, taints.
 * Asked before and after each program, so every file is read once and nothing is kept of it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "accounts.h"
#include "clock.h"
#include "pairs.h"
#include "text.h"

#define BUFINFO	    "/sys/kernel/debug/dma_buf/bufinfo"
#define CMA_DEBUGFS "/sys/kernel/debug/cma"
#define CMA_SYSFS   "/sys/kernel/mm/cma"
/* CONFIG_CMA_AREAS is 7 to 20 in kernels of today; CMA_MAX_NAME is 64 (mm/cma.h). */
#define AREAS	   32
#define NAME_BYTES 80
/* How long the list of dma-bufs is waited for. */
#define PATIENCE_US 500000

/* The longest last line of bufinfo: "Total %d objects, %zu bytes". */
#define TOTAL_BYTES 64

static char areas[AREAS][NAME_BYTES];
static const char *area_directory;
static int area_count = -1;

static void on_alarm(int signal)
{
	/* Only interrupts a wait. */
	(void)signal;
}

static void set_alarm(long microseconds)
{
	/* Repeated, in case it comes between two waits. */
	struct itimerval timer = {
		.it_value = {.tv_usec = microseconds},
		.it_interval = {.tv_usec = microseconds ? 100000 : 0},
	};
	struct sigaction action = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Reads a file of any length to its end and keeps the last TOTAL_BYTES - 1 of it. Returns 0, or -1
 * with errno set.
 */
static int read_tail(const char *path, char *tail)
{
	static char chunk[16 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t kept = 0;
	ssize_t got;
	int error;

	if (fd < 0)
		return -1;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
		size_t most = TOTAL_BYTES - 1;
		size_t fresh = (size_t)got < most ? (size_t)got : most;
		size_t old = kept + fresh > most ? most - fresh : kept;

		memmove(tail, tail + kept - old, old);
		memcpy(tail + old, chunk + got - fresh, fresh);
		kept = old + fresh;
	}
	error = errno;
	close(fd);
	tail[kept] = '\0';
	errno = error;
	return got < 0 ? -1 : 0;
}

/* The last line of a text that ends with a newline. */
static const char *last_line(const char *text)
{
	const char *line = text;

	for (const char *next = line; (next = strchr(next, '\n')) && next[1]; line = next)
		next++;
	return line;
}

/*
 * All dma-bufs there are, by the last line of bufinfo (drivers/dma-buf/dma-buf.c:
 * dma_buf_debug_show(), the same from 5.10 to 7.3). It takes the reservation lock of each: one that
 * is held for good must not stop the agent, so an alarm breaks the wait off.
 */
static void add_dma_bufs(struct pairs *accounts)
{
	char tail[TOTAL_BYTES];
	unsigned long long count, bytes;
	const char *total;

	set_alarm(PATIENCE_US);
	if (read_tail(BUFINFO, tail)) {
		if (errno == EINTR)
			pairs_add(accounts, "dmabufs_locked=1");
	} else {
		total = last_line(tail);
		if (sscanf(total, "Total %llu objects, %llu bytes", &count, &bytes) == 2) {
			pairs_add(accounts, "dmabufs=%llu", count);
			pairs_add(accounts, "dmabuf_bytes=%llu", bytes);
		}
	}
	set_alarm(0);
}

/* The names of the CMA areas, which never change; found once, because directories are slow. */
static void find_areas(const char *directory)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;

	if (!entries)
		return;
	area_directory = directory;
	while (area_count < AREAS && (entry = readdir(entries))) {
		const char *name = entry->d_name;

		/* It has to be a key. */
		if (name[0] != '.' && strlen(name) < NAME_BYTES && !strpbrk(name, "= \t\n"))
			strcpy(areas[area_count++], name);
	}
	closedir(entries);
}

static bool read_number(const char *area, const char *file, unsigned long long *number)
{
	char path[sizeof(CMA_DEBUGFS) + NAME_BYTES + 32], text[32];

	snprintf(path, sizeof(path), "%s/%s/%s", area_directory, area, file);
	if (read_text(path, text, sizeof(text)) < 1)
		return false;
	*number = strtoull(text, NULL, 10);
	return true;
}

/* Pages in use, exactly: the area's bitmap, or what was given out less what came back. */
static bool area_used(const char *area, unsigned long long *pages)
{
	unsigned long long given, returned;

	if (read_number(area, "used", pages))
		return true;
	if (!read_number(area, "alloc_pages_success", &given) ||
	    !read_number(area, "release_pages_success", &returned) || returned > given)
		return false;
	*pages = given - returned;
	return true;
}

static void add_cma(struct pairs *accounts)
{
	if (area_count < 0) {
		area_count = 0;
		find_areas(CMA_DEBUGFS);
		if (!area_count)
			find_areas(CMA_SYSFS);
	}
	for (int i = 0; i < area_count; i++) {
		unsigned long long pages;

		if (area_used(areas[i], &pages))
			pairs_add(accounts, "cma.%s=%llu", areas[i], pages);
	}
}

static void add_memory(struct pairs *accounts)
{
	static const struct {
		const char *key, *name;
	} lines[] = {
		{"mem_total_kib", "MemTotal:"}, {"mem_available_kib", "MemAvailable:"},
		{"mem_free_kib", "MemFree:"},	{"slab_unreclaimable_kib", "SUnreclaim:"},
		{"shmem_kib", "Shmem:"},	{"cma_total_kib", "CmaTotal:"},
		{"cma_free_kib", "CmaFree:"},
	};
	char meminfo[4096];

	if (read_text("/proc/meminfo", meminfo, sizeof(meminfo)) < 0)
		return;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		pairs_add(accounts, "%s=%lu", lines[i].key, meminfo_value(meminfo, lines[i].name));
}

size_t accounts_gather(char *text)
{
	struct pairs accounts = {.text = text, .room = ACCOUNTS_BYTES};
	char tainted[32];

	/* Always there: an answer is never empty, even where a program took /proc and /sys away. */
	pairs_add(&accounts, "uptime_ms=%llu", (unsigned long long)clock_ms());
	add_dma_bufs(&accounts);
	add_cma(&accounts);
	add_memory(&accounts);
	if (read_text("/proc/sys/kernel/tainted", tainted, sizeof(tainted)) > 0)
		pairs_add(&accounts, "tainted=%s", tainted);
	return accounts.used;
}
