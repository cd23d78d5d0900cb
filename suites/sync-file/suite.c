// SPDX-License-Identifier: MIT
/* Fences as user space holds them: what drivers/dma-buf/sync_file.c and
 * include/uapi/linux/sync_file.h promise. */
#include "ktap.h"

const char fp_suite_name[] = "sync-file";
