// SPDX-License-Identifier: MIT
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { infrastructureError } from '../core/errors.js';
import { run } from '../core/process.js';
import { type DebianMirrors, debianMirrors, parseDeb822Sources, parseOneLineSources } from './apt-sources.js';

/** What of the machine's own apt configuration decides how packages are reached; nothing else is taken over. */
const INHERITED =
	/^Acquire::(?:(?:https?|ftp|tor)(?:::\S+)?|Check-Valid-Until|Check-Date|Retries(?:::\S+)?|ForceIPv[46]|Max-ValidTime(?:::\S+)?|Queue-Mode) ".*";$/;

/** The lines of `apt-config dump` that are taken over. */
export function inheritedSettings(dump: string): string[] {
	return dump.split('\n').filter((line) => INHERITED.test(line) && !line.endsWith(' "";'));
}

/**
 * The private configuration: everything apt reads or writes lies under `root`, so that neither root nor the
 * system's apt is concerned. Only the credentials of mirrors (apt_auth.conf(5)) are read where the machine has them.
 * @param variant folder for what depends on the suites asked: sources, binary caches, and an empty folder `none`.
 */
export function renderAptConfig(
	root: string,
	variant: string,
	architecture: string,
	inherited: readonly string[],
): string {
	return `${[
		`Dir "${root}";`,
		'Dir::State "state";',
		'Dir::State::lists "lists";',
		`Dir::State::status "${root}/state/status";`,
		`Dir::Cache "${variant}";`,
		`Dir::Etc "${variant}";`,
		// Half of what the binary caches take; without a dpkg status of weight it saves nothing.
		'Dir::Cache::srcpkgcache "";',
		'Dir::Etc::sourcelist "sources.list";',
		...['sourceparts', 'parts', 'preferencesparts', 'trustedparts'].map((name) => `Dir::Etc::${name} "none";`),
		'Dir::Etc::trusted "none/trusted.gpg";',
		'Dir::Etc::netrc "/etc/apt/auth.conf";',
		'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";',
		`APT::Architecture "${architecture}";`,
		`APT::Architectures { "${architecture}"; };`,
		'APT::Sandbox::User "";',
		'APT::Get::List-Cleanup "false";',
		'APT::Get::AllowUnauthenticated "false";',
		'Acquire::AllowInsecureRepositories "false";',
		'Acquire::AllowDowngradeToInsecureRepositories "false";',
		'Acquire::Languages "none";',
		'Acquire::Retries "2";',
		...inherited,
	].join('\n')}\n`;
}

/** The mirrors of Debian that this machine's apt uses. @throws when it names none. */
export async function machineMirrors(etcApt: string): Promise<DebianMirrors> {
	const parts = await readdir(join(etcApt, 'sources.list.d')).catch(() => []);
	const files = ['sources.list', ...parts.sort().map((name) => join('sources.list.d', name))];
	const sources = await Promise.all(
		files.map(async (name) => {
			if (!/\.(?:list|sources)$/.test(name)) return [];
			const text = await readFile(join(etcApt, name), 'utf8').catch(() => '');
			return name.endsWith('.sources') ? parseDeb822Sources(text) : parseOneLineSources(text);
		}),
	);
	const mirrors = debianMirrors(sources.flat());
	if (mirrors.main.length === 0 && mirrors.security.length === 0) {
		throw infrastructureError('NO_DEBIAN_MIRROR', `no entry of Debian's archive in the apt sources below ${etcApt}`, {
			hint: 'kernels come from the mirror that the apt sources of this machine name; a kernel from a tree: or file: needs none',
		});
	}
	return mirrors;
}

/** Settings taken over from the machine's apt. */
export async function machineSettings(signal: AbortSignal): Promise<string[]> {
	const { stdout } = await run('apt-config', ['dump'], { signal, package: 'apt' });
	return inheritedSettings(stdout);
}
