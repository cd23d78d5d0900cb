/* SPDX-License-Identifier: MIT */
/*
 * ion.h - ION, which heaps have replaced: /dev/ion in kernels up to 5.10. What of its interface is
 * ABI (drivers/staging/android/uapi/ion.h, as from 4.12 on), which no C library has a header of.
 *
 * A subject "ion:NAME" is the heap that is called NAME in /dev/dma_heap on later kernels, reached
 * through ION: "ion:system" is ION's ion_system_heap, and any other NAME its heap of the CMA area
 * NAME, as those libraries had it that chose between the two.
 */
#ifndef FENCEPOST_ION_H
#define FENCEPOST_ION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define ION_NODE	"/dev/ion"
#define ION_NAME_BYTES	32
#define ION_HEAPS_MAX	32 /* a heap is a bit of a mask */
#define ION_CACHED	1u /* a flag of an allocation: mapped cached, not write-combined */
#define ION_SYSTEM_HEAP "ion_system_heap"
#define ION_CONTIG_HEAP "ion_system_contig_heap"

enum ion_type { ION_SYSTEM, ION_SYSTEM_CONTIG, ION_CARVEOUT, ION_CHUNK, ION_DMA, ION_CUSTOM };

struct ion_allocation {
	uint64_t len;
	uint32_t heap_mask; /* bit N: the heap with id N */
	uint32_t flags;
	uint32_t fd; /* out */
	uint32_t unused;
};

struct ion_heap {
	char name[ION_NAME_BYTES];
	uint32_t type; /* enum ion_type */
	uint32_t id;
	uint32_t reserved[3];
};

struct ion_query {
	uint32_t count;
	uint32_t reserved0;
	uint64_t heaps; /* address of that many struct ion_heap; 0: only count them */
	uint32_t reserved1, reserved2;
};

#define ION_IOC_ALLOC _IOWR('I', 0, struct ion_allocation)
#define ION_IOC_QUERY _IOWR('I', 8, struct ion_query)

/* The subject's name behind "ion:", or NULL when it is none of ION's. */
const char *ion_subject(void);

/* ION's heaps, at most ION_HEAPS_MAX of them; how many there are, or -1 with errno. */
int ion_heaps(int ion, struct ion_heap *heaps);

/* The heap that has this name for ION; false: there is none. */
bool ion_heap_named(int ion, const char *name, struct ion_heap *heap);

/* A buffer of any of the heaps in the mask: its descriptor, or -1 with errno. */
int ion_allocate(int ion, uint64_t len, uint32_t heap_mask, uint32_t flags);

/* A buffer of the subject: its descriptor, or -1 with errno; ENODEV where the heap is not there. */
int ion_subject_allocate(int ion, uint64_t len);

#endif
