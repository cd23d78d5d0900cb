/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_MOUNT_H
#define FENCEPOST_MOUNT_H

/* Mounts what programs expect of a machine. A file system that the kernel lacks is left out: facts
 * tell. */
void mount_all(void);

#endif
