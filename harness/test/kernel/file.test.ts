// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import t from 'tap';
import { type Arch, toolPrefix } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { Progress } from '../../src/core/progress.js';
import { parseKernelSelector } from '../../src/core/selector.js';
import { embeddedConfig, embeddedRelease } from '../../src/kernel/embedded.js';
import { resolveFile } from '../../src/kernel/file.js';
import { hasPvhNote, identifyImage } from '../../src/kernel/image-format.js';

const BANNER = 'Linux version 6.12.117-test+ (me@host) (gcc) #1 SMP';

/** What CONFIG_IKCONFIG leaves in an image: the marker as a string first, then around the gzipped text. */
function ikconfig(text: string): Buffer {
	return Buffer.concat([
		Buffer.from('..IKCFG_ST..'),
		Buffer.from('IKCFG_ST'),
		gzipSync(text),
		Buffer.from('IKCFG_ED'),
		Buffer.alloc(64, 0xff),
	]);
}

function bzImage(release: string, protocol = 0x20f, xloadflags = 1): Buffer {
	const image = Buffer.alloc(4096);
	image.write('HdrS', 0x202);
	image.writeUInt16LE(protocol, 0x206);
	image.writeUInt16LE(0x400, 0x20e);
	image.writeUInt16LE(xloadflags, 0x236);
	image.write(`${release} (builder@host) #1 SMP\0`, 0x600);
	return image;
}

/** With a packed kernel behind its five sectors and 16 bytes more, and the kernel's length at its end. */
function packedBzImage(release: string, payload: Buffer): Buffer {
	const image = bzImage(release);
	image[0x1f1] = 4;
	image.writeUInt32LE(4096 - 5 * 512 + 16, 0x248);
	image.writeUInt32LE(payload.length + 4, 0x24c);
	return Buffer.concat([image, Buffer.alloc(16), payload, Buffer.from([0, 0, 1, 0]), Buffer.alloc(100)]);
}

function arm64Image(more: Buffer = Buffer.alloc(0)): Buffer {
	const head = Buffer.alloc(4096);
	head.write('MZ', 0);
	head.write('ARM\x64', 56);
	return Buffer.concat([head, Buffer.from(`${BANNER}\0`), more]);
}

function zboot(payload: Buffer, compression: string): Buffer {
	const head = Buffer.alloc(512);
	head.write('MZ', 0);
	head.write('zimg', 4);
	head.writeUInt32LE(512, 8);
	head.writeUInt32LE(payload.length, 12);
	head.write(compression, 24);
	return Buffer.concat([head, payload]);
}

const SOURCE = (pvh: boolean) => `
${pvh ? '__asm__(".pushsection .note.Xen,\\"a\\",@note\\n.long 4, 8, 18\\n.asciz \\"Xen\\"\\n.quad 0x1000000\\n.popsection");' : ''}
const char banner[] __attribute__((used)) = "${BANNER}";
void _start(void) { for (;;) ; }
`;

/** A real ELF file linked where kernels are linked. */
function vmlinux(directory: string, arch: Arch, pvh: boolean): string {
	const name = join(directory, `vmlinux-${arch}-${pvh}`);
	writeFileSync(`${name}.c`, SOURCE(pvh));
	writeFileSync(
		`${name}.lds`,
		'PHDRS { text PT_LOAD; note PT_NOTE; }\nSECTIONS { . = 0xffffffff81000000; .text : { *(.text*) } :text .rodata : { *(.rodata*) } :text .note.Xen : { *(.note.Xen) } :text :note .data : { *(.data*) *(.bss*) } :text /DISCARD/ : { *(.eh_frame*) *(.comment) *(.note.gnu*) } }\n',
	);
	const model = arch === 'x86_64' ? ['-mcmodel=kernel', '-fno-pic'] : ['-fno-pic'];
	execFileSync(`${toolPrefix(arch)}gcc`, [
		...['-g', '-static', '-nostdlib', '-no-pie', '-Wl,--build-id=none', ...model],
		...['-Wl,-T', `-Wl,${name}.lds`, '-o', name, `${name}.c`],
	]);
	return name;
}

