// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The exporter itself: it does what it is asked, after it has written down that it was. */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "exporter.h"
#include "importer.h"

/* What a call that is refused with NULL instead of an error comes to. */
#define REFUSED_WITH_NULL 1

/* 0 when the call is to be done, a negative errno or REFUSED_WITH_NULL when not. */
static int record_direction(struct dma_buf *dmabuf, enum fencepost_call_of of,
			    enum dma_data_direction direction)
{
	struct exported *exported = dmabuf->priv;
	struct fencepost_call *call = &exported->calls[of];
	int result = 0;

	spin_lock(&exported->lock);
	call->count++;
	call->locked += dma_resv_is_locked(dmabuf->resv);
	call->direction = direction;
	call->last = ++exported->last;
	if (exported->refusals[of].times) {
		exported->refusals[of].times--;
		call->refused++;
		result = -(int)exported->refusals[of].error ?: REFUSED_WITH_NULL;
	}
	spin_unlock(&exported->lock);
	return result;
}

static int record(struct dma_buf *dmabuf, enum fencepost_call_of of)
{
	return record_direction(dmabuf, of, DMA_NONE);
}

static int attach_op(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	return record(dmabuf, FENCEPOST_CALL_ATTACH);
}

static void detach_op(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	record(dmabuf, FENCEPOST_CALL_DETACH);
}

static int pin_op(struct dma_buf_attachment *attachment)
{
	return record(attachment->dmabuf, FENCEPOST_CALL_PIN);
}

static void unpin_op(struct dma_buf_attachment *attachment)
{
	record(attachment->dmabuf, FENCEPOST_CALL_UNPIN);
}

static struct sg_table *map_op(struct dma_buf_attachment *attachment,
			       enum dma_data_direction direction)
{
	struct exported *exported = attachment->dmabuf->priv;
	int result = record_direction(attachment->dmabuf, FENCEPOST_CALL_MAP, direction);
	struct sg_table *table;
	struct scatterlist *piece;
	int i;

	if (result)
		return result == REFUSED_WITH_NULL ? NULL : ERR_PTR(result);
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	result = sg_alloc_table(table, exported->page_count, GFP_KERNEL);
	if (result)
		goto free;
	for_each_sgtable_sg(table, piece, i) sg_set_page(piece, exported->pages[i], PAGE_SIZE, 0);
	result = dma_map_sgtable(attachment->dev, table, direction, 0);
	if (!result)
		return table;
	sg_free_table(table);
free:
	kfree(table);
	return ERR_PTR(result);
}

