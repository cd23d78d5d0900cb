// SPDX-License-Identifier: MIT
/*
 * The fences of a buffer as user space sees them: DMA_BUF_IOCTL_EXPORT_SYNC_FILE and
 * DMA_BUF_IOCTL_IMPORT_SYNC_FILE.
 */
#include "ktap.h"

const char fp_suite_name[] = "buffer-fence";
