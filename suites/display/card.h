/* SPDX-License-Identifier: MIT */
/*
 * card.h - the display's driver, vkms: it imports buffers, which attaches and maps them (in 7.3 it
 * attaches alone), and maps those that it shows into the kernel. One open file is one importer.
 */
#ifndef FENCEPOST_DISPLAY_CARD_H
#define FENCEPOST_DISPLAY_CARD_H

#include <stddef.h>
#include <stdint.h>

/* Opens the display. Needs "vkms". */
int card_open(void);

/* Where debugfs tells of it: /sys/kernel/debug/dri/N, with N this. */
unsigned int card_number(int card);

/*
 * Pages of a buffer that the display can map: CHUNKED_PAGES, and where every mapping is bounced as
 * many as can be in one piece (kernel/dma/swiotlb.c: swiotlb_max_mapping_size()).
 */
size_t card_pages(void);

/* Takes the buffer in: its handle. The raw one is 0, or -1 with errno. */
uint32_t card_import(int card, int buffer);
int card_import_raw(int card, int buffer, uint32_t *handle);

/* A new descriptor of what the handle stands for, or -1 with errno; `flags` is O_CLOEXEC, O_RDWR or
 * both. */
int card_export(int card, uint32_t handle, uint32_t flags);

/* Lets go of it: 0, or -1 with errno. */
int card_close_handle(int card, uint32_t handle);

/* Memory of the display's own, for a picture of this size. */
struct own_memory {
	uint32_t handle, pitch_bytes;
	size_t bytes;
	void *at; /* mapped */
};
struct own_memory card_own_memory(int card, uint32_t width, uint32_t height);

#endif
