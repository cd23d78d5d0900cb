/* SPDX-License-Identifier: MIT */
/* cma-place.h - where CMA areas lie, by debugfs, and which of them a heap takes its memory from. */
#ifndef FENCEPOST_CMA_PLACE_H
#define FENCEPOST_CMA_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cma_place {
	char name[64];
	uint64_t address, bytes;
	/* Given out; the whole area where debugfs does not tell. */
	uint64_t used_bytes;
};

/* The areas, at most `most`; how many there are. 0 where there are none, or debugfs tells nothing.
 */
size_t cma_places(struct cma_place *places, size_t most);

/* The area called `name`. Up to 5.10 debugfs cuts names off after 11 characters. */
bool cma_place_named(const char *name, struct cma_place *place);

/* The area that the subject's buffers come from: the one called as it is, else the default one. */
bool cma_place_of_subject(struct cma_place *place);

/* The area that this physical address lies in. */
bool cma_place_at(uint64_t address, struct cma_place *place);

#endif
