// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ARCHES, type Arch } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { Progress, type ProgressEvent } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import { embeddedConfig, embeddedRelease } from '../../src/kernel/embedded.js';
import { identifyImage } from '../../src/kernel/image-format.js';
import { findDefinitions } from '../../src/kernel/kconfig.js';
import { resolveKernel } from '../../src/kernel/resolve.js';
import { resolveModules } from '../../src/kernel/stock-modules.js';

// A first build takes minutes; later runs find it in the cache.
t.setTimeout(45 * 60_000);

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const cache = new Cache();

function contextOf(events: ProgressEvent[] = []) {
	const progress = new Progress('test', new AbortController().signal, (event) => events.push(event));
	return { cache, projectRoot, progress };
}

const resolve = (text: string, arch: Arch, events: ProgressEvent[] = []) =>
	resolveKernel(parseKernelSelector(text, 'test'), arch, contextOf(events));

for (const arch of ARCHES) {
	t.test(`source:6.12 for ${arch} is built once, and kept`, async (t) => {
		const kernel = await resolve('source:6.12', arch);
		t.match(kernel, { selector: 'source:6.12', arch, release: /^6\.12\.\d+$/, version: [6, 12, Number] });
		const image = readFileSync(kernel.image);
		t.match(identifyImage(image), arch === 'x86_64' ? { kind: 'vmlinux', arch } : { kind: 'Image', arch });
		t.equal(embeddedRelease(image), kernel.release, 'the image says the same release');
		t.equal(
			await embeddedConfig(image),
			readFileSync(join(dirname(kernel.image), 'config'), 'utf8'),
			'and the same config',
		);
		for (const option of [
			'DMABUF_HEAPS_SYSTEM',
			'DMABUF_HEAPS_CMA',
			'UDMABUF',
			'SW_SYNC',
			'VIRTIO_CONSOLE',
			'IKCONFIG_PROC',
		]) {
			t.equal(kernel.config?.get(`CONFIG_${option}`), 'y', option);
		}
		t.ok(existsSync(join(kernel.modulesRoot ?? '', 'lib', 'modules', kernel.release ?? '', 'modules.dep')));
		t.match(kernel.provenance.at(-1), /^linux-source-6\.12 6\.12\.\d+-/);

		const events: ProgressEvent[] = [];
		t.equal((await resolve('source:6.12', arch, events)).id, kernel.id);
		t.same(
			events.filter(({ phase }) => phase !== 'note').map(({ phase }) => phase),
			[],
			'nothing is fetched or built again',
		);
		t.equal((await resolve(`source:${kernel.release}`, arch)).id, kernel.id, 'the exact version is the same kernel');

		const source = join(
			cache.workPath('sources'),
			readdirSync(cache.workPath('sources')).find(
				(name) => name.startsWith(`linux-${kernel.release}-`) && !name.endsWith('.json'),
			) ?? '',
		);
		const definitions = await findDefinitions(source, 'x86', [
			'CONFIG_DMABUF_HEAPS_CMA',
			'CONFIG_PVH',
			'CONFIG_NONESUCH',
		]);
		t.match(definitions.get('CONFIG_DMABUF_HEAPS_CMA')?.[0], {
			where: /^drivers\/dma-buf\/heaps\/Kconfig:/,
			dependencies: /DMA_CMA/,
		});
		t.match(definitions.get('CONFIG_PVH')?.[0]?.dependencies.join(' '), 'HYPERVISOR_GUEST');
		t.equal(definitions.get('CONFIG_NONESUCH')?.length, 0);
	});
}

t.test('a stock kernel, and its modules when they are asked for', async (t) => {
	const kernel = await resolve('debian:newest', 'x86_64');
	t.match(kernel, { release: /^\d+\.\d+\.\d+.*-amd64$/, modulesRoot: undefined, buildDirectory: undefined });
	t.match(identifyImage(readFileSync(kernel.image)), { kind: 'bzImage', release: kernel.release });
	t.equal(kernel.config?.get('CONFIG_DMABUF_HEAPS_SYSTEM'), 'y');
	const modules = await resolveModules(kernel, contextOf());
	const folder = join(modules ?? '', 'lib', 'modules', kernel.release ?? '');
	t.match(readFileSync(join(folder, 'modules.dep'), 'utf8'), /^kernel\/\S+\.ko(?:\.xz)?:/m);
	t.notOk(existsSync(join(folder, 'build')));
});

t.test('a version that is gone', async (t) => {
	await t.rejects(resolve('source:6.12.1', 'arm64'), {
		code: 'KERNEL_VERSION_GONE',
		blame: 'usage',
		hint: /the nearest is source:6\.12\.\d+; to be had:\n.* 6\.12: 6\.12\./s,
	});
});
