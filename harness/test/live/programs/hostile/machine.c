// SPDX-License-Identifier: MIT
/* Programs that turn on the guest they run in. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"

static int fills_memory(void)
{
	size_t size = 1024 * 1024;

	say("1..2\nok 1 one\n");
	for (;;) {
		char *memory = malloc(size);

		if (memory)
			memset(memory, 1, size);
	}
	return 0;
}

static int fills_files(void)
{
	static char block[64 * 1024];
	int fd = open("/tmp/full", O_WRONLY | O_CREAT, 0600);

	memset(block, 1, sizeof(block));
	while (write(fd, block, sizeof(block)) > 0)
		;
	say("1..1\nok 1 one\n");
	return 0;
}

/* Hides every program, and the trees that programs need. */
static int remounts(void)
{
	static const char *const targets[] = {"/programs", "/suites", "/tmp", "/dev/shm"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		mount("tmpfs", targets[i], "tmpfs", MS_RDONLY, NULL);
	umount2("/sys/kernel/debug", MNT_DETACH);
	umount2("/sys", MNT_DETACH);
	umount2("/proc", MNT_DETACH);
	umount2("/dev", MNT_DETACH);
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	say("1..1\nok 1 one\n");
	return 0;
}

static int reboots(void)
{
	say("1..2\nok 1 one\n");
	pause_ms(100);
	reboot(RB_AUTOBOOT);
	return 0;
}

static int powers_off(void)
{
	say("1..1\nok 1 one\n");
	pause_ms(100);
	reboot(RB_POWER_OFF);
	return 0;
}

static int halts(void)
{
	say("1..1\nok 1 one\n");
	pause_ms(100);
	reboot(RB_HALT_SYSTEM);
	return 0;
}

static int panic_now(void)
{
	write_file("/proc/sysrq-trigger", "c");
	return stay();
}

static int panics(void)
{
	say("1..2\nok 1 one\n");
	write_file("/dev/kmsg", "<4>fencepost: case two\n");
	return panic_now();
}

static int panics_after_last(void)
{
	say("1..1\nok 1 one\n");
	pause_ms(300);
	return panic_now();
}

const struct character machine_characters[] = {
	{"fills-memory", fills_memory},
	{"fills-files", fills_files},
	{"remounts", remounts},
	{"reboots", reboots},
	{"powers-off", powers_off},
	{"halts", halts},
	{"panics", panics},
	{"panics-after-last", panics_after_last},
	{0},
};
