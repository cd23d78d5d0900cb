/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A buffer of this heap, and what its parts offer each other. */
#ifndef MUTANT_HEAP_BUFFER_H
#define MUTANT_HEAP_BUFFER_H

#include <linux/dma-buf.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct heap_buffer {
	size_t page_count;
	struct page **pages;
	bool is_block;
	dma_addr_t block; /* where it lies then for the heap's own device */
	atomic_t mappings;
	bool pages_gone; /* given back before the buffer's time */
	/* Guards all that follows. */
	struct mutex lock;
	struct list_head attachments;
	struct sg_table common_table; /* M32 */
	/* Where the kernel has mapped it; NULL where it has not. */
	void *vaddr;
};

static inline size_t buffer_bytes(const struct heap_buffer *buffer)
{
	return buffer->page_count << PAGE_SHIFT;
}

/* pages.c: memory for a buffer of `len` bytes, cleared, or an error pointer. */
struct heap_buffer *buffer_allocate(size_t len);
void buffer_free_pages(struct heap_buffer *buffer);
void buffer_free(struct heap_buffer *buffer);
int pages_prepare(void);

/* attachment.c: the buffer as devices see it. */
int buffer_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment);
void buffer_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment);
struct sg_table *buffer_map(struct dma_buf_attachment *attachment,
			    enum dma_data_direction direction);
void buffer_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
		  enum dma_data_direction direction);

/* access.c: programs and the kernel take it from devices, and give it back. */
int buffer_begin_access(struct dma_buf *dmabuf, enum dma_data_direction direction);
int buffer_end_access(struct dma_buf *dmabuf, enum dma_data_direction direction);

/* mapping.c: the buffer as programs and the kernel see it. */
int buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma);
void *buffer_vmap(struct dma_buf *dmabuf);
void buffer_vunmap(struct dma_buf *dmabuf);

#endif
