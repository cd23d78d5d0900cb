/* SPDX-License-Identifier: MIT */
/*
 * drm-calls.h - the calls of a DRM device that the suite makes: their numbers and arguments, as
 * include/uapi/drm/drm.h and drm_mode.h have them. Not every host has these headers.
 */
#ifndef FENCEPOST_DISPLAY_DRM_CALLS_H
#define FENCEPOST_DISPLAY_DRM_CALLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct drm_call_prime {
	uint32_t handle;
	uint32_t flags; /* O_CLOEXEC, O_RDWR; of an export alone */
	int32_t buffer;
};

struct drm_call_gem_close {
	uint32_t handle, pad;
};

struct drm_call_resources {
	uint64_t frames, crtcs, connectors, encoders; /* where the ids go */
	uint32_t frame_count, crtc_count, connector_count, encoder_count;
	uint32_t least_width, most_width, least_height, most_height;
};

struct drm_call_mode {
	uint32_t clock_khz;
	uint16_t width, h_sync_start, h_sync_end, h_total, h_skew;
	uint16_t height, v_sync_start, v_sync_end, v_total, v_scan;
	uint32_t refresh_hz, flags, type;
	char name[32];
};

struct drm_call_crtc {
	uint64_t connectors; /* where their ids are */
	uint32_t connector_count;
	uint32_t crtc, frame, x, y;
	uint32_t gamma_size;
	uint32_t mode_valid;
	struct drm_call_mode mode;
};

struct drm_call_frame {
	uint32_t frame; /* its id, returned */
	uint32_t width, height, format, flags;
	uint32_t handles[4], pitches[4], offsets[4];
	uint64_t modifiers[4];
};

struct drm_call_create_own {
	uint32_t height, width, bits_per_pixel, flags;
	uint32_t handle, pitch; /* these and the size are returned */
	uint64_t bytes;
};

struct drm_call_map_own {
	uint32_t handle, pad;
	uint64_t offset;
};

#define DRM_CALL_GEM_CLOSE	  _IOW('d', 0x09, struct drm_call_gem_close)
#define DRM_CALL_HANDLE_TO_BUFFER _IOWR('d', 0x2d, struct drm_call_prime)
#define DRM_CALL_BUFFER_TO_HANDLE _IOWR('d', 0x2e, struct drm_call_prime)
#define DRM_CALL_RESOURCES	  _IOWR('d', 0xa0, struct drm_call_resources)
#define DRM_CALL_SET_CRTC	  _IOWR('d', 0xa2, struct drm_call_crtc)
#define DRM_CALL_REMOVE_FRAME	  _IOWR('d', 0xaf, uint32_t)
#define DRM_CALL_CREATE_OWN	  _IOWR('d', 0xb2, struct drm_call_create_own)
#define DRM_CALL_MAP_OWN	  _IOWR('d', 0xb3, struct drm_call_map_own)
#define DRM_CALL_ADD_FRAME	  _IOWR('d', 0xb8, struct drm_call_frame)

/* "XR24" (include/uapi/drm/drm_fourcc.h, DRM_FORMAT_XRGB8888): 32 bits a pixel, blue first. */
#define DRM_CALL_FORMAT_XRGB8888                                                                   \
	((uint32_t)'X' | (uint32_t)'R' << 8 | (uint32_t)'2' << 16 | (uint32_t)'4' << 24)

_Static_assert(sizeof(struct drm_call_mode) == 68, "struct drm_mode_modeinfo");
_Static_assert(sizeof(struct drm_call_crtc) == 104, "struct drm_mode_crtc");
_Static_assert(sizeof(struct drm_call_frame) == 104, "struct drm_mode_fb_cmd2");
_Static_assert(sizeof(struct drm_call_resources) == 64, "struct drm_mode_card_res");
_Static_assert(sizeof(struct drm_call_create_own) == 32, "struct drm_mode_create_dumb");

#endif
