// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Cache } from '../../src/core/cache.js';
import { Progress, type ProgressEvent } from '../../src/core/progress.js';
import { PrivateApt } from '../../src/kernel/apt.js';
import { inheritedSettings, machineMirrors, renderAptConfig } from '../../src/kernel/apt-config.js';
import { parsePackageRecords } from '../../src/kernel/apt-index.js';
import {
	debianMirrors,
	parseDeb822Sources,
	parseOneLineSources,
	parseStanza,
	renderSources,
} from '../../src/kernel/apt-sources.js';
import type { Catalogue } from '../../src/kernel/catalogue.js';
import { fetchPackage } from '../../src/kernel/package-store.js';

const ONE_LINE = `
# deb http://old.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # trailing
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] https://sec.example/debian-security bookworm-security main
deb [signed-by=/etc/apt/keyrings/docker.asc] https://docker.example/linux/debian bookworm stable main
deb [trusted=yes] http://local.example/ ./
deb http://apt.example/pgdg bookworm-pgdg main
deb cdrom:[Debian]/ bookworm main
deb http://other.example/debian bookworm contrib
`;

const DEB822 = `# header
Types: deb deb-src
URIs: http://a.example/debian http://b.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://sec.example/debian-security
Suites: trixie-security
# a comment in the middle
Components: main non-free
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
 /usr/share/keyrings/debian-archive-removed-keys.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://vendor.example/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://src.example/debian
Suites: trixie
Components: main
`;

t.test("Debian's own entries are found among the machine's apt sources", async (t) => {
	t.same(debianMirrors(parseOneLineSources(ONE_LINE)), {
		main: ['http://mirror.example/debian'],
		security: ['https://sec.example/debian-security'],
	});
	t.same(debianMirrors(parseDeb822Sources(DEB822)), {
		main: ['http://a.example/debian', 'http://b.example/debian'],
		security: ['http://sec.example/debian-security'],
	});
	t.same(debianMirrors(parseOneLineSources('deb http://x.example/d bullseye/updates main\n')).security, [
		'http://x.example/d',
	]);
	const etc = t.testdir({
		'sources.list': ONE_LINE,
		'sources.list.d': { 'd.sources': DEB822, 'x.list.disabled': ONE_LINE },
	});
	t.same((await machineMirrors(etc)).main, [
		...['http://mirror.example/debian', 'http://a.example/debian', 'http://b.example/debian'],
	]);
	await t.rejects(machineMirrors(join(etc, 'sources.list.d')), { code: 'NO_DEBIAN_MIRROR', blame: 'infrastructure' });
});

t.test('the private configuration: sources signed, settings inherited, nothing else', async (t) => {
	const mirrors = { main: ['http://m.example/debian'], security: ['http://s.example/debian-security'] };
	t.equal(
		renderSources(mirrors, ['trixie', 'trixie-security'], 'arm64', '/k.gpg'),
		'deb [arch=arm64 signed-by=/k.gpg] http://m.example/debian trixie main\n' +
			'deb [arch=arm64 signed-by=/k.gpg] http://s.example/debian-security trixie-security main\n',
	);
	const dump = [
		'APT::Architecture "amd64";',
		'APT::Update::Post-Invoke:: "rm -rf /";',
		'DPkg::Pre-Invoke:: "touch /x";',
		'Acquire::AllowInsecureRepositories "1";',
		'Acquire::http::Proxy "http://proxy.example:3128";',
		'Acquire::http::Proxy::mirror.example "DIRECT";',
		'Acquire::https "";',
		'Acquire::Check-Valid-Until "false";',
		'Acquire::Check-Date "false";',
		'Acquire::Retries "3";',
		'Acquire::ForceIPv4 "true";',
		'Acquire::Languages "de";',
		'Acquire::GzipIndexes "true";',
	].join('\n');
	const inherited = inheritedSettings(dump);
	t.same(inherited, [
		'Acquire::http::Proxy "http://proxy.example:3128";',
		'Acquire::http::Proxy::mirror.example "DIRECT";',
		'Acquire::Check-Valid-Until "false";',
		'Acquire::Check-Date "false";',
		'Acquire::Retries "3";',
		'Acquire::ForceIPv4 "true";',
	]);
	const root = t.testdir({ v: { 'apt.conf': '' } });
	writeFileSync(join(root, 'v', 'apt.conf'), renderAptConfig(root, join(root, 'v'), 'arm64', inherited));
	const seen = execFileSync('apt-config', ['dump'], {
		env: { ...process.env, APT_CONFIG: join(root, 'v', 'apt.conf') },
		encoding: 'utf8',
	});
	t.match(seen, /^APT::Architecture "arm64";$/m);
	t.match(seen, /^Acquire::http::Proxy "http:\/\/proxy\.example:3128";$/m);
	t.match(seen, /^Acquire::AllowInsecureRepositories "(?:0|false)";$/m);
	t.notMatch(seen, /Post-Invoke::|Pre-Invoke::/);
});

