// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { Command, InvalidArgumentError } from 'commander';
import { errnoOf, messageOf, usageError } from '../core/errors.js';
import { printableInLog, printableJson } from '../core/printable.js';
import { attributeByLine, exitCodeOf, type Judgement, judge } from '../verdict/judge.js';
import { KtapParser } from '../verdict/ktap.js';
import { CaseAttribution } from '../verdict/splat/attribution.js';
import { ConsoleClassifier } from '../verdict/splat/console.js';
import { reading } from './reading.js';

interface JudgeOptions {
	readonly ktap?: string | undefined;
	readonly console?: string | undefined;
	readonly status?: number | undefined;
	readonly json?: boolean | undefined;
}

const DESCRIPTION = `Judges saved logs by the rules a run judges by, and exits with the verdict's code:
0 pass, skip or xfail; 1 fail, timeout, crash or xpass; 3 miss (nothing that could be judged).
- stands for standard input.`;

/** `fencepost judge`: applies parser, classifier and reconciliation to saved logs. */
export function judgeCommand(): Command {
	return new Command('judge')
		.description(DESCRIPTION)
		.option('--ktap <file>', 'what the test program printed: TAP or KTAP; or a kernel log with KUnit results in it')
		.option('--console <file>', 'the kernel log or serial console of the same run; may be the same file')
		.option('--status <n>', 'exit status of the test program', parseStatus)
		.option('--json', 'print the judgement as JSON')
		.action(async (options: JudgeOptions) => {
			const judgement = await judgeFiles(options);
			const text = options.json
				? printableJson(`${JSON.stringify(asPinned(judgement), null, 2)}\n`)
				: printableInLog(asText(judgement));
			process.stdout.write(text);
			process.exitCode = exitCodeOf(judgement.verdict);
		});
}

function parseStatus(text: string): number {
	if (!/^\d{1,3}$/.test(text) || Number(text) > 255) {
		throw new InvalidArgumentError('accepted: the exit status of a program, 0 to 255');
	}
	return Number(text);
}

async function judgeFiles(options: JudgeOptions): Promise<Judgement> {
	if (options.ktap === undefined && options.console === undefined) {
		throw usageError('JUDGE_NOTHING', 'judge: no log was given', 'accepted: --ktap FILE, --console FILE, or both');
	}
	if (options.ktap === '-' && options.console === '-') {
		throw usageError('JUDGE_STDIN', 'judge: --ktap and --console cannot both be standard input', 'name a file for one');
	}
	const parser = new KtapParser();
	const attribution = new CaseAttribution();
	const classifier = new ConsoleClassifier({ onMark: (text, line) => attribution.mark(text, line) });
	const same = options.console !== undefined && options.console === options.ktap;
	if (options.ktap !== undefined) {
		const sinks = same ? [parser, classifier] : [parser];
		await reading('--ktap', options.ktap, feed('--ktap', options.ktap, sinks));
	}
	if (options.console !== undefined && !same) {
		await reading('--console', options.console, feed('--console', options.console, [classifier]));
	}
	const ktap = options.ktap === undefined ? undefined : parser.end();
	const found = classifier.end();
	const splats = ktap && same ? attributeByLine(found, ktap) : found.map((splat) => attribution.attribute(splat));
	return judge({ ktap, splats, droppedMessages: classifier.droppedMessages, status: options.status });
}

async function feed(option: string, file: string, sinks: readonly { push(bytes: Uint8Array): void }[]): Promise<void> {
	const input: Readable = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1024 * 1024 });
	try {
		for await (const chunk of input as AsyncIterable<Buffer>) for (const sink of sinks) sink.push(chunk);
	} catch (error) {
		const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
		throw usageError(
			'JUDGE_UNREADABLE',
			`${option} ${file}: ${why}`,
			'accepted: a readable file, or - for standard input',
		);
	}
}

/** The shape pinned in the design. */
function asPinned({ verdict, cases, splats }: Judgement): object {
	return {
		verdict,
		cases: cases.map(({ name, verdict: own, reason }) => ({ name, verdict: own, reason })),
		splats: splats.map(({ kind, title, function: guilty, line }) => ({ kind, title, function: guilty ?? null, line })),
	};
}

function asText({ verdict, cases, splats }: Judgement): string {
	const passed = cases.filter((one) => one.verdict === 'pass').length;
	const others = cases.filter((one) => one.verdict !== 'pass' || one.reason !== '');
	const lines = [
		`${verdict}: ${count(cases.length, 'case')}, ${passed} passed; ${count(splats.length, 'kernel report')}`,
	];
	const width = Math.min(60, Math.max(0, ...others.map(({ name }) => name.length)));
	for (const { name, verdict: own, reason } of others) {
		lines.push(`  ${own.padEnd(7)}  ${name.padEnd(width)}  ${reason}`.trimEnd());
	}
	for (const { kind, title, function: guilty, line } of splats) {
		lines.push(`  line ${line}: ${kind}${guilty === undefined ? '' : ` in ${guilty}`}: ${title}`);
	}
	return `${lines.join('\n')}\n`;
}

function count(n: number, what: string): string {
	return `${n} ${what}${n === 1 ? '' : 's'}`;
}
