/* SPDX-License-Identifier: MIT */
/* memory.h - how much memory there is for the subject, and whether what was taken has come back. */
#ifndef FENCEPOST_MEMORY_H
#define FENCEPOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of /proc/meminfo in bytes; 0 when there is no such line. */
uint64_t meminfo_bytes(const char *key);

/*
 * What the subject's buffers are taken from: for a CMA heap what its area has not given out, by
 * its own counters, or CmaFree where there are none; MemAvailable for the others.
 */
uint64_t heap_free_bytes(void);

/* Are the subject's buffers blocks of a CMA area? */
bool heap_is_cma(void);

/* All of the area that a CMA heap's buffers come from. */
uint64_t heap_area_bytes(void);

/* Pages of all CMA areas that are given out, exactly; -1 where the kernel does not count them. */
long long cma_used_pages(void);
/* Pages that were asked of CMA areas in vain, since boot; -1 where the kernel does not count them.
 */
long long cma_refused_pages(void);

/* The largest buffer a case may take without being a burden: a quarter of what is free. */
uint64_t heap_room(void);

/* Skips the case unless the heap has room for `bytes`; what is free decides, not whether an
 * allocation works. */
void heap_require(uint64_t bytes);

/*
 * Memory that leaks is told from memory that lies in a per-CPU list for a while by waiting, and
 * from what the kernel takes for itself by being more than this. Leaks to be seen must be several
 * times as large.
 */
#define MEMORY_NOISE_BYTES (6u * 1024 * 1024)

/*
 * The case fails when heap_free_bytes() does not come back to `before` within 4 s: less the noise,
 * unless an area's counters tell exactly.
 */
#define EXPECT_MEMORY_BACK(before) memory_check_back(__FILE__, __LINE__, (before))
void memory_check_back(const char *file, int line, uint64_t before);

/* How many dma-bufs live in the whole system, from debugfs; -1 where that cannot be read. */
long live_buffers(void);

/* Fills about three quarters of the free memory (or of the CMA region) with a pattern and gives it
 * back. */
void make_free_memory_dirty(void);

#endif
