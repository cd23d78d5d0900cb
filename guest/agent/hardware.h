/* SPDX-License-Identifier: MIT */
/* What lies behind the machine's declaration: test devices, IOMMUs, and where CMA areas are. */
#ifndef FENCEPOST_HARDWARE_H
#define FENCEPOST_HARDWARE_H

#include "pairs.h"

/*
 * Adds `pci.VENDOR:DEVICE=COUNT` for each kind of PCI device, `iommu=NAMES`, `edu.domains=TYPES`
 * (by the kernel's names: DMA is strict), and `cma.areas=BASE+SIZE …` in KiB.
 */
void hardware_add(struct pairs *facts);

#endif
