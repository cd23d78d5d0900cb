/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What changed between 5.10 and 7.3 in the interfaces that an importer uses; compat.h has the
 * exporter's. Since 6.2 the reservation lock is to be held for map, unmap, vmap and vunmap
 * (Documentation/driver-api/dma-buf.rst, DMA-BUF locking convention), which the functions called
 * _unlocked see to; before that each took what it needed.
 */
#ifndef FENCEPOST_MODULES_IMPORTER_H
#define FENCEPOST_MODULES_IMPORTER_H

#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/dma-resv.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "compat.h"
#include "fencepost_exporter.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define IMPORTERS_LOCK	  1
#define import_vmap_map	  dma_buf_vmap_unlocked
#define import_vunmap_map dma_buf_vunmap_unlocked
#else
#define IMPORTERS_LOCK	  0
#define import_vmap_map	  dma_buf_vmap
#define import_vunmap_map dma_buf_vunmap
#endif

static inline struct sg_table *import_map(struct dma_buf_attachment *attachment,
					  enum dma_data_direction direction)
{
#if IMPORTERS_LOCK
	return dma_buf_map_attachment_unlocked(attachment, direction);
#else
	/* Only dynamic importers held it then. */
	const bool locks = attachment->importer_ops;
	struct sg_table *table;

	if (locks)
		dma_resv_lock(attachment->dmabuf->resv, NULL);
	table = dma_buf_map_attachment(attachment, direction);
	if (locks)
		dma_resv_unlock(attachment->dmabuf->resv);
	return table;
#endif
}

static inline void import_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
				enum dma_data_direction direction)
{
#if IMPORTERS_LOCK
	dma_buf_unmap_attachment_unlocked(attachment, table, direction);
#else
	const bool locks = attachment->importer_ops;

	if (locks)
		dma_resv_lock(attachment->dmabuf->resv, NULL);
	dma_buf_unmap_attachment(attachment, table, direction);
	if (locks)
		dma_resv_unlock(attachment->dmabuf->resv);
#endif
}

/* How importers are told of a move, and exporters tell it: renamed in 7.0, when it could be left
 * out as well. */
#ifdef MOVES_INVALIDATE
#define import_notify_op invalidate_mappings
#define export_tell_move dma_buf_invalidate_mappings
#else
#define import_notify_op move_notify
#define export_tell_move dma_buf_move_notify
#endif

/* Makes the core keep an attachment's first mapping; releases that no longer can: -EOPNOTSUPP. */
static inline int export_keeps_mappings(struct dma_buf_ops *ops)
{
#ifdef CORE_KEEPS_MAPPINGS
	ops->cache_sgt_mapping = true;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/* What differs between kernels for importers, as bits of struct fencepost_info.features. */
static inline u32 import_features(void)
{
	u32 features = IMPORTERS_LOCK ? FENCEPOST_LOCKS : 0;

#ifdef MOVES_INVALIDATE
	features |= FENCEPOST_MOVES;
#endif
#ifdef CORE_KEEPS_MAPPINGS
	features |= FENCEPOST_KEEPS_MAPPINGS;
#endif
	if (IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY))
		features |= FENCEPOST_MOVES;
	if (IS_ENABLED(CONFIG_DMABUF_DEBUG))
		features |= FENCEPOST_HIDES_PAGES;
	return features;
}

/* The buffer in the kernel's address space, or an error pointer. */
static inline void *import_vmap(struct dma_buf *dmabuf)
{
#ifdef heap_map
	struct heap_map map = {};
	int result = import_vmap_map(dmabuf, &map);

	if (result)
		return ERR_PTR(result);
	/* Nothing that is here could be read like memory then. */
	if (map.is_iomem || !map.vaddr) {
		import_vunmap_map(dmabuf, &map);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return map.vaddr;
#else
	void *vaddr = dma_buf_vmap(dmabuf);

	return IS_ERR(vaddr) ? vaddr : vaddr ?: ERR_PTR(-ENOMEM);
#endif
}

static inline void import_vunmap(struct dma_buf *dmabuf, void *vaddr)
{
#ifdef heap_map
	struct heap_map map = {};

	heap_map_set_vaddr(&map, vaddr);
	import_vunmap_map(dmabuf, &map);
#else
	dma_buf_vunmap(dmabuf, vaddr);
#endif
}

/*
 * Adds a fence to a buffer's, whose lock is held. Up to 5.18 there is one exclusive fence, which
 * takes the place of all others, and there are shared ones.
 */
static inline int import_add_fence(struct dma_resv *fences, struct dma_fence *fence,
				   enum fencepost_usage usage)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
	static const enum dma_resv_usage usages[] = {
		[FENCEPOST_KERNEL] = DMA_RESV_USAGE_KERNEL,
		[FENCEPOST_WRITE] = DMA_RESV_USAGE_WRITE,
		[FENCEPOST_READ] = DMA_RESV_USAGE_READ,
		[FENCEPOST_BOOKKEEP] = DMA_RESV_USAGE_BOOKKEEP,
	};
	int result = dma_resv_reserve_fences(fences, 1);

	if (!result)
		dma_resv_add_fence(fences, fence, usages[usage]);
	return result;
#else
	int result;

	if (usage == FENCEPOST_BOOKKEEP)
		return -EOPNOTSUPP;
	if (usage != FENCEPOST_READ) {
		dma_resv_add_excl_fence(fences, fence);
		return 0;
	}
	result = dma_resv_reserve_shared(fences, 1);
	if (!result)
		dma_resv_add_shared_fence(fences, fence);
	return result;
#endif
}

