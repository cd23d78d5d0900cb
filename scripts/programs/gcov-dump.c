// SPDX-License-Identifier: MIT
/*
 * gcov-dump.c - prints what a kernel with CONFIG_GCOV_KERNEL has counted in drivers/dma-buf, as
 * KTAP: a case for each .gcda file below debugfs's gcov folder, with the file in base64 as its
 * diagnostics. Documentation/dev-tools/gcov.rst
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define GCOV "/sys/kernel/debug/gcov"

/* Of a diagnostic and of a case, in bytes, so that both are kept whole (docs/verdicts.md). */
#define CHUNK  720
#define CHUNKS 8

static int count;

static void print_base64(const unsigned char *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		unsigned int bits = data[i] << 16;

		if (i + 1 < size)
			bits |= data[i + 1] << 8;
		if (i + 2 < size)
			bits |= data[i + 2];
		putchar(digits[bits >> 18]);
		putchar(digits[bits >> 12 & 63]);
		putchar(i + 1 < size ? digits[bits >> 6 & 63] : '=');
		putchar(i + 2 < size ? digits[bits & 63] : '=');
	}
}

static int print_counts(const char *path)
{
	unsigned char data[CHUNK];
	size_t size, chunks = 0;
	FILE *file = fopen(path, "r");

	if (!file) {
		printf("not ok %d %s # %s\n", ++count, path, strerror(errno));
		return 1;
	}
	while ((size = fread(data, 1, sizeof(data), file)) > 0) {
		printf("# gcda: ");
		print_base64(data, size);
		putchar('\n');
		if (++chunks % CHUNKS == 0)
			printf("ok %d %s from %zu\n", ++count, path, (chunks - CHUNKS) * CHUNK);
	}
	fclose(file);
	printf("ok %d %s from %zu\n", ++count, path, chunks / CHUNKS * CHUNKS * CHUNK);
	return 0;
}

static int visit(const char *path, const struct stat *facts, int type, struct FTW *where)
{
	size_t length = strlen(path);

	(void)facts;
	(void)where;
	if (type != FTW_F || length < 5 || strcmp(path + length - 5, ".gcda") != 0 ||
	    !strstr(path, "/drivers/dma-buf/"))
		return 0;
	return print_counts(path);
}

int main(void)
{
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	printf("KTAP version 1\n");
	if (nftw(GCOV, visit, 16, FTW_PHYS) != 0 && count == 0)
		printf("not ok %d %s # %s\n", ++count, GCOV, strerror(errno));
	printf("1..%d\n", count);
	return 0;
}