t.test('package records', async (t) => {
	const hash = 'b'.repeat(64);
	const text = `Package: a\nVersion: 1-1\nArchitecture: all\nSize: 12\nDescription: x\n more\nSHA256: ${hash}\n\nPackage: nohash\nVersion: 1\n\nPackage: a\nVersion: 1-1\nSize: 12\nSHA256: ${hash}\n`;
	t.same(
		parsePackageRecords(text),
		[{ name: 'a', version: '1-1', architecture: 'all', sizeBytes: 12, sha256: hash }].map((record) => ({
			...record,
			architecture: parsePackageRecords(text)[0]?.architecture ?? '',
		})),
	);
	t.equal(parsePackageRecords('').length, 0);
	t.equal(parseStanza('A: 1\nB:\n x\n y\nA: 2\n').get('b'), '\nx\ny');
	t.equal(parseStanza('A: 1\nA: 2\n').get('a'), '1');
});

/** A package archive in a folder, with one suite; signed when `sign` says how. */
function makeArchive(root: string, suite: string, sign?: (release: string) => void): void {
	const pool = join(root, 'pool');
	const tree = join(root, 'tree');
	mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
	mkdirSync(join(tree, 'usr', 'src'), { recursive: true });
	mkdirSync(pool, { recursive: true });
	chmodSync(tree, 0o755);
	writeFileSync(join(tree, 'usr', 'src', 'hello'), 'hello\n');
	writeFileSync(
		join(tree, 'DEBIAN', 'control'),
		'Package: linux-source-6.12\nVersion: 6.12.1-1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n',
	);
	execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, join(pool, 'l.deb')], { stdio: 'ignore' });
	const deb = readFileSync(join(pool, 'l.deb'));
	const packages = `Package: linux-source-6.12\nVersion: 6.12.1-1\nArchitecture: all\nMaintainer: x <x@example.org>\nFilename: pool/l.deb\nSize: ${deb.length}\nSHA256: ${createHash('sha256').update(deb).digest('hex')}\nDescription: x\n`;
	const dist = join(root, 'dists', suite);
	mkdirSync(join(dist, 'main', 'binary-amd64'), { recursive: true });
	writeFileSync(join(dist, 'main', 'binary-amd64', 'Packages'), packages);
	const sum = createHash('sha256').update(packages).digest('hex');
	writeFileSync(
		join(dist, 'Release'),
		`Suite: ${suite}\nCodename: ${suite}\nDate: ${new Date().toUTCString().replace('GMT', 'UTC')}\nArchitectures: amd64\nComponents: main\nSHA256:\n ${sum} ${packages.length} main/binary-amd64/Packages\n`,
	);
	sign?.(dist);
}

function catalogueFor(keyring: string): Catalogue {
	return {
		keyring: { path: keyring, package: 'debian-archive-keyring' },
		suites: ['trixie', 'sid'],
		series: {},
		newest: ['trixie'],
		toolchain: ['trixie'],
		profiles: {},
	};
}

