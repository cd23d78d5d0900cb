// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A heap as a vendor would write one, which keeps every promise, or breaks one of them on request:
 * mutants.h says which. It is there to see whether the suites notice.
 */
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "compat.h"
#include "buffer.h"
#include "mutants.h"

static char heap_name[32];

/* M61: the fences of every buffer. */
static struct dma_resv common_fences;

DEFINE_HEAP_VMAP(vmap_op, vunmap_op, buffer_vmap, buffer_vunmap)

/* The last user is gone: descriptors, mappings and attachments each hold the buffer. */
static void release(struct dma_buf *dmabuf)
{
	if (mutant_is(M62))
		heap_wait_for_fences(dmabuf);
	buffer_free(dmabuf->priv);
}

static const struct dma_buf_ops buffer_ops = {
	.attach = buffer_attach,
	.detach = buffer_detach,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.begin_cpu_access = buffer_begin_access,
	.end_cpu_access = buffer_end_access,
	.mmap = buffer_mmap,
	.vmap = vmap_op,
	.vunmap = vunmap_op,
	.release = release,
};

static size_t size_told(size_t len)
{
	if (mutant_is(M06))
		return len - 1;
	if (mutant_is(M07))
		return len + PAGE_SIZE;
	if (mutant_is(M53))
		return (u32)len;
	return len;
}

static struct dma_buf *export(struct heap_buffer *buffer, size_t len, u32 fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	char name[sizeof(heap_name)];

	strscpy(name, heap_name, sizeof(name));
	info.exp_name = mutant_is(M57) ? name : heap_name;
	info.ops = &buffer_ops;
	info.size = size_told(len);
	info.flags = mutant_is(M17) ? O_RDWR | (fd_flags & O_CLOEXEC) : fd_flags;
	info.priv = buffer;
	if (mutant_is(M59))
		info.owner = NULL;
	if (mutant_is(M61))
		info.resv = &common_fences;
	return dma_buf_export(&info);
}

/* The heap interface has rounded the length up to whole pages, and refused 0. */
static struct dma_buf *allocate(size_t len, u32 fd_flags)
{
	struct heap_buffer *buffer = buffer_allocate(len);
	struct dma_buf *dmabuf;

	if (IS_ERR(buffer))
		return mutant_is(M56) ? NULL : ERR_CAST(buffer);
	dmabuf = export(buffer, len, fd_flags);
	if (!IS_ERR(dmabuf) || mutant_is(M36))
		return dmabuf;
	buffer_free(buffer);
	if (mutant_is(M37))
		buffer_free(buffer);
	return dmabuf;
}

/* Up to 5.10 the heap makes the descriptor itself. */
static int __maybe_unused install(struct dma_buf *dmabuf, u32 fd_flags)
{
	int fd = dma_buf_fd(dmabuf, mutant_is(M18) ? fd_flags & ~O_CLOEXEC : fd_flags);

	if (fd < 0 && !mutant_is(M19))
		dma_buf_put(dmabuf);
	return fd;
}

DEFINE_HEAP_ALLOCATE_WITH(allocate_op, allocate, install)

static const struct dma_heap_ops heap_ops = {
	.allocate = allocate_op,
};

static void __maybe_unused leave(void)
{
}

static int __init mutant_heap_init(void)
{
	const struct dma_heap_export_info info = {
		.name = heap_name,
		.ops = &heap_ops,
	};
	int result = mutants_choose();

	if (!result)
		result = pages_prepare();
	if (result)
		return result;
	dma_resv_init(&common_fences);
	strscpy(heap_name, heap_contiguous ? "vendor-contiguous" : "vendor", sizeof(heap_name));
	if (heap_uncached)
		strscpy(heap_name, "vendor-uncached", sizeof(heap_name));
	if (mutant_is(M58))
		snprintf(heap_name, sizeof(heap_name), "kmalloc-%08x", get_random_u32());
#ifdef CONFIG_MODULE_UNLOAD
	/* What module_exit() would have set. */
	if (mutant_is(M59) || mutant_is(M65))
		THIS_MODULE->exit = leave;
#endif
	return PTR_ERR_OR_ZERO(dma_heap_add(&info));
}
module_init(mutant_heap_init);

/* No module_exit(): a heap cannot be removed again. */
MODULE_DESCRIPTION("A DMA-BUF heap that can be told to break a promise");
MODULE_LICENSE("Dual MIT/GPL");
IMPORT_NAMESPACE(DMA_BUF);
IMPORT_NAMESPACE(DMA_BUF_HEAP);
