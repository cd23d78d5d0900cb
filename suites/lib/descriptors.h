/* SPDX-License-Identifier: MIT */
/* descriptors.h - the file descriptor table: whether a call that failed left something in it, and
 * how to fill it. */
#ifndef FENCEPOST_DESCRIPTORS_H
#define FENCEPOST_DESCRIPTORS_H

/*
 * How many of the first 256 descriptor numbers are taken: by an open file, or by a call that has
 * reserved the number and not given it back.
 */
int descriptors_open(void);
/* Lowers RLIMIT_NOFILE's soft limit so that no descriptor can be had (EMFILE); returns what it was.
 */
unsigned long descriptors_forbid(void);
/* Sets the soft limit back to `limit`. */
void descriptors_allow(unsigned long limit);

#endif
