/* SPDX-License-Identifier: MIT */
/* screen.h - what the display shows, and pictures to tell one from another. */
#ifndef FENCEPOST_DISPLAY_SCREEN_H
#define FENCEPOST_DISPLAY_SCREEN_H

#include <stddef.h>
#include <stdint.h>

/*
 * A picture has a line in each page of a buffer of card_pages(), so that each page is seen in its
 * place, and few pixels in it, so that it is composed quickly.
 */
#define PICTURE_WIDTH 32

/* Bytes of a buffer with a picture, a line in each page. */
size_t picture_bytes(void);

/* Draws a picture by chance from `seed`, with lines `pitch_bytes` apart. */
void picture_draw(void *at, size_t pitch_bytes, uint32_t seed);
/* The same between SYNC START and END, into a buffer with a line in each page. */
void picture_draw_into(int buffer, uint32_t seed);

/*
 * A frame that the display can show: a picture from the first byte on of what the handle stands for
 * (vkms reads beyond the end where it begins later: docs/findings.md). Its id; the case fails when
 * there is none.
 */
uint32_t screen_frame(int card, uint32_t handle, size_t pitch_bytes);
void screen_remove_frame(int card, uint32_t frame);

/* Shows it, and returns when it is shown: 0, or -1 with errno. */
int screen_show(int card, uint32_t frame);
/* Shows nothing; switches off. */
void screen_off(int card);

/* The checksum of the next picture that is composed. Needs "debugfs". */
uint32_t screen_checksum(int card);

/* The checksum of the picture of this seed, from memory of the display's own; it is shown for that.
 */
uint32_t screen_checksum_of(int card, uint32_t seed);

#endif
