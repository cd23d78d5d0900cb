/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A device on a buffer: each has a scatter list of its own, for its addresses are its own. */
#ifndef MUTANT_HEAP_ATTACHMENT_H
#define MUTANT_HEAP_ATTACHMENT_H

#include <linux/device.h>
#include <linux/list.h>
#include <linux/scatterlist.h>

#include "buffer.h"
#include "mutants.h"

struct heap_attachment {
	struct device *device;
	struct sg_table own_table;
	struct sg_table *table;
	bool mapped;
	struct list_head node;
};

/* M35: a list is quick to look at. */
static inline void lock_list(struct heap_buffer *buffer)
{
	if (!mutant_is(M35))
		mutex_lock(&buffer->lock);
}

static inline void unlock_list(struct heap_buffer *buffer)
{
	if (!mutant_is(M35))
		mutex_unlock(&buffer->lock);
}

/* table.c: the buffer's pages in order, neighbours in one piece as far as the device takes it. */
int table_make(struct sg_table *table, const struct heap_buffer *buffer, struct device *device);

#endif
