/* SPDX-License-Identifier: MIT */
/* hardware-needs.h - whether a machine has what cases name as needs; `why` says what is missing. */
#ifndef FENCEPOST_HARDWARE_NEEDS_H
#define FENCEPOST_HARDWARE_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

/* A device that moves data by itself. */
bool hardware_has_master(char *why, size_t size);
/* An IOMMU before it. */
bool hardware_has_iommu(char *why, size_t size);
/* Reusable regions in the device tree. */
bool hardware_has_regions(char *why, size_t size);
/* Memory, and bounce buffers, that a device of 32 bits reaches. */
bool hardware_has_near(char *why, size_t size);
/* Memory that a device of 32 bits does not reach, and bounce buffers that it does. */
bool hardware_has_far(char *why, size_t size);

#endif
