/* SPDX-License-Identifier: MIT */
/* dma-debug.h - what the kernel's own check of the DMA API counts. Needs "dma-api-debug". */
#ifndef FENCEPOST_DMA_DEBUG_H
#define FENCEPOST_DMA_DEBUG_H

/* Errors found since boot. */
unsigned long dma_debug_errors(void);

/* Mappings that there are now, of all devices. */
unsigned long dma_debug_mappings(void);

#endif
