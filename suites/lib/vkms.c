// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vkms.h"

/* Drivers of other displays may come first. */
#define CARDS 8

/* include/uapi/drm/drm.h: struct drm_version. Not every host has this header. */
struct version {
	int32_t major, minor, patch;
	size_t name_bytes;
	char *name;
	size_t date_bytes;
	char *date;
	size_t description_bytes;
	char *description;
};
#define GET_VERSION _IOWR('d', 0x00, struct version)

static bool is_vkms(int card)
{
	char name[16] = "";
	struct version version = {.name = name, .name_bytes = sizeof(name) - 1};

	return !ioctl(card, GET_VERSION, &version) && !strcmp(name, "vkms");
}

int vkms_open(void)
{
	char path[32];

	for (int i = 0; i < CARDS; i++) {
		int card;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		card = open(path, O_RDWR | O_CLOEXEC);
		if (card >= 0 && is_vkms(card))
			return card;
		if (card >= 0)
			close(card);
	}
	return -1;
}

bool vkms_there(char *why, size_t size)
{
	int card = vkms_open();

	if (card >= 0) {
		close(card);
		return true;
	}
	snprintf(why, size,
		 "no display of this driver is there (CONFIG_DRM_VKMS; kernels of the profile "
		 "devices have it)");
	return false;
}
