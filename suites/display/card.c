// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bufinfo.h"
#include "card.h"
#include "drm-calls.h"
#include "heap.h"
#include "ktap.h"
#include "pages.h"

/* Drivers of other displays may come first. */
#define CARDS 8
/* Pieces are of 256 KiB, and one that need not begin where a piece does is a little less. */
#define BOUNCED_BYTES (240 * KIB)

static bool is_vkms(int card)
{
	char name[16] = "";
	struct drm_call_version version = {.name = name, .name_bytes = sizeof(name) - 1};

	return !ioctl(card, DRM_CALL_VERSION, &version) && !strcmp(name, "vkms");
}

int card_open(void)
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
	fp_skip("needs vkms: no display of this driver is there (CONFIG_DRM_VKMS; kernels of the "
		"profile devices have it)");
}

unsigned int card_number(int card)
{
	struct stat status;

	MUST(fstat(card, &status));
	return minor(status.st_rdev);
}

size_t card_pages(void)
{
	/* Looked up once: a case may make allocations fail later. */
	static size_t pages;
	char line[2048] = "";
	const char *swiotlb;
	FILE *file;

	if (pages)
		return pages;
	file = fopen("/proc/cmdline", "re");
	EXPECT_TRUE(file != NULL);
	EXPECT_TRUE(fgets(line, sizeof(line), file) != NULL);
	fclose(file);
	swiotlb = strstr(line, "swiotlb=");
	pages = swiotlb && strstr(swiotlb, "force") ? BOUNCED_BYTES / page_size() : CHUNKED_PAGES;
	return pages;
}

int card_import_raw(int card, int buffer, uint32_t *handle)
{
	struct drm_call_prime prime = {.buffer = buffer};
	int result = ioctl(card, DRM_CALL_BUFFER_TO_HANDLE, &prime);

	*handle = prime.handle;
	return result;
}

uint32_t card_import(int card, int buffer)
{
	uint32_t handle;

	EXPECT_OK(card_import_raw(card, buffer, &handle));
	EXPECT_TRUE(handle != 0);
	return handle;
}

int card_export(int card, uint32_t handle, uint32_t flags)
{
	struct drm_call_prime prime = {.handle = handle, .flags = flags, .buffer = -1};

	return ioctl(card, DRM_CALL_HANDLE_TO_BUFFER, &prime) ? -1 : prime.buffer;
}

int card_close_handle(int card, uint32_t handle)
{
	struct drm_call_gem_close close_it = {.handle = handle};

	return ioctl(card, DRM_CALL_GEM_CLOSE, &close_it);
}

struct own_memory card_own_memory(int card, uint32_t width, uint32_t height)
{
	struct drm_call_create_own create = {
		.width = width, .height = height, .bits_per_pixel = 32};
	struct drm_call_map_own map;
	void *at;

	MUST(ioctl(card, DRM_CALL_CREATE_OWN, &create));
	map = (struct drm_call_map_own){.handle = create.handle};
	MUST(ioctl(card, DRM_CALL_MAP_OWN, &map));
	at = mmap(NULL, create.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	EXPECT_TRUE(at != MAP_FAILED);
	return (struct own_memory){.handle = create.handle,
				   .pitch_bytes = create.pitch,
				   .bytes = create.bytes,
				   .at = at};
}

unsigned long long buffer_inode(int buffer)
{
	struct stat status;

	MUST(fstat(buffer, &status));
	return status.st_ino;
}

int attached_to_inode(unsigned long long inode)
{
	struct bufinfo_entry entry;
	struct bufinfo info;

	EXPECT_EQ(bufinfo_read(&info, inode, &entry), 1);
	EXPECT_EQ(entry.device_lines, entry.attached);
	return entry.attached;
}

int attached_to(int buffer)
{
	return attached_to_inode(buffer_inode(buffer));
}
