// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { ARCHES } from '../../src/core/architectures.js';
import { parseRelease } from '../../src/core/release.js';
import { fragmentFiles, loadCatalogue, suiteGroups } from '../../src/kernel/catalogue.js';
import { lostOptions, normalizeConfig, parseConfig, renderFragment } from '../../src/kernel/config.js';
import { readFragments } from '../../src/kernel/configure.js';
import { isConfigured, rememberConfigured } from '../../src/kernel/configured.js';
import { type AskedOption, askedOf, parseFragment } from '../../src/kernel/fragment.js';
import { kernelImage } from '../../src/kernel/kbuild.js';
import { findDefinitions } from '../../src/kernel/kconfig.js';
import { explainLost } from '../../src/kernel/kconfig-explain.js';
import { evaluate } from '../../src/kernel/kconfig-expression.js';
import type { BuildPlace } from '../../src/kernel/make.js';

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../../..');

const asked = (name: string, value: string): AskedOption => ({
	name,
	value,
	range: {},
	whereKnown: false,
	where: 'x.config:1',
});

t.test('fragments: options, conditions, comments', async (t) => {
	const options = parseFragment(
		[
			'# a comment',
			'',
			'CONFIG_A=y',
			'CONFIG_B=m          # since 5.14 until 6.18',
			'CONFIG_C="a # b"',
			'CONFIG_D=0x1f # until 6.12.40',
			'CONFIG_E=-3',
			'# CONFIG_F is not set',
			'CONFIG_G=y # where known',
			'CONFIG_H=y # since 6.17 where known',
		].join('\n'),
		'f.config',
	);
	t.same(
		options.map(({ name, value }) => `${name}=${value}`),
		[
			...['CONFIG_A=y', 'CONFIG_B=m', 'CONFIG_C="a # b"', 'CONFIG_D=0x1f', 'CONFIG_E=-3', 'CONFIG_F=n', 'CONFIG_G=y'],
			'CONFIG_H=y',
		],
	);
	t.same(options[1]?.range, { since: '5.14', until: '6.18' });
	t.equal(options[1]?.where, 'f.config:4');
	t.same([options[6]?.whereKnown, options[7]?.whereKnown, options[0]?.whereKnown], [true, true, false]);
	const names = (release: string) => [...askedOf(options, parseRelease(release) ?? [0, 0, 0]).keys()].join(' ');
	t.equal(names('5.10.1'), 'CONFIG_A CONFIG_C CONFIG_D CONFIG_E CONFIG_F CONFIG_G');
	t.equal(names('6.12.117'), 'CONFIG_A CONFIG_B CONFIG_C CONFIG_E CONFIG_F CONFIG_G');
	t.equal(names('6.18.9'), 'CONFIG_A CONFIG_B CONFIG_C CONFIG_E CONFIG_F CONFIG_G CONFIG_H');
	const twice = askedOf(parseFragment('CONFIG_A=y\nCONFIG_A=n\n', 'f'), [6, 12, 0]);
	t.equal(twice.get('CONFIG_A')?.value, 'n', 'the later line wins');

	for (const [line, says] of [
		['CONFIG_A', 'f.config:1: "CONFIG_A" is not a kernel option'],
		['CONFIG_A=maybe', 'is not a kernel option'],
		['A=y', 'is not a kernel option'],
		['CONFIG_A=y # after 6.1', 'condition "after 6.1" is not understood'],
		['CONFIG_A=y # since six', 'condition "since six" is not understood'],
	] as const) {
		t.throws(() => parseFragment(line, 'f.config'), { blame: 'usage', message: new RegExp(says) }, line);
	}
});

t.test('the catalogue and every fragment it names can be read', async (t) => {
	const catalogue = await loadCatalogue(projectRoot);
	for (const profile of Object.keys(catalogue.profiles)) {
		for (const arch of ARCHES) {
			const options = await readFragments(fragmentFiles(catalogue, projectRoot, profile, arch));
			t.ok(options.length > 60, `${profile} ${arch}`);
			t.ok(askedOf(options, [6, 12, 0]).has('CONFIG_DMABUF_HEAPS'), `${profile} ${arch} asks for heaps`);
		}
	}
	for (const suite of [...Object.values(catalogue.series).flat(), ...catalogue.newest]) {
		t.ok(catalogue.suites.includes(suite), suite);
	}
	t.throws(() => fragmentFiles(catalogue, projectRoot, 'debgu', 'arm64'), {
		blame: 'usage',
		message: 'no profile "debgu"',
		hint: /did you mean debug\? known: conformance/,
	});
	t.throws(() => fragmentFiles(catalogue, projectRoot, 'constructor', 'arm64'), { code: 'PROFILE_UNKNOWN' });
	t.same(suiteGroups(catalogue, '6.12.107')[0], catalogue.series['6.12']);
	t.same(suiteGroups(catalogue, '6.12.107').at(-1), catalogue.suites);
	t.same(suiteGroups(catalogue, 'newest')[0], catalogue.newest);
	t.same(suiteGroups(catalogue, '9.9'), [catalogue.suites]);
});

