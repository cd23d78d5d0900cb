/* SPDX-License-Identifier: MIT */
/* exporter.h - the module that a heap's buffers come from. */
#ifndef FENCEPOST_EXPORTER_H
#define FENCEPOST_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The one module whose reference count rises with a buffer of the subject (include/linux/dma-buf.h,
 * struct dma_buf_export_info.owner). False when there is none; the case fails when there are more.
 */
bool exporter_module(char *name, size_t size);

/* Its reference count now; the case fails when it cannot be read. */
int module_references(const char *module);

/* What /proc/modules says of it, one line: "NAME SIZE REFS USERS STATE ADDRESS (TAINTS)". */
void module_line(const char *module, char *line, int size);

/* Is there a module loaded that the kernel did not come with? */
bool modules_from_elsewhere(void);

/* delete_module(2) with O_NONBLOCK: 0, or -1 with errno. */
int module_unload(const char *module);

#endif
