/* SPDX-License-Identifier: MIT */
/* vkms.h - the kernel's virtual display, among the displays that a machine may have. */
#ifndef FENCEPOST_VKMS_H
#define FENCEPOST_VKMS_H

#include <stdbool.h>
#include <stddef.h>

/* A new descriptor of its node, or -1 where there is no display of this driver. */
int vkms_open(void);

/* The need "vkms": true, or why not. */
bool vkms_there(char *why, size_t size);

#endif
