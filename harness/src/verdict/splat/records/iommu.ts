// SPDX-License-Identifier: MIT
import type { SplatRecord } from '../record.js';

/** What an IOMMU refused: a device reached for what was not mapped for it, or not so. Each access is a line, or begins with one. */
export const IOMMU: readonly SplatRecord[] = [
	{
		id: 'dmar-fault',
		kind: 'iommu-fault',
		severity: 'warning',
		pattern: /^DMAR: \[DMA (?:Read|Write)[^\]]{0,40}\] Request device \[/,
		end: 'line',
		source: 'drivers/iommu/intel/dmar.c: dmar_fault_do_one()',
	},
	{
		id: 'virtio-iommu-fault',
		kind: 'iommu-fault',
		severity: 'warning',
		pattern: /^virtio_iommu \S{1,40}: (?:page|domain|unknown) fault from EP \d+/,
		end: 'line',
		source: 'drivers/iommu/virtio-iommu.c: viommu_fault_handler()',
	},
	{
		id: 'smmu-event',
		kind: 'iommu-fault',
		severity: 'warning',
		pattern: /^arm-smmu-v3 \S{1,60}: event(?: 0x[0-9a-f]{1,8} received:|: [CF]_\w+ client: )/,
		end: 'line',
		source: 'drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c: arm_smmu_evtq_thread(), arm_smmu_dump_event()',
	},
];
