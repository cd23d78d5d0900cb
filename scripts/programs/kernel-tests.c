// SPDX-License-Identifier: MIT
/*
 * kernel-tests.c - runs in-kernel tests, which are modules, and prints what they found as KTAP. The
 * modules are inside this program, in the order in which they are loaded: compile it with
 * -DMODULES='MODULE("kunit", "/path/kunit.ko") …'.
 *
 * A module is a case: it loads, or the tests that run while it does have failed
 * (drivers/dma-buf/selftest.c). Where there is KUnit, each of its suites is one too, with its
 * cases, as /sys/kernel/debug/kunit/SUITE/results has them
 * (Documentation/dev-tools/kunit/run_manual.rst).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KUNIT "/sys/kernel/debug/kunit"

struct module {
	const char *name;
	const char *start;
	const char *end;
};

/* A record of struct module, and the file that it points to. */
#define MODULE(name, file)                                                                         \
	__asm__(".pushsection .rodata\n"                                                           \
		"1: .incbin \"" file "\"\n"                                                        \
		"2:\n"                                                                             \
		"3: .asciz \"" name "\"\n"                                                         \
		".popsection\n"                                                                    \
		".pushsection modules, \"aw\"\n"                                                   \
		".balign 8\n"                                                                      \
		".quad 3b, 1b, 2b\n"                                                               \
		".popsection");
MODULES

extern const struct module __start_modules[], __stop_modules[];

static int count;

static void load(const struct module *module)
{
	count++;
	if (syscall(SYS_init_module, module->start, module->end - module->start, "") == 0 ||
	    errno == EEXIST)
		printf("ok %d %s\n", count, module->name);
	else
		printf("not ok %d %s # it answers %s when it is loaded\n", count, module->name,
		       strerror(errno));
	fflush(stdout);
}

/* Of a suite's own KTAP its frame is left out. Whether it passed is its last line: "ok 1 SUITE". */
static void print_suite(const char *suite)
{
	char path[512], *line = NULL;
	size_t size = 0;
	int passed = 0;
	FILE *file;

	snprintf(path, sizeof(path), KUNIT "/%s/results", suite);
	file = fopen(path, "r");
	while (file && getline(&line, &size, file) > 0) {
		if (strncmp(line, "    ", 4) == 0)
			fputs(line, stdout);
		if (strncmp(line, "ok ", 3) == 0)
			passed = 1;
	}
	if (file)
		fclose(file);
	free(line);
	printf("%s %d %s\n", passed ? "ok" : "not ok", ++count, suite);
}

static int is_suite(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(void)
{
	struct dirent **suites;
	int found;

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	printf("KTAP version 1\n");
	for (const struct module *module = __start_modules; module < __stop_modules; module++)
		load(module);
	found = scandir(KUNIT, &suites, is_suite, alphasort);
	for (int i = 0; i < found; i++)
		print_suite(suites[i]->d_name);
	printf("1..%d\n", count);
	return 0;
}
