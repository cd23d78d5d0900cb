// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "mount.h"

static const struct {
	const char *type, *target;
	unsigned long flags;
	const char *options;
} mounts[] = {
	{"proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL},
	{"sysfs", "/sys", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL},
	{"devtmpfs", "/dev", MS_NOSUID, "mode=0755"},
	{"debugfs", "/sys/kernel/debug", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL},
	{"tracefs", "/sys/kernel/tracing", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL},
	{"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"hugetlbfs", "/dev/hugepages", MS_NOSUID | MS_NODEV, NULL},
};

void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		/* Fails where it is there already, and in sysfs, where the kernel makes its mount
		 * points. */
		mkdir(mounts[i].target, 0755);
		mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
		      mounts[i].options);
	}
}
