/* SPDX-License-Identifier: MIT */
/* device-needs.h - needs that the device module looks for: each is true, or says why not. */
#ifndef FENCEPOST_DEVICE_NEEDS_H
#define FENCEPOST_DEVICE_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

/* "dmabuf-debug": importers are shown no pages. */
bool have_dmabuf_debug(char *why, size_t size);
/* "kept-mappings": an exporter can have the core keep mappings. */
bool have_kept_mappings(char *why, size_t size);
/* "heap-adding": a module can add heaps. */
bool have_heap_adding(char *why, size_t size);

#endif
