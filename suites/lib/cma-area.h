/* SPDX-License-Identifier: MIT */
/* cma-area.h - the kernel's CMA areas by their names, as sysfs or debugfs tells them. */
#ifndef FENCEPOST_CMA_AREA_H
#define FENCEPOST_CMA_AREA_H

#include <stdbool.h>

#define CMA_AREAS_MAX 8

struct cma_areas {
	unsigned int count; /* 0 where there are none, or the kernel does not tell */
	char names[CMA_AREAS_MAX][64];
};

void cma_areas_read(struct cma_areas *areas);
bool cma_area_exists(const char *name);

#endif
