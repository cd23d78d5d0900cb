/* SPDX-License-Identifier: MIT */
/*
 * iommu-fault.h - what an IOMMU refused, as its driver logs it. The harness knows which cases make
 * a device go where it may not (harness/src/run/tolerated.ts); anywhere else such a report counts
 * against the kernel.
 */
#ifndef FENCEPOST_IOMMU_FAULT_H
#define FENCEPOST_IOMMU_FAULT_H

#include <stdint.h>

/* Begins to watch the kernel's log. */
void iommu_watch(void);

/* The case fails unless a refused access at this address is logged, within seconds; since
 * iommu_watch(). */
#define EXPECT_IOMMU_FAULT(address) check_iommu_fault(__FILE__, __LINE__, (address))
void check_iommu_fault(const char *file, int line, uint64_t address);

#endif
