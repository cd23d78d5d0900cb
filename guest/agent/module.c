// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"
#include "text.h"

#define NAME_BYTES 64
#define OPTION	   "fencepost.modules="

/* The file being looked for, and where it was found. */
static char wanted[NAME_BYTES];
static char found[512];

/* Whether the first `length` characters of `text` spell `name`; '-' and '_' are the same. */
static bool same_name(const char *text, size_t length, const char *name)
{
	if (strlen(name) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((text[i] == '-' ? '_' : text[i]) != (name[i] == '-' ? '_' : name[i]))
			return false;
	return true;
}

static int visit(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	const char *base = path + place->base;
	size_t length = strlen(base);

	(void)status;
	if (kind != FTW_F || length < 4 || strcmp(base + length - 3, ".ko"))
		return 0;
	if (!same_name(base, length - 3, wanted))
		return 0;
	snprintf(found, sizeof(found), "%s", path);
	return 1;
}

static bool find(const char *name)
{
	snprintf(wanted, sizeof(wanted), "%s", name);
	return nftw("/modules", visit, 8, FTW_PHYS) > 0 ||
	       nftw("/lib/modules", visit, 8, FTW_PHYS) > 0;
}

int module_load(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long result;
	int error;

	if (fd < 0)
		return -1;
	result = syscall(SYS_finit_module, fd, parameters, 0);
	error = errno;
	close(fd);
	errno = error;
	return result ? -1 : 0;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -1 : 0;
}

bool module_is_permanent(const char *name)
{
	char line[512];
	bool permanent = false;
	FILE *modules = fopen("/proc/modules", "re");

	if (!modules)
		return false;
	while (!permanent && fgets(line, sizeof(line), modules))
		permanent =
			same_name(line, strcspn(line, " "), name) && strstr(line, "[permanent]");
	fclose(modules);
	return permanent;
}

/* Collects the command line's "NAME.parameter=value" words as "parameter=value", as modprobe does.
 */
static void collect_parameters(const char *cmdline, const char *name, char *parameters, size_t size)
{
	size_t length = 0;

	parameters[0] = '\0';
	while (*cmdline) {
		size_t word = strcspn(cmdline, " ");
		size_t dot = strcspn(cmdline, ". ");

		if (dot < word && same_name(cmdline, dot, name) && word - dot < size - length)
			length += (size_t)snprintf(parameters + length, size - length, "%s%.*s",
						   length ? " " : "", (int)(word - dot - 1),
						   cmdline + dot + 1);
		cmdline += word;
		cmdline += strspn(cmdline, " ");
	}
}

static size_t load_named(const char *name, const char *cmdline, char *fact, size_t size)
{
	char parameters[1024];
	const char *result = "ok";
	int length;

	collect_parameters(cmdline, name, parameters, sizeof(parameters));
	if (!find(name))
		result = "no such file in /modules or /lib/modules";
	else if (module_load(found, parameters) && errno != EEXIST)
		result = strerror(errno);
	length = snprintf(fact, size, "module.%s=%s", name, result);
	return length > 0 && (size_t)length < size ? (size_t)length + 1 : 0;
}

size_t module_load_all(char *facts, size_t size)
{
	char cmdline[4096], name[NAME_BYTES];
	const char *option;
	size_t used = 0;

	if (read_text("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return 0;
	option = strstr(cmdline, OPTION);
	if (!option || (option != cmdline && option[-1] != ' '))
		return 0;
	option += strlen(OPTION);
	for (;;) {
		size_t length = strcspn(option, ", ");

		if (length && length < sizeof(name)) {
			memcpy(name, option, length);
			name[length] = '\0';
			used += load_named(name, cmdline, facts + used, size - used);
		}
		option += length;
		if (*option != ',')
			return used;
		option++;
	}
}