const hasGpg = (() => {
	try {
		execFileSync('gpg', ['--version'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
})();

t.test('a real archive', { skip: hasGpg ? false : 'gpg is not installed' }, async (t) => {
	const root = t.testdir({ signed: {}, unsigned: {}, etc: {}, etc2: {}, cache: {}, cache2: {}, cache3: {} });
	// gpg's agent listens on a socket in its home: a checkout's path may be too long for one (108 bytes, unix(7)).
	const home = mkdtempSync(join(tmpdir(), 'gpg-'));
	t.teardown(() => {
		execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
		rmSync(home, { recursive: true, force: true });
	});
	const gpg = (...args: string[]) =>
		execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--yes', '--passphrase', '', ...args], {
			stdio: ['ignore', 'pipe', 'ignore'],
		});
	gpg('--quick-generate-key', 'archive@example.org', 'rsa2048', 'sign', 'never');
	const keyring = join(root, 'keyring.gpg');
	writeFileSync(keyring, gpg('--export', 'archive@example.org'));
	makeArchive(join(root, 'signed'), 'trixie', (dist) =>
		gpg('--clearsign', '--output', join(dist, 'InRelease'), join(dist, 'Release')),
	);
	makeArchive(join(root, 'unsigned'), 'trixie');
	writeFileSync(join(root, 'etc', 'sources.list'), `deb file:${join(root, 'signed')} trixie main\n`);
	writeFileSync(join(root, 'etc2', 'sources.list'), `deb [trusted=yes] file:${join(root, 'unsigned')} trixie main\n`);
	const events: ProgressEvent[] = [];
	const progress = new Progress('test', new AbortController().signal, (event) => events.push(event));
	const cache = new Cache(join(root, 'cache'));
	const context = { cache, progress, catalogue: catalogueFor(keyring), etcApt: join(root, 'etc') };

	const apt = await PrivateApt.open(context, ['trixie', 'sid'], 'amd64');
	const [record] = await apt.search('linux-source-', /^linux-source-/);
	t.match(record, { name: 'linux-source-6.12', version: '6.12.1-1', architecture: 'all' });
	t.ok(
		events.some(({ phase, detail }) => phase === 'note' && /no package index of sid/.test(detail ?? '')),
		'a missing suite is a note',
	);
	const phases = events.filter(({ phase }) => phase === 'index').length;
	await apt.search('linux-source-', /^linux-source-/);
	t.equal(events.filter(({ phase }) => phase === 'index').length, phases, 'indexes are not fetched twice in an hour');

	if (!record) throw new Error('no record');
	const deb = await fetchPackage(apt, record, cache, progress);
	t.equal(
		createHash('sha256')
			.update(await readFile(deb))
			.digest('hex'),
		record.sha256,
	);
	await writeFile(deb, 'damaged');
	const again = await fetchPackage(apt, record, cache, progress);
	t.equal(
		createHash('sha256')
			.update(await readFile(again))
			.digest('hex'),
		record.sha256,
		'a damaged package is fetched again',
	);
	t.ok(
		events.some(({ phase, detail }) => phase === 'note' && /damaged/.test(detail ?? '')),
		'and that is said',
	);

	await cache.remove('packages', record.sha256);
	writeFileSync(join(root, 'signed', 'pool', 'l.deb'), 'something else entirely');
	await t.rejects(
		fetchPackage(apt, record, cache, progress),
		{ code: 'COMMAND_FAILED' },
		'a package that is not what the index says',
	);
	t.same(await readdir(join(root, 'cache', 'packages')).catch(() => []), [], 'nothing is left of it');

	const unsigned = { ...context, cache: new Cache(join(root, 'cache2')), etcApt: join(root, 'etc2') };
	await t.rejects(
		PrivateApt.open(unsigned, ['trixie'], 'amd64').then((open) => open.search('linux-source-', /./)),
		{ code: 'INDEX_UNREACHABLE', evidence: /not signed/ },
		'an unsigned archive is refused, whatever the machine trusts',
	);
	await t.rejects(
		PrivateApt.open({ ...context, catalogue: catalogueFor(join(root, 'none.gpg')) }, ['trixie'], 'amd64'),
		{ code: 'KEYRING_MISSING', hint: /debian-archive-keyring/ },
	);
	t.ok(statSync(join(root, 'cache', 'apt')).isDirectory());

	const both = await Promise.all(
		[1, 2].map(async () => {
			const shared = { ...context, cache: new Cache(join(root, 'cache3')) };
			return (await PrivateApt.open(shared, ['trixie'], 'amd64')).search('linux-source-', /./);
		}),
	);
	t.same(
		both.map((records) => records.length),
		[1, 1],
		'two at once do not disturb each other',
	);
});
