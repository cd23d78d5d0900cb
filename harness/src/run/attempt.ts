// SPDX-License-Identifier: MIT
import type { Job } from '../machine/machine.js';
import { KtapParser } from '../verdict/ktap.js';
import { reconcileSuite } from '../verdict/reconcile.js';
import type { Leak } from '../verdict/verdict.js';
import { type Aftermath, accountsBefore, lookAfter, settle } from './aftermath.js';
import type { Assignment, ListedCase } from './assignment.js';
import { hostBusyness, programDeadlineMs } from './deadlines.js';
import { type Judged, judgedResult, listedCase } from './judged.js';
import type { LaunchedGuest } from './launch.js';
import { runProgram } from './program-run.js';
import { reach } from './reach.js';
import { heapKind } from './subjects.js';
import { toleratedSplat } from './tolerated.js';

export type { Judged } from './judged.js';

export interface AttemptEnd {
	/** Cases that something broke off before their turn: to be run in another guest. */
	readonly unreached: readonly ListedCase[];
	/** The guest is gone, or can no longer be trusted. */
	readonly guestUsedUp: boolean;
	/** What was left behind, by whichever case: pin-leaks.ts tells how the guilty one is found. */
	readonly leaks: readonly Leak[];
}

const MAX_STDERR_BYTES = 8192;

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
	const before = accountsBefore(guest, signal);
	const { outcome, ...ending } = await runProgram(
		launched,
		jobOf(launched, assignment),
		{
			stdout: (chunk) => parser.push(chunk),
			stderr: (chunk) => {
				stderr = (stderr + Buffer.from(chunk).toString('utf8')).slice(-MAX_STDERR_BYTES);
			},
		},
		signal,
	);
	const sound = outcome !== undefined && !outcome.timedOut && !outcome.stuck && watch.alarm !== 'report';
	const after: Partial<Aftermath> = sound ? await lookAfter(launched, before, signal) : {};
	if (outcome && !sound) await settle(guest, signal);
	const leaks = assignment.mayHold ? [] : (after.leaks ?? []);
	const guestEnded = ending.guestEnded ?? after.guestEnded;
	const splats = watch.take();
	const brokenOff = !outcome || outcome.timedOut || outcome.signal !== undefined;
	const { running, doubtful } = watch;
	const whole = parser.end();
	const reached = cases && reach(cases, { ktap: whole, running, doubtful, splats, brokenOff });
	const { cases: judged } = reconcileSuite({
		suite: suite.name,
		ktap: reached?.ktap ?? whole,
		planned: reached?.judgeable.map((one) => one.case),
		outcome,
		guestEnded,
		splats,
		droppedMessages: watch.takeDropped(),
		running,
		leaks,
		taint: after.taint,
		tolerated: (splat) => toleratedSplat(splat, listedCase(splat.case, cases)?.catalogue),
	});
	for (const one of judged) record(judgedResult(one, cases, promises, stderr));
	const guestUsedUp =
		!sound || guestEnded !== undefined || leaks.length > 0 || splats.some(({ severity }) => severity !== 'warning');
	return { unreached: reached?.unreached ?? [], guestUsedUp, leaks };
}

function jobOf({ slowness: usual }: LaunchedGuest, { suite, subject, cases, deadlineMs: own }: Assignment): Job {
	const slowness = usual * hostBusyness();
	const args = [...suite.args];
	if (cases) {
		if (subject !== '') args.push('--subject', subject);
		for (const one of cases) args.push('--case', one.case);
	}
	const env: Record<string, string> = { FENCEPOST_TIMEOUT_SCALE: String(slowness), PATH: '/suites:/programs' };
	// What nobody knows by its name the suites look at themselves: a region of a device tree is a CMA heap.
	const kind = heapKind(subject);
	if (cases && subject !== '' && kind !== 'vendor') env['FENCEPOST_HEAP_KIND'] = kind;
	// A storm's seed, to be repeated (suites/lib/storm.h); the suite checks it.
	const seed = process.env['FENCEPOST_SEED'];
	if (seed !== undefined) env['FENCEPOST_SEED'] = seed;
	const asked = suite.deadlineMs === undefined ? undefined : suite.deadlineMs * hostBusyness();
	const deadlineMs = asked ?? own?.(slowness) ?? programDeadlineMs(cases?.length, slowness);
	return { program: suite.guestPath, args, env, deadlineMs };
}
