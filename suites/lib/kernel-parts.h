/* SPDX-License-Identifier: MIT */
/* kernel-parts.h - what the running kernel was built with, as far as it can be seen from outside.
 * Each says in `why` what is missing. */
#ifndef FENCEPOST_KERNEL_PARTS_H
#define FENCEPOST_KERNEL_PARTS_H

#include <stdbool.h>
#include <stddef.h>

/* Is a function of this name in the kernel or in a loaded module (/proc/kallsyms)? */
bool kernel_has_function(const char *name, char *why, size_t size);

/* Are the nodes in /dev as the kernel itself made them, with no udev to change them? */
bool kernel_made_nodes(char *why, size_t size);

/* Is there a cgroup controller of memory that can be used (version 2, or no version 1 in its way)?
 */
bool kernel_has_memory_controller(char *why, size_t size);

/*
 * The value of a parameter on the kernel's command line, of the last where it has several; NULL
 * where it has none. It is valid until the next call.
 */
const char *kernel_parameter(const char *name);

/* Was the kernel told to bounce whatever a device maps (swiotlb=force)? */
bool kernel_bounces_all(void);

#endif
