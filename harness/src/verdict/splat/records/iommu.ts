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
	{
		id: 'amd-event',
		kind: 'iommu-fault',
		severity: 'warning',
		pattern:
			/^(?:\S{1,60} \S{1,60}: )?(?:AMD-Vi: )?Event logged \[(?:IO_PAGE_FAULT|RMP_(?:HW_ERROR|PAGE_FAULT)|ILLEGAL_DEV_TABLE_ENTRY|INVALID_(?:DEVICE|PPR)_REQUEST|(?:DEV|PAGE)_TAB_HARDWARE_ERROR) /,
		end: 'line',
		source: 'drivers/iommu/amd/iommu.c: amd_iommu_report_page_fault(), iommu_print_event()',
	},
	{
		id: 'device-fault',
		kind: 'iommu-fault',
		severity: 'warning',
		pattern: new RegExp(
			`^\\S{1,60} \\S{1,60}: (?:${[
				'Unhandled context fault: fsr=0x',
				'Unexpected global fault, this could be serious',
				'Unhandled fault: status 0x[0-9a-f]+ iova 0x',
				'Page fault (?:at|for) 0x[0-9a-f]+ (?:of type|\\(master) ',
				'fault type=0x[0-9a-f]+ iova=0x',
				'translation fault: status:0x',
				'\\S{1,60}: (?:\\[\\w+\\] )?[A-Z][A-Z -]{1,60} FAULT occurred at 0x',
			].join('|')})`,
		),
		end: 'line',
		source:
			'dev_err() of the fault handlers in drivers/iommu/arm/arm-smmu, apple-dart.c, exynos-iommu.c, ipmmu-vmsa.c, mtk_iommu*.c, rockchip-iommu.c, sun50i-iommu.c',
	},
];