t.test('configs: what came out is compared with what was asked', async (t) => {
	const config = parseConfig(
		'# Linux\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_S="x y"\nCONFIG_N=17\nCONFIG_Z=n\n',
	);
	t.equal(config.size, 4);
	t.same(
		lostOptions(
			[
				...[asked('CONFIG_A', 'y'), asked('CONFIG_B', 'y'), asked('CONFIG_C', 'n'), asked('CONFIG_D', 'y')],
				...[asked('CONFIG_S', '"x y"'), asked('CONFIG_N', '17'), asked('CONFIG_Z', 'n'), asked('CONFIG_A', 'n')],
			],
			config,
		).map(({ name, value }) => `${name}=${value}`),
		['CONFIG_B=y', 'CONFIG_D=y', 'CONFIG_A=n'],
	);
	t.equal(
		normalizeConfig(config),
		normalizeConfig(parseConfig('CONFIG_N=17\nCONFIG_S="x y"\n# CONFIG_Q is not set\nCONFIG_B=m\nCONFIG_A=y\n')),
	);
	t.equal(renderFragment([asked('CONFIG_A', 'y'), asked('CONFIG_B', 'n')]), 'CONFIG_A=y\n# CONFIG_B is not set\n');
});

t.test('the image that is booted depends on the config', async (t) => {
	t.equal(kernelImage('x86_64', parseConfig('CONFIG_PVH=y\n')).file, 'vmlinux');
	t.equal(kernelImage('x86_64', parseConfig('CONFIG_KASAN=y\n')).file, 'arch/x86/boot/bzImage');
	t.equal(kernelImage('arm64', parseConfig('CONFIG_KASAN=y\n')).file, 'arch/arm64/boot/Image');
});

t.test('dependency expressions', async (t) => {
	const config = parseConfig('CONFIG_A=y\nCONFIG_M=m\nCONFIG_S="elf"\nCONFIG_N=17\n');
	for (const [expression, value] of [
		...([
			['A', 'y'],
			['M', 'm'],
			['X', 'n'],
			['!X', 'y'],
			['!A', 'n'],
			['!M', 'm'],
			['A && M', 'm'],
		] as const),
		...([
			['A || X', 'y'],
			['X || M', 'm'],
			['A && (X || M) && A', 'm'],
			['!(A && X)', 'y'],
			['A=y', 'y'],
		] as const),
		...([
			['M=y', 'n'],
			['M!=n', 'y'],
			['X=n', 'y'],
			['S="elf"', 'y'],
			['S="coff"', 'n'],
			['N>=17', 'y'],
		] as const),
		...([
			['N < 17', 'n'],
			['$(success,true) && A', 'y'],
			['m && A', 'm'],
			['', 'y'],
			['(((', 'y'],
			['A &&', 'y'],
		] as const),
	]) {
		t.equal(evaluate(expression, config), value, expression);
	}
	t.ok(evaluate('('.repeat(100_000), config), 'absurd nesting ends');
});

