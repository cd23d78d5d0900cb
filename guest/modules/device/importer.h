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
#include <linux/iommu.h>
#include <linux/version.h>

#include "compat.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define import_map	  dma_buf_map_attachment_unlocked
#define import_unmap	  dma_buf_unmap_attachment_unlocked
#define import_vmap_map	  dma_buf_vmap_unlocked
#define import_vunmap_map dma_buf_vunmap_unlocked
#else
#define import_map	  dma_buf_map_attachment
#define import_unmap	  dma_buf_unmap_attachment
#define import_vmap_map	  dma_buf_vmap
#define import_vunmap_map dma_buf_vunmap
#endif

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
