// SPDX-License-Identifier: MIT
/* DMA_BUF_IOCTL_SYNC, as far as user space alone can see it. */
#include "ktap.h"

const char fp_suite_name[] = "sync";