t.test('an option that did not survive is explained from the tree', async (t) => {
	const tree = t.testdir({
		Kconfig:
			'mainmenu "Test"\nsource "lib/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\nif NET\nsource "net/Kconfig"\nendif\n',
		arch: {
			x86: {
				Kconfig: 'config X86\n\tdef_bool y\nconfig ONLY_X86\n\tbool "x" if EXPERT\n\thelp\n\t  config NOT_A_CONFIG\n',
			},
		},
		lib: {
			Kconfig: [
				'rsource "sub/Kconfig"',
				'menu "Heaps"',
				'\tdepends on DMA && \\',
				'\t\tMMU',
				'config HEAPS_CMA',
				'\ttristate "CMA heap"',
				'\tdepends on DMA_CMA # why',
				'\thelp',
				'\t  Text with config WORDS',
				'',
				'\t  depends on NOTHING',
				'config HIDDEN',
				'\tbool',
				'config FORCED',
				'\tbool "forced"',
				'endmenu',
				'config LATER',
				'\tbool',
				'\tprompt "later" if HEAPS_CMA=y',
			].join('\n'),
			sub: { Kconfig: 'config DEEP\n\tbool "deep"\n\tdepends on MODULAR\n' },
		},
		net: { Kconfig: 'config UNIX\n\tbool "unix"\n' },
	});
	const names = ['HEAPS_CMA', 'HIDDEN', 'FORCED', 'LATER', 'UNIX', 'ONLY_X86', 'DEEP', 'NOT_A_CONFIG', 'WORDS'];
	const definitions = await findDefinitions(
		tree,
		'x86',
		names.map((name) => `CONFIG_${name}`),
	);
	const config = parseConfig('CONFIG_DMA=y\nCONFIG_MMU=y\nCONFIG_FORCED=y\nCONFIG_MODULAR=m\n');
	const explain = (name: string, value = 'y') =>
		explainLost(asked(`CONFIG_${name}`, value), definitions.get(`CONFIG_${name}`) ?? [], config);
	t.equal(
		explain('HEAPS_CMA'),
		'CONFIG_HEAPS_CMA=y (x.config:1) became not set: lib/Kconfig:5 depends on DMA_CMA (=n)',
	);
	t.match(explain('HIDDEN'), 'lib/Kconfig:12 has no prompt');
	t.match(explain('FORCED', 'n'), 'became y: lib/Kconfig:14: another option selects it');
	t.match(explain('LATER'), 'lib/Kconfig:17 depends on HEAPS_CMA (=n)=y');
	t.match(explain('UNIX'), 'net/Kconfig:1 depends on NET (=n)');
	t.match(explain('ONLY_X86'), 'arch/x86/Kconfig:3 depends on EXPERT (=n)');
	t.match(explain('DEEP'), 'lib/sub/Kconfig:1 depends on MODULAR (=m), which allows m at most');
	t.match(explain('NOT_A_CONFIG'), 'this kernel has no such option');
	t.match(explain('WORDS'), 'this kernel has no such option');
});

t.test('Kconfig files that loop or climb out are survived', async (t) => {
	const tree = t.testdir({
		inner: { Kconfig: 'source "Kconfig"\nsource "../Kconfig"\nsource "/etc/passwd"\nconfig A\n\tbool "a"\n' },
	});
	const definitions = await findDefinitions(join(tree, 'inner'), 'x86', ['CONFIG_A']);
	t.ok((definitions.get('CONFIG_A') ?? []).length > 0);
});

t.test('a configuration is taken again only while nothing that made it differs', async (t) => {
	const directory = t.testdir({
		source: {
			Makefile: 'VERSION = 6\n',
			Kconfig: 'source "lib/Kconfig"\n',
			lib: { Kconfig: 'config A\n', 'a.c': '' },
			scripts: { 'version.sh': 'echo 1\n', kconfig: { 'conf.c': '' } },
			arch: { x86: { Makefile: '' } },
		},
		output: { '.config': 'CONFIG_A=y\n' },
	});
	const [source, output] = [join(directory, 'source'), join(directory, 'output')];
	const place: BuildPlace = {
		arch: 'x86_64',
		source,
		output,
		toolchain: { prefix: '', compiler: 'gcc', version: 'gcc 12' },
		cacheRoot: directory,
		signal: new AbortController().signal,
	};
	const configured = () => isConfigured(place, 'answers');
	await rememberConfigured(place, 'answers');
	t.notOk(await configured(), 'kconfig has not said what it read');
	const list = join(output, 'include', 'config', 'auto.conf.cmd');
	mkdirSync(dirname(list), { recursive: true });
	const said = 'deps_config := \\\n\tKconfig \\\n\tlib/Kconfig\n\nifneq "$(CC)" "gcc"\n';
	writeFileSync(list, `autoconfig := include/config/auto.conf\n\n${said}`);
	await rememberConfigured(place, 'answers');
	t.ok(await configured());
	writeFileSync(join(source, 'lib', 'a.c'), 'int a;\n');
	t.ok(await configured(), 'a C file is none of its business');

	t.notOk(await isConfigured(place, 'other answers'));
	t.notOk(await isConfigured({ ...place, toolchain: { ...place.toolchain, version: 'gcc 13' } }, 'answers'));
	for (const file of [
		'source/lib/Kconfig',
		'source/Makefile',
		'source/scripts/version.sh',
		'source/scripts/kconfig/conf.c',
		'source/arch/x86/Makefile',
		'output/.config',
	]) {
		const path = join(directory, file);
		const before = readFileSync(path);
		writeFileSync(path, `${before}# more\n`);
		t.notOk(await configured(), file);
		rmSync(path);
		t.notOk(await configured(), `${file} gone`);
		writeFileSync(path, before);
		t.ok(await configured());
	}
	writeFileSync(join(source, 'scripts', 'new.sh'), '');
	t.notOk(await configured(), 'a script more');
});
