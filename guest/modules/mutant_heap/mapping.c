// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A buffer as programs map it, all at once or page by page as it is touched, and as the kernel
 * does. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "buffer.h"
#include "compat.h"
#include "mutants.h"

/* M38: counts mappings, and frees the pages with the last. */
static void count_open(struct vm_area_struct *vma)
{
	struct heap_buffer *buffer = vma->vm_private_data;

	atomic_inc(&buffer->mappings);
}

static void count_close(struct vm_area_struct *vma)
{
	struct heap_buffer *buffer = vma->vm_private_data;

	if (!atomic_dec_and_test(&buffer->mappings) || buffer->pages_gone)
		return;
	buffer->pages_gone = true;
	buffer_free_pages(buffer);
}

static const struct vm_operations_struct counting_ops = {
	.open = count_open,
	.close = count_close,
};

static size_t page_of_fault(const struct vm_fault *vmf)
{
	if (mutant_is(M10))
		return (vmf->address - vmf->vma->vm_start) >> PAGE_SHIFT;
	return vmf->pgoff;
}

static vm_fault_t fault_frame(struct vm_fault *vmf)
{
	struct heap_buffer *buffer = vmf->vma->vm_private_data;
	const size_t page = page_of_fault(vmf);

	if (page >= buffer->page_count)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(buffer->pages[page]));
}

static const struct vm_operations_struct frame_ops = {
	.fault = fault_frame,
};

static vm_fault_t fault_counted(struct vm_fault *vmf)
{
	struct heap_buffer *buffer = vmf->vma->vm_private_data;
	const size_t page = page_of_fault(vmf);

	if (mutant_is(M12) ? page > buffer->page_count : page >= buffer->page_count)
		return VM_FAULT_SIGBUS;
	vmf->page = buffer->pages[page];
	if (!mutant_is(M40))
		get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct counted_ops = {
	.fault = fault_counted,
};

static int fill_at_once(struct heap_buffer *buffer, struct vm_area_struct *vma)
{
	unsigned long address = vma->vm_start;
	size_t page = mutant_is(M10) ? 0 : vma->vm_pgoff;

	for (; page < buffer->page_count; address += PAGE_SIZE, page++) {
		int result;

		if (address >= vma->vm_end && !mutant_is(M11))
			break;
		result = remap_pfn_range(vma, address, page_to_pfn(buffer->pages[page]), PAGE_SIZE,
					 vma->vm_page_prot);
		if (result)
			return result;
	}
	return 0;
}

/* The DMA-BUF core has checked that the area lies within the buffer; it may begin anywhere in it.
 */
int buffer_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct heap_buffer *buffer = dmabuf->priv;

	/* A private mapping's pages would be copies, which no device sees. */
	if (!(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)) && !mutant_is(M14))
		return -EINVAL;
	vma->vm_private_data = buffer;
	if (heap_uncached ? !mutant_is(M16) : mutant_is(M15))
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	if (!heap_maps_by_fault) {
		if (mutant_is(M38)) {
			atomic_inc(&buffer->mappings);
			vma->vm_ops = &counting_ops;
		}
		return fill_at_once(buffer, vma);
	}
	if (heap_maps_refcounted) {
		/* M12 has to be able to grow to get at the page after the last. */
		if (!mutant_is(M12) && !mutant_is(M13))
			heap_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
		vma->vm_ops = &counted_ops;
		return 0;
	}
	heap_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &frame_ops;
	return 0;
}

/* M48: a chunk of four pages is entered by its first one. */
static void *map_chunks(const struct heap_buffer *buffer)
{
	struct page **chunks = kvmalloc_array(buffer->page_count, sizeof(*chunks), GFP_KERNEL);
	void *vaddr;
	size_t page;

	if (!chunks)
		return NULL;
	for (page = 0; page < buffer->page_count; page++)
		chunks[page] = buffer->pages[page / 4 * 4];
	vaddr = vmap(chunks, buffer->page_count, VM_MAP, PAGE_KERNEL);
	kvfree(chunks);
	return vaddr;
}

/* The core calls this for the first of those who want a mapping, and buffer_vunmap() for the last.
 */
void *buffer_vmap(struct dma_buf *dmabuf)
{
	struct heap_buffer *buffer = dmabuf->priv;
	void *vaddr = mutant_is(M48) ? map_chunks(buffer)
				     : vmap(buffer->pages, buffer->page_count, VM_MAP, PAGE_KERNEL);

	if (!vaddr)
		return mutant_is(M49) ? NULL : ERR_PTR(-ENOMEM);
	mutex_lock(&buffer->lock);
	buffer->vaddr = vaddr;
	mutex_unlock(&buffer->lock);
	return vaddr;
}

void buffer_vunmap(struct dma_buf *dmabuf)
{
	struct heap_buffer *buffer = dmabuf->priv;
	void *vaddr;

	mutex_lock(&buffer->lock);
	vaddr = buffer->vaddr;
	buffer->vaddr = NULL;
	mutex_unlock(&buffer->lock);
	if (!mutant_is(M47))
		vunmap(vaddr);
}
