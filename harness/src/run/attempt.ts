// SPDX-License-Identifier: MIT

import { sleep } from '../core/clock.js';
import { FencepostError, messageOf } from '../core/errors.js';
import type { Guest, JobOutcome } from '../machine/machine.js';
import type { CaseResult } from '../results/events.js';
import { KtapParser } from '../verdict/ktap.js';
import { type GuestEnded, type JudgedCase, reconcileSuite } from '../verdict/reconcile.js';
import type { KtapCase } from '../verdict/verdict.js';
import type { Assignment, ListedCase } from './assignment.js';
import { hostBusyness, programDeadlineMs } from './deadlines.js';
import type { LaunchedGuest } from './launch.js';
import { heapKind } from './subjects.js';
import { toleratedSplat } from './tolerated.js';

export type Judged = Pick<
	CaseResult,
	'case' | 'verdict' | 'reason' | 'durationMs' | 'diagnostics' | 'splats' | 'catalogue'
>;

export interface AttemptEnd {
	/** Cases that something broke off before their turn: to be run in another guest. */
	readonly unreached: readonly ListedCase[];
	/** The guest is gone, or can no longer be trusted. */
	readonly guestUsedUp: boolean;
}

const MAX_STDERR_BYTES = 8192;
/** After a severe report the kernel gets this long to say the rest of it. */
const LAST_WORDS_MS = 400;
/** How long a dead guest's end is waited for, to learn how it ended. */
const END_MS = 1000;

/** How a program's run ended: seen by the agent, or broken off by the guest's end. */
interface Ending {
	readonly outcome: JobOutcome | undefined;
	readonly guestEnded: GuestEnded | undefined;
}

/**
 * Runs one program against one subject in a guest, hears every witness, and hands each judged case on.
 * @param promises needs that the machine promises and this kernel can have
 */
export async function runAssignment(
	launched: LaunchedGuest,
	assignment: Assignment,
	promises: ReadonlySet<string>,
	signal: AbortSignal,
	record: (judged: Judged) => void,
): Promise<AttemptEnd> {
	const { guest, watch } = launched;
	const { suite, cases } = assignment;
	const parser = new KtapParser();
	let stderr = '';
	const severe = new AbortController();
	watch.begin(() => severe.abort());
	const ending = await runProgram(launched, assignment, signal, severe.signal, {
		stdout: (chunk) => parser.push(chunk),
		stderr: (chunk) => {
			stderr = (stderr + Buffer.from(chunk).toString('utf8')).slice(-MAX_STDERR_BYTES);
		},
	});
	const ktap = parser.end();
	if (ending.outcome && !severe.signal.aborted) await settle(guest, signal);
	const splats = watch.take();
	const { outcome } = ending;
	const usedUp = !outcome || outcome.timedOut || outcome.stuck || splats.some(({ severity }) => severity !== 'warning');
	const brokenOff = !outcome || outcome.timedOut || outcome.signal !== undefined;
	const { judgeable, unreached } = reach(cases, ktap.cases, watch.running, brokenOff);
	const { cases: judged } = reconcileSuite({
		suite: suite.name,
		ktap,
		planned: judgeable?.map((one) => one.case),
		outcome,
		guestEnded: ending.guestEnded,
		splats,
		droppedMessages: watch.takeDropped(),
		running: watch.running,
		tolerated: (splat) => toleratedSplat(splat, catalogueOf(splat.case, cases)),
	});
	for (const one of judged) {
		const said = one.synthetic && stderr.trim() !== '' ? ([['stderr', stderr.trim()]] as const) : [];
		record(judgedResult(promised(one, promises), catalogueOf(one.name, cases), said));
	}
	return { unreached, guestUsedUp: usedUp };
}

