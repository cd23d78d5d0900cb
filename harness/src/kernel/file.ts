// SPDX-License-Identifier: MIT
import { copyFile, open, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Arch, toolPrefix } from '../core/architectures.js';
import type { Cache } from '../core/cache.js';
import { FencepostError, messageOf, usageError } from '../core/errors.js';
import { contentId, sha256File } from '../core/hash.js';
import { run } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import { absoluteSelector, type KernelSelector, lastingText } from '../core/selector.js';
import { parseConfig } from './config.js';
import { withRoomFor } from './disk-full.js';
import { bzImagePayload, embeddedConfig, embeddedRelease } from './embedded.js';
import { type ByteRange, hasPvhNote, IMAGE_HEAD_BYTES, type ImageFormat, identifyImage } from './image-format.js';
import type { Kernel } from './kernel.js';
import { type KernelInfo, publishedKernel } from './published.js';

/** More than any kernel takes; what is larger is not read. */
const MAX_IMAGE_BYTES = 256 * 1024 * 1024;

const ACCEPTED = {
	x86_64: 'accepted for x86_64: a bzImage (vmlinuz), or a vmlinux built with CONFIG_PVH=y',
	arm64: 'accepted for arm64: an Image (arch/arm64/boot/Image), packed with gzip or not',
} as const satisfies Record<Arch, string>;

/** A prebuilt image. It is copied, so that it stays what it is while guests boot it. */
export async function resolveFile(
	selector: Extract<KernelSelector, { kind: 'file' }>,
	arch: Arch,
	context: { readonly cache: Cache; readonly progress: Progress },
): Promise<Kernel> {
	const { cache, progress } = context;
	const { path } = absoluteSelector(selector);
	const facts = await stat(path).catch((error: unknown) => {
		throw usageError('FILE_MISSING', `${selector.text}: ${path} cannot be read: ${messageOf(error)}`, ACCEPTED[arch]);
	});
	if (!facts.isFile()) throw usageError('FILE_NOT_IMAGE', `${selector.text}: ${path} is not a file`, ACCEPTED[arch]);
	const format = await acceptedFormat(path, arch, selector.text);
	const id = contentId({ file: await sha256File(path), arch, version: '2' });
	const entry = await cache.entry('kernels', id, progress, (directory) =>
		withRoomFor(cache.root, () => keep(path, format, arch, selector, directory, progress.signal)),
	);
	const kernel = await publishedKernel(selector.text, id, entry, [`file ${path}`]);
	if (kernel.config !== undefined || kernel.release === undefined) return kernel;
	const beside = await neighbouringConfig(path, kernel.release);
	return beside === undefined ? kernel : { ...kernel, config: parseConfig(beside) };
}

/** The format of a file, if QEMU boots such a one on the architecture. @throws usage error that names what was found. */
async function acceptedFormat(path: string, arch: Arch, selector: string): Promise<ImageFormat> {
	const format = identifyImage(await readRange(path, { offset: 0, size: IMAGE_HEAD_BYTES }));
	const refuse = (found: string, hint: string = ACCEPTED[arch]) =>
		usageError('FILE_NOT_IMAGE', `${selector}: ${path} is ${found}, not a kernel that boots on ${arch}`, hint);
	switch (format.kind) {
		case 'other':
			throw refuse(format.description);
		case 'packed':
			if (arch !== 'arm64') throw refuse('a gzip-compressed file');
			return format;
		case 'zboot':
			if (arch !== 'arm64') throw refuse('an EFI zboot image');
			if (format.compression !== 'gzip')
				throw refuse(`an EFI zboot image packed with ${format.compression || 'nothing known'}`);
			return format;
		case 'vmlinux':
			if (format.arch !== arch) throw refuse(`a vmlinux for ${format.arch}`, `run it with --arch ${format.arch}`);
			if (arch === 'arm64') throw refuse('a vmlinux', 'give arch/arm64/boot/Image from the same build');
			for (const note of format.notes) if (hasPvhNote(await readRange(path, note))) return format;
			throw refuse(
				'a vmlinux without a PVH entry',
				'build it with CONFIG_PVH=y, or give arch/x86/boot/bzImage from the same build',
			);
		default:
			if (format.arch !== arch) {
				throw refuse(
					`${format.kind === 'Image' ? 'an Image' : 'a bzImage'} for ${format.arch}`,
					`run it with --arch ${format.arch}`,
				);
			}
			return format;
	}
}

