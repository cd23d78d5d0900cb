// SPDX-License-Identifier: MIT
import type { Arch } from '../../core/architectures.js';
import type { Iommu } from '../../core/guest-hardware.js';
import type { MachineDeclaration } from '../machine.js';

/** How QEMU and the kernel are told of an IOMMU, and how the guest shows that it is there. Data, not switches. */
interface IommuRecord {
	/** More -machine properties. */
	readonly machine: string;
	/** Devices, before all that are to be behind it. */
	readonly options: readonly string[];
	readonly kernelWords: readonly string[];
	/** Its name in /sys/class/iommu. */
	readonly name: RegExp;
	/** What a kernel must be built with. */
	readonly kernelOptions: readonly string[];
}

/**
 * Every mapping is translated, and gone at once when it is unmapped (Documentation/admin-guide/kernel-parameters.txt);
 * intel_iommu=strict says the same to 5.10.
 */
const STRICT = ['iommu.passthrough=0', 'iommu.strict=1'];

export const IOMMU_RECORDS: Readonly<Record<Iommu, IommuRecord>> = {
	intel: {
		machine: '',
		options: ['-device', 'intel-iommu,intremap=off'],
		kernelWords: ['intel_iommu=on,strict', ...STRICT],
		name: /^dmar\d+$/,
		kernelOptions: ['CONFIG_INTEL_IOMMU'],
	},
	virtio: {
		machine: '',
		options: ['-device', 'virtio-iommu-pci'],
		kernelWords: STRICT,
		// drivers/iommu/virtio-iommu.c names it by its bus: pci's address.
		name: /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d$|^virtio\d+$/,
		kernelOptions: ['CONFIG_VIRTIO_IOMMU'],
	},
	smmuv3: {
		machine: ',iommu=smmuv3',
		options: [],
		// Up to 6.12 its driver tells of what it refused with the level of information, which consoles leave out.
		kernelWords: [...STRICT, 'loglevel=7'],
		name: /^smmu3\./,
		kernelOptions: ['CONFIG_ARM_SMMU_V3'],
	},
};

/** The type of a strict domain (drivers/iommu/iommu.c: iommu_group_show_type()). */
export const STRICT_DOMAIN = 'DMA';

/** edu's PCI id (QEMU, hw/misc/edu.c). */
export const EDU_ID = '1234:11e8';

interface TestHardware {
	readonly machine: string;
	/** To stand before all other devices. */
	readonly iommu: readonly string[];
	readonly devices: readonly string[];
	readonly kernelWords: readonly string[];
}

/** What a machine's IOMMU and test devices are to QEMU and to the kernel. */
export function testHardware(arch: Arch, { iommu, devices = [] }: MachineDeclaration): TestHardware {
	const kind = iommu?.[arch];
	const record = kind && IOMMU_RECORDS[kind];
	const [first] = devices;
	return {
		machine: record?.machine ?? '',
		iommu: record?.options ?? [],
		devices: devices.flatMap(({ model, maskBits }) => ['-device', `${model},dma_mask=${highestAddress(maskBits)}`]),
		kernelWords: [
			...(record?.kernelWords ?? []),
			// A driver cannot ask the device, which cuts off silently what it does not reach.
			...(first ? [`fencepost_device.edu_mask_bits=${Math.min(...devices.map(({ maskBits }) => maskBits))}`] : []),
		],
	};
}

function highestAddress(bits: number): string {
	return `0x${((1n << BigInt(bits)) - 1n).toString(16)}`;
}
