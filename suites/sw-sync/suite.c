// SPDX-License-Identifier: MIT
/* Fences of sw_sync's timelines: what drivers/dma-buf/sw_sync.c promises. */
#include "ktap.h"

const char fp_suite_name[] = "sw-sync";
