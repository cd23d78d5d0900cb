/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_MODULE_H
#define FENCEPOST_MODULE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Loads the modules that `fencepost.modules=a,b` on the command line names, in that order, each
 * with the parameters that the command line has for it. Writes a fact for each, "module.NAME=ok" or
 * "module.NAME=why not", ended by NUL, to `facts`; returns their length.
 */
size_t module_load_all(char *facts, size_t size);

/* Loads one from a file. Returns 0, or -1 with errno set. */
int module_load(const char *path, const char *parameters);

/* Unloads one that nobody uses. Returns 0, or -1 with errno set. */
int module_unload(const char *name);

/* Whether it is loaded and can never be unloaded, because it has no exit function. */
bool module_is_permanent(const char *name);

#endif
