/* SPDX-License-Identifier: MIT */
/* descriptors.h - the file descriptor table: whether a call that failed left something in it, and
 * how to fill it. */
#ifndef FENCEPOST_DESCRIPTORS_H
#define FENCEPOST_DESCRIPTORS_H

/* How many of this process's descriptors below 1024 are open. */
int descriptors_open(void);
/* Lowers RLIMIT_NOFILE's soft limit so that no descriptor can be had (EMFILE); returns what it was.
 */
unsigned long descriptors_forbid(void);
/* Sets the soft limit back to `limit`. */
void descriptors_allow(unsigned long limit);

#endif
