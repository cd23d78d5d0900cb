/* SPDX-License-Identifier: MIT */
/* patterned-name.h - names that show by themselves whether they have been torn, and where they are
 * to be seen. */
#ifndef FENCEPOST_PATTERNED_NAME_H
#define FENCEPOST_PATTERNED_NAME_H

/* How many there are. */
#define PATTERNED_NAMES 26

/* DMA_BUF_SET_NAME with the name number `which`: a letter, as often as only that name has it. */
void patterned_name_set(int buffer, unsigned int which);

/*
 * The case fails unless what is shown there, once, is a patterned name, or no name at all: in the
 * link in /proc/self/fd; in fdinfo; in debugfs's bufinfo, of every buffer whose name begins like a
 * patterned one.
 */
void patterned_name_in_link(int buffer);
void patterned_name_in_fdinfo(int buffer);
void patterned_names_in_bufinfo(void);

#endif
