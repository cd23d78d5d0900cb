// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaseResult, ResultsFile, RunEvent } from '../../src/results/events.js';

/** What a user's shell sees of one command. */
export interface Shown {
	readonly status: number | null;
	readonly signal: string | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** `fencepost`, started as a user would; its processes carry a mark, by which they are found whatever becomes of it. */
export class Fencepost {
	readonly mark = randomUUID();
	readonly done: Promise<Shown>;
	private readonly child;

	/** @param before words of a command that runs it */
	constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, before: readonly string[] = []) {
		const [program = '', ...words] = [...before, process.execPath, 'harness/dist/src/cli/main.js', ...args];
		this.child = spawn(program, words, {
			env: { ...process.env, ...env, FENCEPOST_TEST_MARK: this.mark },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let stdout = '';
		let stderr = '';
		this.child.stdout.on('data', (chunk) => {
			stdout += chunk;
		});
		this.child.stderr.on('data', (chunk) => {
			stderr += chunk;
		});
		this.done = new Promise((resolve) => {
			this.child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
		});
	}

	kill(signal: NodeJS.Signals): void {
		this.child.kill(signal);
	}

	/** Command names of everything it started that still runs. */
	leftovers(): string[] {
		return this.processes()
			.map(({ name }) => name)
			.filter((name) => name !== '');
	}

	/** The ids of those of its processes whose command's name fits. */
	pidsOf(name: RegExp): number[] {
		return this.processes()
			.filter((one) => name.test(one.name))
			.map(({ pid }) => pid);
	}

	private processes(): { readonly pid: number; readonly name: string }[] {
		return readdirSync('/proc')
			.filter((name) => /^\d+$/.test(name))
			.filter((pid) => read(`/proc/${pid}/environ`).includes(this.mark))
			.map((pid) => ({ pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() }));
	}
}

export function fencepost(...args: string[]): Promise<Shown> {
	return new Fencepost(args).done;
}

function read(path: string): string {
	try {
		return readFileSync(path, 'latin1');
	} catch {
		return '';
	}
}

export async function resultsOf(directory: string): Promise<ResultsFile> {
	return JSON.parse(await readFile(join(directory, 'results.json'), 'utf8')) as ResultsFile;
}

export async function eventsOf(directory: string): Promise<RunEvent[]> {
	const text = await readFile(join(directory, 'events.jsonl'), 'utf8').catch(() => '');
	return text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line) as RunEvent);
}

/** `case verdict` of everything that neither passed nor was skipped or expected. */
export function bad(results: readonly CaseResult[]): string[] {
	return results
		.filter(({ verdict }) => !['pass', 'skip', 'xfail'].includes(verdict))
		.map((one) => `${one.arch} ${one.subject} ${one.case} ${one.verdict}: ${one.reason.slice(0, 300)}`);
}
