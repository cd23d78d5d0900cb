// SPDX-License-Identifier: MIT
import { ARCHES, type Arch } from '../core/architectures.js';
import { Cache } from '../core/cache.js';
import { usageError } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { Progress } from '../core/progress.js';
import { parseKernelSelector } from '../core/selector.js';
import { versionsBySeries } from '../kernel/availability.js';
import { fetchKernel, listOffer } from '../kernel/fetch-kernel.js';
import { keptKernels, matchKept } from '../kernel/kept.js';
import type { Kernel } from '../kernel/kernel.js';
import { type KernelContext, resolveKernel } from '../kernel/resolve.js';
import { interruptSignal } from './interrupt.js';
import type { KernelOptions } from './kernel.js';
import { progressListener } from './progress.js';
import { projectRoot } from './project.js';

const print = (text: string) => process.stdout.write(`${text}\n`);
const archesOf = (options: KernelOptions): Arch[] => ARCHES.filter((arch) => options.arch?.includes(arch) ?? true);

function kernelContext(subject: string): KernelContext {
	return { cache: new Cache(), progress: new Progress(subject, interruptSignal(), progressListener()), projectRoot };
}

/** One after the other: a build takes all cores. */
async function forEach(
	selectors: readonly string[],
	options: KernelOptions,
	work: (text: string, arch: Arch, context: KernelContext) => Promise<void>,
): Promise<void> {
	const context = kernelContext('kernels');
	const parsed = selectors.map((text) => parseKernelSelector(text, 'argument'));
	for (const selector of parsed) {
		for (const arch of archesOf(options)) {
			const progress = context.progress.for(`kernel ${selector.text} ${arch}`);
			await work(selector.text, arch, { ...context, progress });
		}
	}
}

export async function fetchKernels(selectors: readonly string[], options: KernelOptions): Promise<void> {
	await forEach(selectors, options, async (text, arch, context) => {
		print(await fetchKernel(parseKernelSelector(text, 'argument'), arch, context));
	});
}

export async function buildKernels(selectors: readonly string[], options: KernelOptions): Promise<void> {
	const built: Kernel[] = [];
	await forEach(selectors, options, async (text, arch, context) => {
		const kernel = await resolveKernel(parseKernelSelector(text, 'argument'), arch, context);
		built.push(kernel);
		if (!options.json) print(`${text} ${arch}: ${kernel.release ?? 'unknown release'}: ${kernel.image}`);
	});
	if (options.json) print(JSON.stringify(built.map(plain), null, 1));
}

export async function showKernel(word: string, options: KernelOptions): Promise<void> {
	const kept = await keptKernels(new Cache());
	const found = matchKept(kept, word, archesOf(options));
	if (found.length === 0) {
		const names = kept.flatMap(({ kernel }) => [kernel.selector, kernel.release ?? '']);
		const meant = nearest(word, names);
		throw usageError(
			'KERNEL_NOT_KEPT',
			`no kernel ${word}${options.arch ? ` for ${options.arch.join(', ')}` : ''} in the cache`,
			`${meant ? `did you mean ${meant}? ` : ''}fencepost kernel list shows what is there; fencepost kernel build makes one`,
		);
	}
	if (options.json)
		print(
			JSON.stringify(
				found.map(({ kernel }) => plain(kernel)),
				null,
				1,
			),
		);
	else print(found.map(({ kernel, usedAt }) => describe(kernel, usedAt)).join('\n\n'));
}

/** A kernel as JSON shows it. */
function plain(kernel: Kernel): Record<string, unknown> {
	return { ...kernel, version: kernel.version?.join('.'), config: kernel.config && Object.fromEntries(kernel.config) };
}

/** Options a reader of DMA-BUF results asks for first. */
const TELLING =
	/^CONFIG_(?:DMABUF_.*|UDMABUF|SW_SYNC|SYNC_FILE|DMA_CMA|CMA_SIZE_MBYTES|KASAN|PROVE_LOCKING|GCOV_KERNEL|HUGETLBFS|MODULES)$/;

function describe(kernel: Kernel, usedAt: Date): string {
	const telling = [...(kernel.config ?? [])]
		.filter(([name]) => TELLING.test(name))
		.map(([name, value]) => `${name}=${value}`);
	const lines: [string, string | undefined][] = [
		['selector', kernel.selector],
		['id', kernel.id],
		['arch', kernel.arch],
		['release', kernel.release ?? 'unknown: the image does not say'],
		['image', kernel.image],
		['config', kernel.config ? `${kernel.config.size} options set` : 'none came with it'],
		['', telling.join(' ') || undefined],
		['modules', kernel.modulesRoot ?? 'none'],
		['build folder', kernel.buildDirectory],
		...kernel.provenance.map((text) => ['from', text] as [string, string]),
		['last used', usedAt.toISOString()],
	];
	return lines
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => `${name.padEnd(14)}${value}`)
		.join('\n');
}

export async function listKernels(options: KernelOptions): Promise<void> {
	const context = kernelContext('kernels');
	const arches = archesOf(options);
	const kept = (await keptKernels(context.cache)).filter(({ kernel }) => arches.includes(kernel.arch));
	const offer = options.built ? undefined : await listOffer(arches, context);
	const offered = offer && [
		{ kind: 'source', arch: undefined, series: versionsBySeries(offer.source) },
		...offer.debian.map(({ arch, kernels }) => ({ kind: 'debian', arch, series: versionsBySeries(kernels) })),
	];
	if (options.json) {
		const available = offered?.map(({ series, ...rest }) => ({ ...rest, series: Object.fromEntries(series) }));
		const there = kept.map(({ id, usedAt, kernel }) => ({
			id,
			selector: kernel.selector,
			arch: kernel.arch,
			release: kernel.release,
			usedAt,
		}));
		print(JSON.stringify({ kept: there, available }, null, 1));
		return;
	}
	print(kept.length === 0 ? 'No kernels in the cache yet.' : 'In the cache:');
	// One selector with a long path does not push the others' columns out of sight.
	const width = Math.max(24, ...kept.map(({ kernel }) => kernel.selector.length).filter((length) => length <= 48));
	for (const { id, kernel } of kept) {
		print(
			`  ${kernel.selector.padEnd(width)} ${kernel.arch.padEnd(8)} ${(kernel.release ?? '?').padEnd(24)} ${id.slice(0, 12)}`,
		);
	}
	for (const { kind, arch, series } of offered ?? []) {
		print(`\nTo be had as ${kind}:VERSION${arch ? ` for ${arch}` : ''}:`);
		for (const [name, versions] of series) print(`  ${name.padEnd(8)} ${versions.join(', ')}`);
	}
}
