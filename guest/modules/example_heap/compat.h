/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What changed between 5.10 and 7.3 in the interfaces that a heap driver uses. A driver is
 * written once; the functions that the kernel calls are made here, each in the form that its
 * release wants.
 */
#ifndef FENCEPOST_MODULES_COMPAT_H
#define FENCEPOST_MODULES_COMPAT_H

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/version.h>

/* A symbol namespace is named by a string since 6.13. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define IMPORT_NAMESPACE(name) MODULE_IMPORT_NS(#name)
#else
#define IMPORT_NAMESPACE(name) MODULE_IMPORT_NS(name)
#endif

/*
 * Makes dma_heap_ops.allocate of "struct dma_buf *function(size_t len, u32 fd_flags)": it returned
 * a descriptor in 5.10, which install() makes, and took its flags as unsigned long still in 6.1.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define DEFINE_HEAP_ALLOCATE_WITH(name, function, install)                                         \
	static struct dma_buf *name(struct dma_heap *heap, unsigned long len, u32 fd_flags,        \
				    u64 heap_flags)                                                \
	{                                                                                          \
		return function(len, fd_flags);                                                    \
	}
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
#define DEFINE_HEAP_ALLOCATE_WITH(name, function, install)                                         \
	static struct dma_buf *name(struct dma_heap *heap, unsigned long len,                      \
				    unsigned long fd_flags, unsigned long heap_flags)              \
	{                                                                                          \
		return function(len, fd_flags);                                                    \
	}
#else
#define DEFINE_HEAP_ALLOCATE_WITH(name, function, install)                                         \
	static int name(struct dma_heap *heap, unsigned long len, unsigned long fd_flags,          \
			unsigned long heap_flags)                                                  \
	{                                                                                          \
		struct dma_buf *dmabuf = function(len, fd_flags);                                  \
                                                                                                   \
		return IS_ERR(dmabuf) ? PTR_ERR(dmabuf) : install(dmabuf, fd_flags);               \
	}
#endif

/* The descriptor of a new buffer; the buffer is gone when there is none to be had. */
static inline int heap_install(struct dma_buf *dmabuf, u32 fd_flags)
{
	int fd = dma_buf_fd(dmabuf, fd_flags);

	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

#define DEFINE_HEAP_ALLOCATE(name, function) DEFINE_HEAP_ALLOCATE_WITH(name, function, heap_install)

/*
 * Makes dma_buf_ops.vmap and .vunmap of "void *map(struct dma_buf *)", which may return an error
 * pointer, and "void unmap(struct dma_buf *)". A mapping was a plain pointer in 5.10, a dma_buf_map
 * up to 5.17.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
#include <linux/iosys-map.h>
#define heap_map	   iosys_map
#define heap_map_set_vaddr iosys_map_set_vaddr
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#include <linux/dma-buf-map.h>
#define heap_map	   dma_buf_map
#define heap_map_set_vaddr dma_buf_map_set_vaddr
#endif

#ifdef heap_map
#define DEFINE_HEAP_VMAP(vmap_name, vunmap_name, map, unmap)                                       \
	static int vmap_name(struct dma_buf *dmabuf, struct heap_map *place)                       \
	{                                                                                          \
		void *vaddr = map(dmabuf);                                                         \
                                                                                                   \
		if (IS_ERR(vaddr))                                                                 \
			return PTR_ERR(vaddr);                                                     \
		heap_map_set_vaddr(place, vaddr);                                                  \
		return 0;                                                                          \
	}                                                                                          \
                                                                                                   \
	static void vunmap_name(struct dma_buf *dmabuf, struct heap_map *place)                    \
	{                                                                                          \
		unmap(dmabuf);                                                                     \
	}
#else
#define DEFINE_HEAP_VMAP(vmap_name, vunmap_name, map, unmap)                                       \
	static void *vmap_name(struct dma_buf *dmabuf)                                             \
	{                                                                                          \
		void *vaddr = map(dmabuf);                                                         \
                                                                                                   \
		return IS_ERR(vaddr) ? NULL : vaddr;                                               \
	}                                                                                          \
                                                                                                   \
	static void vunmap_name(struct dma_buf *dmabuf, void *vaddr)                               \
	{                                                                                          \
		unmap(dmabuf);                                                                     \
	}
#endif

/*
 * A scatter list of pages, neighbours in one piece as far as the device takes it: its limit is a
 * parameter of its own since 5.15.
 */
static inline int heap_sg_table(struct sg_table *table, struct page **pages, unsigned int count,
				struct device *device)
{
	const unsigned long bytes = (unsigned long)count << PAGE_SHIFT;
	/* Whole pages, as these functions want it. */
	const unsigned int most = dma_get_max_seg_size(device) & PAGE_MASK;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
	return sg_alloc_table_from_pages_segment(table, pages, count, 0, bytes, most, GFP_KERNEL);
#else
	return PTR_ERR_OR_ZERO(__sg_alloc_table_from_pages(table, pages, count, 0, bytes, most,
							   NULL, 0, GFP_KERNEL));
#endif
}

/* Adds to an area's flags, which are not to be written to any more since 6.3. */
static inline void heap_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

/* Waits for all fences of a buffer, or until a signal comes. */
static inline void heap_wait_for_fences(struct dma_buf *dmabuf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
	dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_READ, true, MAX_SCHEDULE_TIMEOUT);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	dma_resv_wait_timeout(dmabuf->resv, true, true, MAX_SCHEDULE_TIMEOUT);
#else
	dma_resv_wait_timeout_rcu(dmabuf->resv, true, true, MAX_SCHEDULE_TIMEOUT);
#endif
}

#endif
