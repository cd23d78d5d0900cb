// SPDX-License-Identifier: MIT
#include <sys/ioctl.h>

#include "buffer-fence.h"

int buffer_sync(int buffer, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags};

	return ioctl(buffer, DMA_BUF_IOCTL_SYNC, &sync);
}

long buffer_sync_call(void *of)
{
	const struct buffer_access *access = of;

	return buffer_sync(access->buffer, access->flags);
}

int buffer_import_fence(int buffer, int fence, uint32_t flags)
{
	struct dma_buf_import_sync_file import = {.flags = flags, .fd = fence};

	return ioctl(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
}

int buffer_export_fence(int buffer, uint32_t flags)
{
	struct dma_buf_export_sync_file export = {.flags = flags, .fd = -1};

	return ioctl(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export) ? -1 : export.fd;
}
