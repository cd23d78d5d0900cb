/* SPDX-License-Identifier: MIT */
/* registry.h - the suite's cases, in the catalogue's order. */
#ifndef FENCEPOST_REGISTRY_H
#define FENCEPOST_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"

/*
 * Collects and sorts the cases of the suite that goes by the last part of `path`; of the only one,
 * if the program holds one. False, with a message on stderr: there is no such suite, or one of its
 * cases is not fit to run.
 */
bool fp_registry_load(const char *path);

/* The suite's name; before it is known, what the program is called. */
const char *fp_suite(void);

size_t fp_case_count(void);
const struct fp_case *fp_case_at(size_t index);
/* The case with this id, or NULL. */
const struct fp_case *fp_case_find(const char *id);

/* Prints the cases as a JSON array. */
void fp_list(void);

#endif
