/* SPDX-License-Identifier: MIT */
/*
 * Unpacks a tar stream, given in pieces, below a directory: ustar, pax and GNU long names;
 * directories, regular files and symbolic links. Nothing outside the directory is touched, whatever
 * the stream says.
 */
#ifndef FENCEPOST_UNTAR_H
#define FENCEPOST_UNTAR_H

#include <stddef.h>
#include <stdint.h>

/* Begins below `directory`, which is made when it is not there. All return 0, or -1 with
 * untar_problem() set. */
int untar_begin(const char *directory);
int untar_data(const uint8_t *bytes, size_t length);
/* No more is to come: a stream that ends before its end mark is a problem. Frees all there is, in
 * any case. */
int untar_end(void);
/* Frees all there is. */
void untar_abort(void);

/* One line for a reader: which entry, and what is wrong with it. */
const char *untar_problem(void);

#endif