static void unmap_op(struct dma_buf_attachment *attachment, struct sg_table *table,
		     enum dma_data_direction direction)
{
	record_direction(attachment->dmabuf, FENCEPOST_CALL_UNMAP, direction);
	dma_unmap_sgtable(attachment->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
}

static int begin_op(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	return record_direction(dmabuf, FENCEPOST_CALL_BEGIN, direction);
}

static int end_op(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	return record_direction(dmabuf, FENCEPOST_CALL_END, direction);
}

static int mmap_op(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct exported *exported = dmabuf->priv;
	int result = record(dmabuf, FENCEPOST_CALL_MMAP);
	unsigned long address = vma->vm_start;
	size_t page = vma->vm_pgoff;

	/* What a private mapping's writer sees would be a copy. */
	if (!result && !(vma->vm_flags & VM_MAYSHARE))
		result = -EINVAL;
	for (; !result && address < vma->vm_end; address += PAGE_SIZE, page++)
		result = remap_pfn_range(vma, address, page_to_pfn(exported->pages[page]),
					 PAGE_SIZE, vma->vm_page_prot);
	return result;
}

static void *vmap_buffer(struct dma_buf *dmabuf)
{
	struct exported *exported = dmabuf->priv;
	int result = record(dmabuf, FENCEPOST_CALL_VMAP);

	if (result)
		return ERR_PTR(result);
	exported->vaddr = vmap(exported->pages, exported->page_count, VM_MAP, PAGE_KERNEL);
	return exported->vaddr ?: ERR_PTR(-ENOMEM);
}

static void vunmap_buffer(struct dma_buf *dmabuf)
{
	struct exported *exported = dmabuf->priv;

	record(dmabuf, FENCEPOST_CALL_VUNMAP);
	vunmap(exported->vaddr);
}

DEFINE_HEAP_VMAP(vmap_op, vunmap_op, vmap_buffer, vunmap_buffer)

static void release_op(struct dma_buf *dmabuf)
{
	record(dmabuf, FENCEPOST_CALL_RELEASE);
	exported_put(dmabuf->priv);
}

static const struct dma_buf_ops all_ops = {
	.attach = attach_op,
	.detach = detach_op,
	.pin = pin_op,
	.unpin = unpin_op,
	.map_dma_buf = map_op,
	.unmap_dma_buf = unmap_op,
	.begin_cpu_access = begin_op,
	.end_cpu_access = end_op,
	.mmap = mmap_op,
	.vmap = vmap_op,
	.vunmap = vunmap_op,
	.release = release_op,
};

static int choose_ops(struct dma_buf_ops *ops, u32 flags)
{
	const u32 known = FENCEPOST_EXPORT_DYNAMIC | FENCEPOST_EXPORT_NO_MMAP |
			  FENCEPOST_EXPORT_NO_VMAP | FENCEPOST_EXPORT_KEEPS;

	/* The core warns of an exporter that is both: what moves cannot keep a mapping. */
	if ((flags & ~known) ||
	    ((flags & FENCEPOST_EXPORT_DYNAMIC) && (flags & FENCEPOST_EXPORT_KEEPS)))
		return -EINVAL;
	/* Field by field where there are some: most of it is const. */
	memcpy(ops, &all_ops, sizeof(all_ops));
	if (!(flags & FENCEPOST_EXPORT_DYNAMIC)) {
		ops->pin = NULL;
		ops->unpin = NULL;
	}
	if (flags & FENCEPOST_EXPORT_NO_MMAP)
		ops->mmap = NULL;
	if (flags & FENCEPOST_EXPORT_NO_VMAP) {
		ops->vmap = NULL;
		ops->vunmap = NULL;
	}
	return flags & FENCEPOST_EXPORT_KEEPS ? export_keeps_mappings(ops) : 0;
}

static void exported_free(struct kref *references)
{
	struct exported *exported = container_of(references, struct exported, references);

	while (exported->page_count)
		__free_page(exported->pages[--exported->page_count]);
	kvfree(exported->pages);
	kfree(exported);
}

void exported_put(struct exported *exported)
{
	kref_put(&exported->references, exported_free);
}

struct exported *exported_of(struct dma_buf *dmabuf)
{
	return dmabuf->ops->release == release_op ? dmabuf->priv : NULL;
}

static struct exported *allocate_exported(size_t size, u32 flags)
{
	struct exported *exported = kzalloc(sizeof(*exported), GFP_KERNEL);
	int result = -ENOMEM;

	if (!exported)
		return ERR_PTR(-ENOMEM);
	kref_init(&exported->references);
	spin_lock_init(&exported->lock);
	exported->pages = kvmalloc_array(size >> PAGE_SHIFT, sizeof(*exported->pages), GFP_KERNEL);
	if (!exported->pages)
		goto put;
	while (exported->page_count < size >> PAGE_SHIFT) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);

		if (!page)
			goto put;
		exported->pages[exported->page_count++] = page;
	}
	result = choose_ops(&exported->ops, flags);
	if (!result)
		return exported;
put:
	exported_put(exported);
	return ERR_PTR(result);
}

struct dma_buf *exported_make(size_t size, u32 flags, u32 fd_flags, struct exported **place)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct exported *exported;
	struct dma_buf *dmabuf;

	if (!size || size > FENCEPOST_MAX_EXPORTED || offset_in_page(size))
		return ERR_PTR(-EINVAL);
	exported = allocate_exported(size, flags);
	if (IS_ERR(exported))
		return ERR_CAST(exported);
	info.ops = &exported->ops;
	info.size = size;
	info.flags = fd_flags;
	info.priv = exported;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		exported_put(exported);
	} else if (place) {
		kref_get(&exported->references);
		*place = exported;
	}
	return dmabuf;
}