async function runProgram(
	launched: LaunchedGuest,
	{ suite, subject, cases }: Assignment,
	signal: AbortSignal,
	severe: AbortSignal,
	output: { stdout(chunk: Uint8Array): void; stderr(chunk: Uint8Array): void },
): Promise<Ending> {
	const { guest } = launched;
	const slowness = launched.slowness * hostBusyness();
	const args = [...suite.args];
	if (cases) {
		if (subject !== '') args.push('--subject', subject);
		for (const one of cases) args.push('--case', one.case);
	}
	const env: Record<string, string> = { FENCEPOST_TIMEOUT_SCALE: String(slowness), PATH: '/suites:/programs' };
	if (cases && subject !== '') env['FENCEPOST_HEAP_KIND'] = heapKind(subject);
	try {
		const outcome = await guest.run(
			{ program: suite.guestPath, args, env, deadlineMs: programDeadlineMs(cases?.length, slowness) },
			output,
			AbortSignal.any([signal, severe]),
		);
		return { outcome, guestEnded: undefined };
	} catch (error) {
		signal.throwIfAborted();
		if (severe.aborted) {
			await sleep(LAST_WORDS_MS);
			await guest.stop();
			return { outcome: undefined, guestEnded: { kind: 'stopped', detail: 'stopped after what its kernel reported' } };
		}
		const known = error instanceof FencepostError ? error : undefined;
		const end = await Promise.race([guest.ended, sleep(END_MS).then(() => undefined)]);
		await guest.stop();
		const kind = known?.code === 'GUEST_HUNG' ? 'hung' : end?.kind === 'killed' ? 'killed' : 'died';
		const how = end?.signal ? `; QEMU was killed by ${end.signal}` : '';
		return { outcome: undefined, guestEnded: { kind, detail: `${messageOf(error)}${how}` } };
	}
}

async function settle(guest: Guest, signal: AbortSignal): Promise<void> {
	try {
		await guest.settleConsole(signal);
	} catch {
		// The guest ended on the way: its console is complete, and what it shows is heard in any case.
		signal.throwIfAborted();
		await guest.stop();
	}
}

/**
 * Splits the cases asked for into those that can be judged now and those that something broke off before their
 * turn. The case that was running is always judged, so that every attempt brings at least one verdict.
 */
function reach(
	cases: readonly ListedCase[] | undefined,
	reported: readonly KtapCase[],
	running: string | undefined,
	brokenOff: boolean,
): { judgeable: readonly ListedCase[] | undefined; unreached: readonly ListedCase[] } {
	if (!cases || !brokenOff) return { judgeable: cases, unreached: [] };
	const names = new Set(reported.map(({ name }) => name));
	const silent = cases.filter((one) => !names.has(one.case));
	const guilty = silent.find((one) => one.case === running) ?? silent[0];
	const unreached = silent.filter((one) => one !== guilty);
	return { judgeable: cases.filter((one) => !unreached.includes(one)), unreached };
}

/** A need that the declared machine promises and the guest lacks could not be judged: a miss, not a skip. */
function promised(judged: JudgedCase, promises: ReadonlySet<string>): JudgedCase {
	const need = judged.verdict === 'skip' ? /^needs (\S+?):/.exec(judged.reason)?.[1] : undefined;
	if (need === undefined || !promises.has(need)) return judged;
	return { ...judged, verdict: 'miss', reason: `the machine promises ${need}: ${judged.reason}` };
}

function catalogueOf(name: string | undefined, cases: readonly ListedCase[] | undefined): string | undefined {
	return cases?.find((one) => one.case === name)?.catalogue;
}

function judgedResult(
	judged: JudgedCase,
	catalogue: string | undefined,
	said: readonly (readonly [string, string])[],
): Judged {
	const durationUs = Number(judged.diagnostics.find(([key]) => key === 'duration_us')?.[1] ?? 0);
	return {
		case: judged.name,
		verdict: judged.verdict,
		reason: judged.reason || failureReason(judged),
		durationMs: Number.isFinite(durationUs) ? durationUs / 1000 : 0,
		diagnostics: [...judged.diagnostics.filter(([key]) => key !== 'duration_us'), ...said],
		splats: judged.splats,
		catalogue,
	};
}

/** `expected -1 EINVAL, found 0`: a failure's reason in one line, from what the suite printed. */
function failureReason({ verdict, diagnostics }: JudgedCase): string {
	if (verdict !== 'fail') return '';
	const value = (key: string) => diagnostics.find(([name]) => name === key)?.[1];
	const [expected, found] = [value('expected'), value('found')];
	return expected === undefined && found === undefined
		? 'not ok'
		: `expected ${expected ?? 'something else'}, found ${found ?? 'nothing'}`;
}
