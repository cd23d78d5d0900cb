// SPDX-License-Identifier: MIT
import { ARCHITECTURES, type Arch } from '../core/architectures.js';
import { usageError } from '../core/errors.js';
import type { KernelSelector } from '../core/selector.js';
import { PrivateApt } from './apt.js';
import { type AvailableKernel, availableKernels } from './availability.js';
import { loadCatalogue } from './catalogue.js';
import { findStockKernel, isStockKernel, stockKernelName } from './debian.js';
import { fetchPackage } from './package-store.js';
import type { KernelContext } from './resolve.js';
import { findSource, SOURCE_NAME } from './source.js';

/** Downloads what a selector needs, and builds nothing. @returns what was fetched, in words. */
export async function fetchKernel(selector: KernelSelector, arch: Arch, context: KernelContext): Promise<string> {
	const { cache, progress } = context;
	const catalogue = await loadCatalogue(context.projectRoot);
	switch (selector.kind) {
		case 'tree':
		case 'file':
			throw usageError(
				'NOTHING_TO_FETCH',
				`${selector.text}: nothing is to be fetched for a ${selector.kind} that is here already`,
				'accepted: source:VERSION and debian:VERSION',
			);
		default: {
			const { kernel, apt } =
				selector.kind === 'source'
					? await findSource(selector, { ...context, catalogue })
					: await findStockKernel(selector, arch, { ...context, catalogue });
			const deb = await fetchPackage(apt, kernel.record, cache, progress);
			return `${kernel.record.name} ${kernel.record.version}: ${deb}`;
		}
	}
}

/** What Debian offers now: sources, and stock kernels of each architecture; newest first. */
export interface Offer {
	readonly source: readonly AvailableKernel[];
	readonly debian: readonly { readonly arch: Arch; readonly kernels: readonly AvailableKernel[] }[];
}

/** Looks into the indexes of every suite for what can be had. */
export async function listOffer(arches: readonly Arch[], context: KernelContext): Promise<Offer> {
	const catalogue = await loadCatalogue(context.projectRoot);
	const open = (arch: Arch) => PrivateApt.open({ ...context, catalogue }, catalogue.suites, ARCHITECTURES[arch].debian);
	const debian = [];
	for (const arch of arches) {
		const apt = await open(arch);
		const records = await apt.search('linux-', stockKernelName(ARCHITECTURES[arch].debian));
		debian.push({ arch, kernels: availableKernels(records.filter(isStockKernel)) });
	}
	const apt = await open('x86_64');
	return { source: availableKernels(await apt.search(SOURCE_NAME.prefix, SOURCE_NAME.name)), debian };
}
