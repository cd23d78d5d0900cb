// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import t from 'tap';
import {
	type AvailableKernel,
	availableKernels,
	chooseKernel,
	nearestVersion,
	versionGone,
} from '../../src/kernel/availability.js';
import { isStockKernel, stockKernelName } from '../../src/kernel/debian.js';
import { compareDebianVersions, upstreamVersion } from '../../src/kernel/debian-version.js';

const VERSIONS = [
	...['6.12.117-1', '6.12.117-1~deb12u1', '6.12.95-1~bpo12+1', '6.12.107-1', '6.12.94-1', '6.1.176-1~deb11u1'],
	...['7.3~rc7-1~exp1', '7.3.4-1~bpo13+1', '7.3-1', '7.2.13-1', '5.10.223-1', '5.10.262-1', '1:0.1-1', '0:7.3-1'],
	...['1.0', '1.0-0', '1.00', '1.0a', '1.0~', '1.0~~', '1.0~~a', '1.0+', '1.0.', '1.0-1-2', 'a1', 'aZ', '0', '00'],
];

t.test('versions compare as dpkg compares them', async (t) => {
	const pairs = VERSIONS.flatMap((a) => VERSIONS.map((b) => [a, b] as const));
	const script = pairs
		.map(
			([a, b]) =>
				`dpkg --compare-versions '${a}' lt '${b}' 2>/dev/null && echo lt || { dpkg --compare-versions '${a}' eq '${b}' 2>/dev/null && echo eq || echo gt; }`,
		)
		.join('\n');
	const said = execFileSync('sh', ['-s'], { input: script, encoding: 'utf8' }).trim().split('\n');
	t.equal(said.length, pairs.length);
	const name = (order: number) => (order < 0 ? 'lt' : order > 0 ? 'gt' : 'eq');
	const wrong = pairs.filter(([a, b], index) => name(compareDebianVersions(a, b)) !== said[index]);
	t.same(wrong, []);
});

t.test('upstream versions are said as selectors say them', async (t) => {
	t.equal(upstreamVersion('7.3~rc7-1~exp1'), '7.3-rc7');
	t.equal(upstreamVersion('6.12.117-1~deb12u1'), '6.12.117');
	t.equal(upstreamVersion('1:5.10.1-2-3'), '5.10.1-2');
});

const record = (name: string, version: string, sizeBytes = 14e6) => ({
	name,
	version,
	architecture: 'all',
	sizeBytes,
	sha256: 'a'.repeat(64),
});

t.test('a selector chooses among what can be had', async (t) => {
	const had = availableKernels([
		record('linux-source-6.12', '6.12.94-1'),
		record('linux-source-6.12', '6.12.117-1~deb12u1'),
		record('linux-source-6.12', '6.12.117-1'),
		record('linux-source-6.1', '6.1.176-1'),
		record('linux-source-7.4', '7.4~rc2-1~exp1'),
		record('linux-source-7.3', '7.3.4-1~bpo13+1'),
		record('linux-source-7.3', '7.3~rc7-1~exp1'),
		record('linux-source-odd', 'nonsense'),
	]);
	const chosen = (version: string) => chooseKernel(version, had)?.record.version;
	t.equal(chosen('6.12'), '6.12.117-1');
	t.equal(chosen('6.12.94'), '6.12.94-1');
	t.equal(chosen('newest'), '7.3.4-1~bpo13+1', 'no release candidate');
	t.equal(chosen('7.3-rc7'), '7.3~rc7-1~exp1');
	t.equal(chosen('7.3'), '7.3.4-1~bpo13+1');
	t.equal(chosen('7.4'), '7.4~rc2-1~exp1', 'a release candidate where nothing else is');
	t.equal(chosen('6.1.17'), undefined);
	t.equal(chosen('6.2'), undefined);

	t.equal(nearestVersion('6.12.50', had), '6.12.94');
	t.equal(nearestVersion('6.13', had), '6.12', 'a series for a series');
	t.equal(nearestVersion('6.13', []), undefined);

	const gone = versionGone('source:6.12.50', 'source', '6.12.50', had);
	t.equal(gone.blame, 'usage');
	t.match(gone.message, 'source:6.12.50: no kernel source of version 6.12.50');
	t.equal(
		gone.hint,
		[
			'the nearest is source:6.12.94; to be had:',
			'  7.4: 7.4-rc2',
			'  7.3: 7.3.4, 7.3-rc7',
			'  6.12: 6.12.117, 6.12.94',
			'  6.1: 6.1.176',
		].join('\n'),
	);
	t.match(versionGone('source:1.0', 'source', '1.0', []).hint, 'none at all');
});

t.test('stock kernels are told from flavours, parts and meta packages', async (t) => {
	const name = stockKernelName('amd64');
	for (const good of [
		...['linux-image-6.1.0-47-amd64', 'linux-image-6.1.0-0.deb11.48-amd64', 'linux-image-6.12.117+deb13-amd64'],
		...[
			'linux-image-5.10.0-30-amd64-unsigned',
			'linux-binary-7.2.12+deb13-amd64',
			'linux-binary-unsigned-7.2.12+deb13-amd64',
		],
		...['linux-binary-7.3-amd64', 'linux-image-7.3-rc7-amd64'],
	]) {
		t.ok(name.test(good), good);
	}
	for (const bad of [
		...['linux-image-6.1.0-47-rt-amd64', 'linux-image-6.1.0-47-cloud-amd64', 'linux-binary-7.2.12+deb13-rt-amd64'],
		...['linux-image-6.1.0-47-amd64-dbg', 'linux-image-amd64', 'linux-image-6.1-amd64-signed-template'],
		...['linux-modules-7.2.12+deb13-amd64', 'linux-image-6.1.0-47-arm64', 'linux-headers-6.1.0-47-amd64'],
	]) {
		t.notOk(name.test(bad), bad);
	}
	t.ok(isStockKernel(record('linux-binary-7.3-amd64', '7.3~rc7-1~exp1')));
	t.notOk(isStockKernel(record('linux-image-6.1-amd64', '6.1.180-1', 1492)), 'a meta package');
	const both: AvailableKernel[] = availableKernels([
		record('linux-image-6.1.0-47-amd64-unsigned', '6.1.176-1'),
		record('linux-image-6.1.0-47-amd64', '6.1.176-1'),
	]);
	t.equal(both[0]?.record.name, 'linux-image-6.1.0-47-amd64', 'signed first');
});