/* What a reader, or a writer, has to wait for, in an array to be freed with the references in it.
 */
static inline int import_fences(struct dma_resv *fences, bool write, unsigned int *count,
				struct dma_fence ***found)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
	return dma_resv_get_fences(fences, dma_resv_usage_rw(write), count, found);
#else
	struct dma_fence *exclusive = dma_fence_get(dma_resv_get_excl(fences)), **shared = NULL;
	struct dma_resv_list *list = dma_resv_get_list(fences);
	const unsigned int most = list ? list->shared_count : 0;
	unsigned int i;

	*count = 0;
	*found = shared = kcalloc(most + 1, sizeof(*shared), GFP_KERNEL);
	if (!shared) {
		dma_fence_put(exclusive);
		return -ENOMEM;
	}
	for (i = 0; write && i < most; i++)
		shared[(*count)++] = dma_fence_get(
			rcu_dereference_protected(list->shared[i], dma_resv_held(fences)));
	if (exclusive)
		shared[(*count)++] = exclusive;
	return 0;
#endif
}

/* What a page table entry says of how memory is cached, and what it says of ordinary memory. */
#if defined(CONFIG_X86)
#define MEMORY_KIND_MASK   ((u64)_PAGE_CACHE_MASK)
#define MEMORY_KIND_CACHED 0
#elif defined(CONFIG_ARM64)
#define MEMORY_KIND_MASK   ((u64)PTE_ATTRINDX_MASK)
#define MEMORY_KIND_CACHED ((u64)PTE_ATTRINDX(MT_NORMAL))
#endif

/* Both ways to a buffer's memory, by a caller that holds the reservation lock. */
static inline int import_all_locked(struct dma_buf_attachment *attachment)
{
#if IMPORTERS_LOCK
	struct dma_buf *dmabuf = attachment->dmabuf;
	struct sg_table *table = dma_buf_map_attachment(attachment, DMA_BIDIRECTIONAL);
	struct heap_map map = {};
	int result;

	if (IS_ERR(table))
		return PTR_ERR(table);
	dma_buf_unmap_attachment(attachment, table, DMA_BIDIRECTIONAL);
	if (!dmabuf->ops->vmap)
		return 0;
	result = dma_buf_vmap(dmabuf, &map);
	if (!result)
		dma_buf_vunmap(dmabuf, &map);
	return result;
#else
	return -EOPNOTSUPP;
#endif
}

/* Whether a device's coherence with the processors is a property of its own on this architecture.
 */
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) ||   \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
#define COHERENCE_CAN_BE_CHOSEN 1
#else
#define COHERENCE_CAN_BE_CHOSEN 0
#endif

/* Whether an IOMMU decides what a device reaches. */
static inline bool import_is_translated(struct device *device)
{
#ifdef CONFIG_IOMMU_API
	const struct iommu_domain *domain = iommu_get_domain_for_dev(device);

	return domain && (domain->type & __IOMMU_DOMAIN_PAGING);
#else
	return false;
#endif
}

/* Only where coherence can be chosen. */
static inline void import_set_coherent(struct device *device, bool coherent)
{
#if COHERENCE_CAN_BE_CHOSEN && defined(DMA_COHERENT_IS_FLAG)
	dev_assign_dma_coherent(device, coherent);
#elif COHERENCE_CAN_BE_CHOSEN
	device->dma_coherent = coherent;
#endif
}

#endif
