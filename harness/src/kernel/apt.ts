// SPDX-License-Identifier: MIT
import { access, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '../core/cache.js';
import { infrastructureError } from '../core/errors.js';
import { contentId } from '../core/hash.js';
import { withLock } from '../core/lock.js';
import { type RunOptions, run, tail } from '../core/process.js';
import type { Progress } from '../core/progress.js';
import { machineMirrors, machineSettings, renderAptConfig } from './apt-config.js';
import { type PackageRecord, parsePackageRecords } from './apt-index.js';
import { renderSources } from './apt-sources.js';
import type { Catalogue } from './catalogue.js';

const REFRESH_AFTER_MS = 60 * 60 * 1000;

/** How old an index may be when something was not found in it. */
const REFRESH_MISSING_AFTER_MS = 60 * 1000;

type PhaseUpdate = (detail?: string, fraction?: number) => void;

export interface AptContext {
	readonly cache: Cache;
	readonly progress: Progress;
	readonly catalogue: Catalogue;
	/** Where the machine's own apt configuration lies; `/etc/apt` by default. */
	readonly etcApt?: string;
}

/**
 * Debian's package indexes for some suites and one architecture, read and refreshed as an ordinary user in a
 * folder of the cache. Signatures are always checked, against the catalogue's keyring.
 */
export class PrivateApt {
	private constructor(
		private readonly context: AptContext,
		private readonly variant: string,
		private readonly suites: readonly string[],
	) {}

	/** @param architecture Debian's, as `amd64`. */
	static async open(context: AptContext, suites: readonly string[], architecture: string): Promise<PrivateApt> {
		const { keyring } = context.catalogue;
		await access(keyring.path).catch((cause: unknown) => {
			throw infrastructureError('KEYRING_MISSING', `${keyring.path} is not there: package indexes cannot be verified`, {
				hint: `install the package ${keyring.package}`,
				cause,
			});
		});
		await mkdir(context.cache.workPath('apt'), { recursive: true });
		// Caches may share this folder by a link: all of them write the same paths then.
		const root = await realpath(context.cache.workPath('apt'));
		await context.cache.touch('apt');
		const mirrors = await machineMirrors(context.etcApt ?? '/etc/apt');
		const sources = renderSources(mirrors, suites, architecture, keyring.path);
		const inherited = await machineSettings(context.progress.signal);
		const variant = join(
			root,
			`${architecture}-${contentId({ sources, inherited: inherited.join('\n') }).slice(0, 12)}`,
		);
		await mkdir(join(root, 'state', 'lists', 'partial'), { recursive: true });
		await mkdir(join(variant, 'archives', 'partial'), { recursive: true });
		await mkdir(join(variant, 'none'), { recursive: true });
		await writeChanged(join(root, 'state', 'status'), '');
		await writeChanged(join(variant, 'sources.list'), sources);
		await writeChanged(join(variant, 'apt.conf'), renderAptConfig(root, variant, architecture, inherited));
		return new PrivateApt(context, variant, suites);
	}

	/** Packages whose names match, every version of each, from indexes that are at most an hour old where they can be had. */
	async search(prefix: string, name: RegExp): Promise<PackageRecord[]> {
		await this.refresh(REFRESH_AFTER_MS);
		return this.query(prefix, name);
	}

	/** Like search, from indexes fetched in the last minute: for what was not found. */
	async searchAfresh(prefix: string, name: RegExp): Promise<PackageRecord[]> {
		await this.refresh(REFRESH_MISSING_AFTER_MS);
		return this.query(prefix, name);
	}

	/** Downloads a package into a folder; apt checks it against its signed index. */
	async download(record: PackageRecord, directory: string, update: PhaseUpdate) {
		await run(
			'apt-get',
			['download', '-q', '-o', 'APT::Status-Fd=1', `${record.name}=${record.version}`],
			this.options({
				cwd: directory,
				onLine: showPercent(update),
			}),
		);
	}

	private async query(prefix: string, name: RegExp): Promise<PackageRecord[]> {
		return this.locked(async () => {
			const { stdout } = await run('apt-cache', ['pkgnames', prefix], this.options());
			const names = stdout.split('\n').filter((found) => name.test(found));
			if (names.length === 0) return [];
			const shown = await run('apt-cache', ['show', ...names], this.options());
			return parsePackageRecords(shown.stdout);
		});
	}

	/** Fetches the indexes if the last time is longer ago. What cannot be had is noted; what was had before is used. */
	private async refresh(afterMs: number): Promise<void> {
		const stamp = join(this.variant, 'refreshed');
		const age = async () =>
			Date.now() -
			(await stat(stamp).then(
				(at) => at.mtimeMs,
				() => 0,
			));
		if ((await age()) < afterMs) return;
		await this.locked(async () => {
			if ((await age()) < afterMs) return;
			const { progress } = this.context;
			const result = await progress.phase('index', (update) =>
				run(
					'apt-get',
					['update', '-q', '-o', 'APT::Status-Fd=1'],
					this.options({
						accept: [0, 100],
						onLine: showPercent(update),
					}),
				),
			);
			const complaints = result.stderr.split('\n').filter((line) => /^[EW]:/.test(line));
			const present = await this.presentSuites();
			const absent = this.suites.filter((suite) => !present.has(suite));
			if (present.size === 0) {
				throw infrastructureError('INDEX_UNREACHABLE', `no package index of ${this.suites.join(', ')} can be had`, {
					hint: 'kernels come from the mirror that the apt sources of this machine name; is it reachable?',
					evidence: tail(complaints.join('\n')),
				});
			}
			if (absent.length > 0)
				progress.note(`no package index of ${absent.join(', ')}: ${complaints[0] ?? 'no reason given'}`);
			else if (complaints[0]) progress.note(`package indexes are not all fresh: ${complaints[0]}`);
			await writeFile(stamp, '');
		});
	}

	/** Suites whose index is on disk. */
	private async presentSuites(): Promise<Set<string>> {
		const { stdout } = await run(
			'apt-get',
			['indextargets', '--format', '$(RELEASE)', 'Created-By: Packages'],
			this.options({ accept: [0, 100] }),
		);
		return new Set(stdout.split(/\s+/).filter((word) => this.suites.includes(word)));
	}

	private locked<T>(work: () => Promise<T>): Promise<T> {
		const { cache, progress } = this.context;
		return withLock(cache.workPath('locks', 'apt'), work, progress.signal, () =>
			progress.note('waiting for another run that reads package indexes'),
		);
	}

	private options(more: RunOptions = {}): RunOptions {
		return {
			env: { APT_CONFIG: join(this.variant, 'apt.conf'), LC_ALL: 'C' },
			signal: this.context.progress.signal,
			package: 'apt',
			...more,
		};
	}
}

/** Leaves a file alone that holds this already: apt builds its cache anew for a younger one, which takes a second. */
async function writeChanged(file: string, text: string): Promise<void> {
	const found = await readFile(file, 'utf8').catch(() => undefined);
	if (found !== text) await writeFile(file, text);
}

/** Reads apt's status lines (README.progress-reporting in apt's documentation). */
function showPercent(update: PhaseUpdate): (line: string) => void {
	return (line) => {
		const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
		if (percent) update(undefined, Math.min(1, Number(percent) / 100));
	};
}
