// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "buffer-fence.h"
#include "card.h"
#include "drm-calls.h"
#include "heap.h"
#include "ktap.h"
#include "screen.h"

#define REFRESH_HZ 25
/* For a picture to be composed, on a slow and loaded machine. */
#define PATIENCE_MS 8000
/* Blank pixels and lines around a picture. */
#define MARGIN 8

size_t picture_bytes(void)
{
	return card_pages() * page_size();
}

void picture_draw(void *at, size_t pitch_bytes, uint32_t seed)
{
	const size_t height = card_pages();
	uint32_t random = seed * 2654435761u + 1;

	for (size_t y = 0; y < height; y++) {
		uint32_t *line = (uint32_t *)((char *)at + y * pitch_bytes);

		for (size_t x = 0; x < PICTURE_WIDTH; x++) {
			random = random * 1664525u + 1013904223u;
			line[x] = random >> 8;
		}
	}
}

void picture_draw_into(int buffer, uint32_t seed)
{
	void *at = buffer_map(buffer, picture_bytes());

	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	picture_draw(at, page_size(), seed);
	EXPECT_OK(buffer_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	buffer_unmap(at, picture_bytes());
}

uint32_t screen_frame(int card, uint32_t handle, size_t pitch_bytes)
{
	struct drm_call_frame frame = {
		.width = PICTURE_WIDTH,
		.height = (uint32_t)card_pages(),
		.format = DRM_CALL_FORMAT_XRGB8888,
		.handles = {handle},
		.pitches = {(uint32_t)pitch_bytes},
	};

	EXPECT_OK(ioctl(card, DRM_CALL_ADD_FRAME, &frame));
	return frame.frame;
}

void screen_remove_frame(int card, uint32_t frame)
{
	EXPECT_OK(ioctl(card, DRM_CALL_REMOVE_FRAME, &frame));
}

/* The one crtc that there is, and the one connector. */
static void parts(int card, uint32_t *crtc, uint32_t *connector)
{
	struct drm_call_resources resources = {.crtcs = (uintptr_t)crtc,
					       .crtc_count = 1,
					       .connectors = (uintptr_t)connector,
					       .connector_count = 1};

	MUST(ioctl(card, DRM_CALL_RESOURCES, &resources));
	EXPECT_EQ(resources.crtc_count, 1);
	EXPECT_EQ(resources.connector_count, 1);
}

int screen_show(int card, uint32_t frame)
{
	const uint16_t height = (uint16_t)card_pages();
	uint32_t connector;
	struct drm_call_crtc show = {
		.connectors = (uintptr_t)&connector,
		.connector_count = 1,
		.frame = frame,
		.mode_valid = 1,
		.mode = {.clock_khz =
				 (PICTURE_WIDTH + MARGIN) * (height + MARGIN) * REFRESH_HZ / 1000,
			 .width = PICTURE_WIDTH,
			 .h_sync_start = PICTURE_WIDTH + 2,
			 .h_sync_end = PICTURE_WIDTH + 4,
			 .h_total = PICTURE_WIDTH + MARGIN,
			 .height = height,
			 .v_sync_start = height + 2,
			 .v_sync_end = height + 4,
			 .v_total = height + MARGIN,
			 .refresh_hz = REFRESH_HZ},
	};

	parts(card, &show.crtc, &connector);
	return ioctl(card, DRM_CALL_SET_CRTC, &show);
}

void screen_off(int card)
{
	uint32_t connector;
	struct drm_call_crtc off = {0};

	parts(card, &off.crtc, &connector);
	EXPECT_OK(ioctl(card, DRM_CALL_SET_CRTC, &off));
}

static int open_checksums(int card, const char *file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/crtc-0/crc/%s", card_number(card),
		 file);
	return MUST(open(path, flags | O_CLOEXEC));
}

/* A line for each picture: the frame's number, and the checksum. */
static uint32_t read_checksum(int data)
{
	struct pollfd polled = {.fd = data, .events = POLLIN};
	char line[64] = "";
	unsigned int frame, checksum;

	EXPECT_EQ(MUST(poll(&polled, 1, PATIENCE_MS)), 1);
	MUST(read(data, line, sizeof(line) - 1));
	EXPECT_EQ(sscanf(line, "%x %x", &frame, &checksum), 2);
	return checksum;
}

uint32_t screen_checksum(int card)
{
	int control = open_checksums(card, "control", O_WRONLY), data;
	uint32_t checksum;

	EXPECT_EQ(write(control, "auto", 4), 4);
	MUST(close(control));
	/* Composed for checksums from here on; the first may be of what was shown until now. */
	data = open_checksums(card, "data", O_RDONLY);
	read_checksum(data);
	checksum = read_checksum(data);
	MUST(close(data));
	return checksum;
}

uint32_t screen_checksum_of(int card, uint32_t seed)
{
	struct own_memory own = card_own_memory(card, PICTURE_WIDTH, (uint32_t)card_pages());
	uint32_t frame = screen_frame(card, own.handle, own.pitch_bytes), checksum;

	picture_draw(own.at, own.pitch_bytes, seed);
	EXPECT_OK(screen_show(card, frame));
	checksum = screen_checksum(card);
	screen_off(card);
	screen_remove_frame(card, frame);
	MUST(card_close_handle(card, own.handle));
	buffer_unmap(own.at, own.bytes);
	return checksum;
}
