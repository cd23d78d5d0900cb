// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "card.h"
#include "drm-calls.h"
#include "heap.h"
#include "ktap.h"
#include "kernel-parts.h"
#include "pages.h"
#include "vkms.h"

/* Pieces are of 256 KiB, and one that need not begin where a piece does is a little less. */
#define BOUNCED_BYTES (240 * KIB)

int card_open(void)
{
	int card = vkms_open();

	EXPECT_TRUE(card >= 0);
	return card;
}

unsigned int card_number(int card)
{
	struct stat status;

	MUST(fstat(card, &status));
	return minor(status.st_rdev);
}

size_t card_pages(void)
{
	return kernel_bounces_all() ? BOUNCED_BYTES / page_size() : CHUNKED_PAGES;
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
