/* SPDX-License-Identifier: MIT */
/* slab.h - whether the kernel keeps something small each time that something is done. */
#ifndef FENCEPOST_SLAB_H
#define FENCEPOST_SLAB_H

/*
 * Does `work` with `argument`, which does something very often, and fails the case when slab memory
 * has grown by more than `leak_bytes`, and by as much again when it is done again.
 */
#define EXPECT_SLAB_FLAT(work, argument, leak_bytes)                                               \
	slab_check_flat(__FILE__, __LINE__, (work), (argument), (leak_bytes))
void slab_check_flat(const char *file, int line, void (*work)(void *), void *argument,
		     unsigned int leak_bytes);

#endif