async function readRange(path: string, { offset, size }: ByteRange): Promise<Buffer> {
	const handle = await open(path);
	try {
		const buffer = Buffer.alloc(Math.min(size, IMAGE_HEAD_BYTES));
		const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
		return buffer.subarray(0, bytesRead);
	} finally {
		await handle.close();
	}
}

/** Puts the bare image into a cache entry, and the config that is inside it. */
async function keep(
	path: string,
	format: ImageFormat,
	arch: Arch,
	selector: KernelSelector,
	directory: string,
	signal: AbortSignal,
): Promise<KernelInfo> {
	const image = join(directory, 'image');
	if (format.kind === 'vmlinux') await stripImage(path, image, arch, signal);
	else if (format.kind === 'packed' || format.kind === 'zboot') {
		const whole = await readBounded(path, selector.text);
		const packed = format.kind === 'zboot' ? whole.subarray(format.offset, format.offset + format.size) : whole;
		await writeFile(image, await unpackImage(packed, path, selector.text));
	} else await copyFile(path, image);
	const bytes = await readBounded(image, selector.text);
	const release = format.kind === 'bzImage' ? format.release : embeddedRelease(bytes);
	const bare = format.kind === 'bzImage' ? await bzImagePayload(bytes, MAX_IMAGE_BYTES) : bytes;
	const config = bare && (await embeddedConfig(bare));
	if (config !== undefined) await writeFile(join(directory, 'config'), config);
	return {
		arch,
		selector: lastingText(selector),
		release,
		hasConfig: config !== undefined,
		hasModules: false,
		provenance: [`${format.kind} image`],
	};
}

async function readBounded(path: string, selector: string): Promise<Buffer> {
	const { size } = await stat(path);
	if (size > MAX_IMAGE_BYTES) {
		throw usageError('FILE_TOO_LARGE', `${selector}: ${path} is ${size} bytes, more than any kernel image`);
	}
	return readFile(path);
}

/** Debug information is hundreds of megabytes that QEMU would read at each boot. */
async function stripImage(path: string, image: string, arch: Arch, signal: AbortSignal): Promise<void> {
	try {
		await run(`${toolPrefix(arch)}objcopy`, ['--strip-all', path, image], { signal, package: 'binutils' });
	} catch (error) {
		if (!(error instanceof FencepostError) || error.code !== 'COMMAND_MISSING') throw error;
		await copyFile(path, image);
	}
}

async function unpackImage(packed: Buffer, path: string, selector: string): Promise<Buffer> {
	const bytes = await promisify(gunzip)(packed, { maxOutputLength: MAX_IMAGE_BYTES }).catch((error: unknown) => {
		throw usageError('FILE_NOT_IMAGE', `${selector}: ${path} cannot be unpacked: ${messageOf(error)}`, ACCEPTED.arm64);
	});
	const inside = identifyImage(bytes.subarray(0, IMAGE_HEAD_BYTES));
	if (inside.kind === 'Image') return bytes;
	const found = inside.kind === 'other' ? inside.description : inside.kind;
	throw usageError('FILE_NOT_IMAGE', `${selector}: ${path} packs ${found}, not an arm64 Image`, ACCEPTED.arm64);
}

/** The config that lies beside an image: /boot/config-RELEASE, or RELEASE/config beside RELEASE/vmlinuz. */
async function neighbouringConfig(path: string, release: string): Promise<string | undefined> {
	const folder = dirname(path);
	const names = [`config-${release}`, ...(basename(folder) === release ? ['config'] : [])];
	for (const name of names) {
		const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
		if (text !== undefined) return text;
	}
	return undefined;
}