t.test('images are recognized, read and kept; what does not boot is refused by name', async (t) => {
	const directory = t.testdir({});
	const file = (name: string, bytes: Buffer | string) => {
		writeFileSync(join(directory, name), bytes);
		return join(directory, name);
	};
	const cache = new Cache(join(directory, 'cache'));
	const progress = new Progress('test', new AbortController().signal);
	const resolve = (path: string, arch: Arch) => {
		const selector = parseKernelSelector(`file:${path}`, 'test');
		if (selector.kind !== 'file') throw new Error('not a file selector');
		return resolveFile(selector, arch, { cache, progress });
	};
	const config = 'CONFIG_A=y\nCONFIG_DMABUF_HEAPS=y\n';

	mkdirSync(join(directory, 'boot'));
	file('boot/config-6.12.107+deb13-amd64', config);
	const bz = await resolve(file('boot/vmlinuz', bzImage('6.12.107+deb13-amd64')), 'x86_64');
	t.match(bz, { release: '6.12.107+deb13-amd64', version: [6, 12, 107], arch: 'x86_64' });
	t.equal(bz.config?.get('CONFIG_DMABUF_HEAPS'), 'y', 'the neighbouring config');
	t.same(readFileSync(bz.image), bzImage('6.12.107+deb13-amd64'));

	mkdirSync(join(directory, '7.2.13'));
	file('7.2.13/config', config);
	t.equal((await resolve(file('7.2.13/vmlinuz', bzImage('7.2.13')), 'x86_64')).config?.size, 2);

	const payload = gzipSync(Buffer.concat([Buffer.alloc(5000), ikconfig(config)]));
	const packed = await resolve(file('bzImage', packedBzImage('6.1.192', payload)), 'x86_64');
	t.equal(packed.config?.get('CONFIG_A'), 'y', 'the config inside what a bzImage packs');
	const cut = await resolve(file('bzcut', packedBzImage('6.1.192', payload.subarray(0, 80))), 'x86_64');
	t.match(cut, { release: '6.1.192', config: undefined });
	const astray = packedBzImage('6.1.192', payload);
	astray.writeUInt32LE(0xffffff00, 0x248);
	t.equal((await resolve(file('bzastray', astray), 'x86_64')).config, undefined);

	const plain = await resolve(file('Image', arm64Image(ikconfig(config))), 'arm64');
	t.match(plain, {
		release: '6.12.117-test+',
		version: [6, 12, 117],
		modulesRoot: undefined,
		buildDirectory: undefined,
	});
	t.equal(plain.config?.get('CONFIG_A'), 'y', 'the config inside');
	for (const [name, bytes] of [
		['Image.gz', gzipSync(arm64Image())],
		['vmlinuz.efi', zboot(gzipSync(arm64Image()), 'gzip')],
	] as const) {
		const kernel = await resolve(file(name, bytes), 'arm64');
		t.same(readFileSync(kernel.image), arm64Image(), `${name} is unpacked`);
		t.equal(kernel.config, undefined);
	}

	const pvh = vmlinux(directory, 'x86_64', true);
	const elf = await resolve(pvh, 'x86_64');
	t.equal(elf.release, '6.12.117-test+');
	t.ok(readFileSync(elf.image).length < readFileSync(pvh).length, 'stripped');
	t.match(execFileSync('readelf', ['--notes', elf.image], { encoding: 'utf8' }), /Xen/, 'its PVH note stays');
	t.equal((await resolve(pvh, 'x86_64')).id, elf.id);

	const program = join(directory, 'program');
	file('program.c', 'int main(void) { return 0; }\n');
	execFileSync('gcc', ['-static', '-o', program, join(directory, 'program.c')]);
	const dynamic = join(directory, 'dynamic');
	execFileSync('gcc', ['-o', dynamic, join(directory, 'program.c')]);
	const object = join(directory, 'object.o');
	execFileSync('gcc', ['-c', '-o', object, join(directory, 'program.c')]);
	const refusals: [path: string, arch: Arch, says: RegExp, hint: RegExp][] = [
		[vmlinux(directory, 'x86_64', false), 'x86_64', /a vmlinux without a PVH entry/, /CONFIG_PVH=y/],
		[pvh, 'arm64', /a vmlinux for x86_64/, /--arch x86_64/],
		[vmlinux(directory, 'arm64', false), 'arm64', /is a vmlinux, not/, /arch\/arm64\/boot\/Image/],
		[join(directory, 'Image'), 'x86_64', /an Image for arm64/, /--arch arm64/],
		[join(directory, 'boot/vmlinuz'), 'arm64', /a bzImage for x86_64/, /--arch x86_64/],
		[file('bz32', bzImage('6.1.1', 0x20f, 0)), 'x86_64', /bzImage of a 32-bit x86 kernel/, /accepted/],
		[file('bzold', bzImage('2.6.1', 0x204)), 'x86_64', /32-bit/, /accepted/],
		[program, 'x86_64', /a static x86_64 program/, /bzImage/],
		[dynamic, 'x86_64', /a dynamically linked x86_64 program/, /bzImage/],
		[object, 'x86_64', /an ELF object file/, /bzImage/],
		[file('text', 'hello\n'), 'x86_64', /a text file/, /bzImage/],
		[file('empty', ''), 'arm64', /an empty file/, /Image/],
		[file('deb', '!<arch>\ndebian-binary'), 'arm64', /an archive/, /Image/],
		[file('xz', Buffer.from('fd377a585a0000', 'hex')), 'arm64', /an xz-compressed file/, /Image/],
		[file('noise', Buffer.from([1, 2, 3, 250])), 'x86_64', /unknown data \(it begins with 010203fa\)/, /bzImage/],
		[file('text.gz', gzipSync('hello')), 'arm64', /packs a text file/, /Image/],
		[file('text2.gz', gzipSync('hello')), 'x86_64', /a gzip-compressed file/, /bzImage/],
		[file('cut.gz', gzipSync(arm64Image()).subarray(0, 60)), 'arm64', /cannot be unpacked/, /Image/],
		[file('zst.efi', zboot(Buffer.alloc(10), 'zstd')), 'arm64', /zboot image packed with zstd/, /Image/],
		[directory, 'x86_64', /is not a file/, /bzImage/],
		[join(directory, 'nothing'), 'x86_64', /cannot be read: ENOENT/, /bzImage/],
	];
	for (const [path, arch, says, hint] of refusals) {
		await t.rejects(
			resolve(path, arch),
			{ blame: 'usage', message: says, hint },
			`${path.split('/').pop()} on ${arch}`,
		);
	}

	writeFileSync(plain.image, 'damaged');
	const again = await resolve(join(directory, 'Image'), 'arm64');
	t.same(readFileSync(again.image), arm64Image(ikconfig(config)), 'a damaged copy is made again');
});

t.test('no bytes make the recognition fail', async (t) => {
	const starts = [
		bzImage('6.1').subarray(0, 0x300),
		arm64Image().subarray(0, 80),
		zboot(Buffer.alloc(4), 'gzip'),
		Buffer.from('7f454c46020101', 'hex'),
	];
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...starts, Buffer.alloc(0)),
			fc.uint8Array({ maxLength: 600 }),
			fc.nat(700),
			async (start, noise, cut) => {
				const bytes = Buffer.concat([start, noise]).subarray(0, cut);
				identifyImage(bytes);
				hasPvhNote(bytes);
				embeddedRelease(bytes);
				await embeddedConfig(Buffer.concat([Buffer.from('IKCFG_ST'), bytes]));
			},
		),
		{ numRuns: 500 },
	);
	t.equal(embeddedRelease(Buffer.from('Linux version %s (%s)\0Linux version 6.1.2-x (a@b)')), '6.1.2-x');
	t.equal(embeddedRelease(Buffer.from('Linux version ')), undefined);
	t.equal(await embeddedConfig(ikconfig('no options at all')), undefined);
});
