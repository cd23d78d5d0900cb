// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Heaps that are added: whether dma_heap_add() looks at what it is given. It is not exported by
 * every kernel, so it is looked for when it is needed: the rest of the module does without.
 */
#include <linux/dma-heap.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "exporter.h"
#include "holdings.h"

static struct dma_buf *allocate(size_t len, u32 fd_flags)
{
	return exported_make(len, 0, fd_flags, NULL);
}

DEFINE_HEAP_ALLOCATE(allocate_op, allocate)

static const struct dma_heap_ops working = {
	.allocate = allocate_op,
};

static const struct dma_heap_ops without_allocate = {};

bool heap_can_be_added(void)
{
	if (!symbol_get(dma_heap_add))
		return false;
	symbol_put(dma_heap_add);
	return true;
}

static struct dma_heap *add(const struct dma_heap_export_info *info)
{
	typeof(&dma_heap_add) function = symbol_get(dma_heap_add);
	struct dma_heap *heap;

	if (!function)
		return ERR_PTR(-EOPNOTSUPP);
	heap = function(info);
	symbol_put(dma_heap_add);
	return heap;
}

long heap_add(struct holdings *holdings, const struct fencepost_heap *wanted)
{
	const u32 known =
		FENCEPOST_HEAP_NO_NAME | FENCEPOST_HEAP_NO_OPS | FENCEPOST_HEAP_NO_ALLOCATE;
	struct dma_heap_export_info info = {.ops = &working};
	struct dma_heap *heap;
	char *name;

	if (wanted->pad || (wanted->flags & ~known) ||
	    strnlen(wanted->name, sizeof(wanted->name)) == sizeof(wanted->name))
		return -EINVAL;
	/* The heap keeps the pointer, for as long as it is there: that is for good. */
	name = kstrdup(wanted->name, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	info.name = wanted->flags & FENCEPOST_HEAP_NO_NAME ? NULL : name;
	if (wanted->flags & FENCEPOST_HEAP_NO_OPS)
		info.ops = NULL;
	else if (wanted->flags & FENCEPOST_HEAP_NO_ALLOCATE)
		info.ops = &without_allocate;
	/* As is the module, whose code it calls. */
	__module_get(THIS_MODULE);
	heap = add(&info);
	if (!IS_ERR(heap))
		return 0;
	module_put(THIS_MODULE);
	kfree(name);
	return PTR_ERR(heap);
}
