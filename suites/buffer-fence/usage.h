/* SPDX-License-Identifier: MIT */
/* usage.h - what the cases of this suite say again and again. */
#ifndef FENCEPOST_USAGE_H
#define FENCEPOST_USAGE_H

#include <stdint.h>

/* What a fence or an access is for: DMA_BUF_SYNC_READ, _WRITE, and both. */
enum { USAGES = 3 };
extern const uint32_t usages[USAGES];

#define IOCTL_SOURCE                                                                               \
	"drivers/dma-buf/dma-buf.c: dma_buf_export_sync_file(), dma_buf_import_sync_file()"
#define UAPI_SOURCE                                                                                \
	"include/uapi/linux/dma-buf.h: struct dma_buf_export_sync_file, struct "                   \
	"dma_buf_import_sync_file"

/* A new fence of `timeline` that signals at `value`, imported; the buffer alone holds it. */
void import_new(int buffer, int timeline, uint32_t value, uint32_t usage);

/* The case fails unless this fence is pending, or is signalled without an error, by poll() and by
 * FILE_INFO. */
#define EXPECT_PENDING(fence)	check_pending(__FILE__, __LINE__, #fence, (fence))
#define EXPECT_SIGNALLED(fence) check_signalled(__FILE__, __LINE__, #fence, (fence))
void check_pending(const char *file, int line, const char *expression, int fence);
void check_signalled(const char *file, int line, const char *expression, int fence);

/*
 * What is exported for `usage` at this moment: is it pending, and how many fences are in it? The
 * sync_file is closed again.
 */
#define EXPECT_EXPORT_PENDING(buffer, usage)                                                       \
	check_export(__FILE__, __LINE__, "the export of " #buffer, (buffer), (usage), 0)
#define EXPECT_EXPORT_SIGNALLED(buffer, usage)                                                     \
	check_export(__FILE__, __LINE__, "the export of " #buffer, (buffer), (usage), 1)
void check_export(const char *file, int line, const char *expression, int buffer, uint32_t usage,
		  int signalled);
int export_count(int buffer, uint32_t usage);

#endif
