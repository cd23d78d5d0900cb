// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ARCHES, hostArch } from '../../src/core/architectures.js';
import { Cache } from '../../src/core/cache.js';
import { Progress, type ProgressEvent } from '../../src/core/progress.js';
import { checkProgram } from '../../src/image/program.js';
import { buildGuestPrograms, discoverSuites, listCases } from '../../src/image/suites.js';
import { ensureToolchain } from '../../src/image/toolchain.js';
import { fetchDebianPackage } from '../../src/kernel/fetch.js';

const projectRoot = process.cwd();
const scratch = t.testdir();
const cache = new Cache(join(scratch, 'cache'));
const events: ProgressEvent[] = [];
const progress = new Progress('test', new AbortController().signal, (event) => events.push(event));
let fetches = 0;
const fetchPackage = (name: string, debianArch: string) => {
	fetches++;
	// The package itself may come from the user's own cache; everything made from it does not.
	return fetchDebianPackage(name, debianArch, { cache: new Cache(), progress, projectRoot });
};

/** A project with one suite, on the real lib and agent. */
const root = join(scratch, 'project');
cpSync('guest/agent', join(root, 'guest/agent'), { recursive: true });
cpSync('suites/lib', join(root, 'suites/lib'), { recursive: true });
const suite = (name: string, body: string) => {
	mkdirSync(join(root, 'suites', name), { recursive: true });
	writeFileSync(
		join(root, 'suites', name, 'suite.c'),
		`#include "ktap.h"\nconst char fp_suite_name[] = "${name}";\n${body}`,
	);
};
/** What a suite defines is its own: another may use the same names. */
const CASE = `int shared(void);
int shared(void)
{
	return 1;
}

CASE(first, "sample.first", CATALOGUE("SAMPLE-01"), CLASS(ABI), STATEMENT("One is \\"one\\"."),
     SOURCE("nowhere"), SINCE("6.1"), NEEDS("heap:cma sw_sync"))
{
	EXPECT_EQ(shared(), 1);
}
`;
suite('sample', CASE);
const options = { root, suites: ['sample'], cache, fetchPackage, progress };

t.test('what there is', async (t) => {
	mkdirSync(join(root, 'suites/empty'));
	writeFileSync(join(root, 'suites/README'), 'not a suite');
	t.strictSame(await discoverSuites(root), ['sample'], 'folders with sources, but lib');
	t.ok((await discoverSuites(projectRoot)).length >= 6);
	await t.rejects(discoverSuites(join(scratch, 'none')), { code: 'SOURCES_MISSING' });
});

for (const arch of ARCHES) {
	t.test(`programs for ${arch}`, async (t) => {
		const before = fetches;
		const programs = await buildGuestPrograms({ ...options, arch });
		t.equal(fetches, before + 1, 'the C library is fetched once');
		for (const program of [programs.agent, ...programs.suites]) {
			t.equal((await checkProgram(program.path, arch)).linkage, 'static', program.name);
			const sections = execFileSync('readelf', ['--wide', '--sections', program.path], { encoding: 'utf8' });
			t.notMatch(sections, /\.symtab|\.debug_|build-id/, `${program.name} is stripped`);
			t.notMatch(readFileSync(program.path).toString('latin1'), scratch, `${program.name} names no path of the host`);
		}
		const sections = execFileSync('readelf', ['--wide', '--sections', join(programs.suites[0]?.path ?? '')], {
			encoding: 'utf8',
		});
		t.match(sections, /fp_cases/, 'the section of cases survives the linker');
		if (arch === hostArch) {
			t.strictSame(listCases(programs.suites), [
				{
					...{
						case: 'sample.first',
						catalogue: 'SAMPLE-01',
						suite: 'sample',
						class: 'ABI',
						statement: 'One is "one".',
					},
					...{ source: 'nowhere', since: '6.1', until: null, needs: ['heap:cma', 'sw_sync'] },
				},
			]);
		} else {
			t.throws(() => listCases(programs.suites), { code: 'SUITE_LIST_FAILED', message: /another architecture/ });
		}
		const again = await buildGuestPrograms({ ...options, arch });
		t.strictSame(again, programs, 'the same from the cache');
		t.equal(fetches, before + 1, 'without a look at the network');

		const other = new Cache(join(scratch, `other-${arch}`));
		const elsewhere = await buildGuestPrograms({ ...options, arch, cache: other });
		const agent = [programs, elsewhere].map(({ agent }) => readFileSync(agent.path));
		t.ok(agent[0]?.equals(agent[1] ?? Buffer.alloc(0)), 'compiled twice, the same bytes');
	});
}

const arch = hostArch ?? 'x86_64';

t.test('what changes, and what is damaged, is made again', async (t) => {
	const first = await buildGuestPrograms({ ...options, arch });
	suite('sample', CASE.replace('return 1', 'return 2'));
	const changed = await buildGuestPrograms({ ...options, arch });
	t.not(changed.suites[0]?.id, first.suites[0]?.id);
	t.equal(changed.agent.id, first.agent.id, 'and nothing else');
	writeFileSync(
		join(root, 'suites/lib/text.h'),
		`${readFileSync(join(root, 'suites/lib/text.h'), 'utf8')}\n/* changed */\n`,
	);
	t.not(
		(await buildGuestPrograms({ ...options, arch })).suites[0]?.id,
		changed.suites[0]?.id,
		'a header of lib counts',
	);

	writeFileSync(first.agent.path, 'damaged');
	await buildGuestPrograms({ ...options, arch });
	t.equal((await checkProgram(first.agent.path, arch)).linkage, 'static', 'a damaged program');
	t.ok(
		events.some(({ detail }) => /is damaged: agent/.test(detail ?? '')),
		'and said so',
	);

	const toolchain = await ensureToolchain(cache, arch, fetchPackage, progress);
	writeFileSync(join(toolchain.directory, 'musl/lib/libc.a'), 'damaged');
	suite('sample', CASE);
	rmSync(first.suites[0]?.path ?? '');
	const before = fetches;
	t.equal((await buildGuestPrograms({ ...options, arch })).suites.length, 1, 'a damaged C library');
	t.equal(fetches, before + 1, 'is fetched again');
});

t.test('suites that are not right', async (t) => {
	const build = (body: string) => {
		suite('broken', body);
		suite('second', CASE.replaceAll('sample', 'second'));
		return buildGuestPrograms({ ...options, arch, suites: ['broken', 'sample', 'second'] });
	};
	await t.rejects(build('CASE(oh'), {
		code: 'SUITE_BUILD_FAILED',
		blame: 'infrastructure',
		message: `suites/broken does not compile for ${arch}`,
		evidence: /suites\/broken\/suite\.c:\d+:\d+: error/,
	});
	await t.rejects(
		build('static int unused;\n'),
		{ code: 'SUITE_BUILD_FAILED', evidence: /unused/ },
		'warnings are errors',
	);
	await t.rejects(build(''), {
		code: 'SUITE_LIST_FAILED',
		message: /the suite broken does not list its cases/,
		evidence: /broken: no cases of such a suite/,
	});
	await t.rejects(build(CASE.replace('sample.first', 'Sample First')), { code: 'SUITE_LIST_FAILED', message: /case/ });
	suite('broken', CASE.replace('sample.first', 'sample.other'));
	writeFileSync(
		join(root, 'suites/broken/suite.c'),
		readFileSync(join(root, 'suites/broken/suite.c'), 'utf8').replace('"broken"', '"else"'),
	);
	await t.rejects(buildGuestPrograms({ ...options, arch, suites: ['broken'] }), {
		code: 'SUITE_LIST_FAILED',
		message: /sample\.other says its suite is else/,
	});
	t.strictSame(readdirSync(join(scratch, 'cache/tmp')), [], 'nothing half-made is left');
});

t.test('a toolchain that cannot be made', async (t) => {
	const empty = new Cache(join(scratch, 'empty'));
	const fake = join(scratch, 'fake');
	mkdirSync(join(fake, 'DEBIAN'), { recursive: true });
	writeFileSync(
		join(fake, 'DEBIAN/control'),
		'Package: musl-dev\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n',
	);
	execFileSync('dpkg-deb', ['--build', fake, `${fake}.deb`], { stdio: 'ignore' });
	await t.rejects(
		ensureToolchain(empty, arch, async () => `${fake}.deb`, progress),
		{
			code: 'TOOLCHAIN_PACKAGE',
			message: /holds no usr\/include/,
		},
	);
	writeFileSync(`${fake}.deb`, 'no package');
	await t.rejects(
		ensureToolchain(empty, arch, async () => `${fake}.deb`, progress),
		{ code: 'COMMAND_FAILED' },
	);
	t.strictSame(await empty.list('toolchain'), []);
});
