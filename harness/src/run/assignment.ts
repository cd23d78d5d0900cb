// SPDX-License-Identifier: MIT
import type { CaseClass } from '../core/case-class.js';
import { matchesAny } from '../core/glob.js';
import type { GuestFacts, MachineDeclaration } from '../machine/machine.js';
import { DEVICE_NEED, MASTER_NEED } from './device-module.js';
import { heapKind, heapName, NEED_OPTIONS, NEED_SUBJECTS, suiteSubject } from './subjects.js';

/** A case as its suite lists it. */
export interface ListedCase {
	readonly case: string;
	readonly catalogue: string;
	/** Undefined for what is no case of a suite: a module's. */
	readonly class?: CaseClass | undefined;
	readonly needs: readonly string[];
}

/** A program that runs in the guest and prints KTAP: one of ours, or the user's own. Both take the same road. */
export interface SuiteProgram {
	readonly name: string;
	/** Absolute path in the guest. */
	readonly guestPath: string;
	readonly args: readonly string[];
	/** Its cases, chosen by the plan; undefined for a user's program, whose cases show when it runs. */
	readonly cases: readonly ListedCase[] | undefined;
	/** The user's file, to be shipped into the guest; undefined for suites in the image. */
	readonly file: string | undefined;
	/** What `--program` said. */
	readonly option: string | undefined;
	/** Milliseconds it may take in all, on a host that has nothing else to do; what is usual where left out. */
	readonly deadlineMs?: number | undefined;
}

/** One run of one program against one subject: what a guest is given to do. */
export interface Assignment {
	readonly suite: SuiteProgram;
	readonly subject: string;
	/** Cases to run, in the suite's order; undefined for a user's program. */
	readonly cases: readonly ListedCase[] | undefined;
	/** Set when this cannot or need not run: every case gets this verdict instead. */
	readonly instead?: { readonly verdict: 'skip' | 'miss'; readonly reason: string } | undefined;
	/** It is there to leave something in the kernel: a module. What it holds is no leak. */
	readonly mayHold?: boolean | undefined;
	/** Milliseconds it may take in a guest of this slowness (deadlines.ts), where that is not what any program may. */
	readonly deadlineMs?: ((slowness: number) => number) | undefined;
}

export interface AssignmentChoice {
	/** Subject globs; undefined for all. */
	readonly subjects: readonly string[] | undefined;
	readonly shard: { readonly index: number; readonly count: number } | undefined;
}

/** What a kernel lacks for some of the cases. */
export interface Lacks {
	/** Why the kernel cannot have what needs these options; undefined where it can, or nobody knows. */
	readonly withoutOption?: ((options: readonly string[]) => string | undefined) | undefined;
	/** The verdict of cases that need a device, where there can be none. */
	readonly withoutDevice?: Assignment['instead'];
}

/** What a guest has to do: every suite against every heap found, declared or asked for by name. */
export function assign(
	suites: readonly SuiteProgram[],
	machine: MachineDeclaration,
	facts: GuestFacts,
	cannotHave: ReadonlyMap<string, string>,
	choice: AssignmentChoice,
	{ withoutOption, withoutDevice }: Lacks = {},
): Assignment[] {
	const wanted = (subject: string) => choice.subjects === undefined || matchesAny(subject, choice.subjects);
	const withoutHeap = (subject: string): Assignment['instead'] => {
		if (facts.heaps.includes(subject)) return undefined;
		const why = cannotHave.get(`heap ${subject}`) ?? withoutOption?.(NEED_OPTIONS[`heap:${heapKind(subject)}`] ?? []);
		if (why !== undefined) return { verdict: 'skip', reason: why };
		const found = facts.heaps.join(', ') || 'no heaps';
		return { verdict: 'miss', reason: `heap ${subject} was asked for; the guest has ${found}` };
	};
	const heaps = heapSubjects(machine, facts, choice.subjects ?? []).filter(wanted);
	const all = suites.flatMap((suite): Assignment[] => {
		const { cases } = suite;
		if (cases === undefined) return [{ suite, subject: '', cases }];
		const kind = suiteSubject(cases.flatMap(({ needs }) => needs));
		if (!kind.perHeap) {
			if (kind.subject !== '' && !wanted(kind.subject)) return [];
			const why = cannotHave.get(kind.subject);
			return [
				{
					suite,
					subject: kind.subject,
					cases,
					instead: why === undefined ? undefined : { verdict: 'skip', reason: why },
				},
			];
		}
		return heaps.map((subject) => ({ suite, subject, cases, instead: withoutHeap(subject) }));
	});
	// What a guest would not say by itself: it has no device module then, or sees a bus master that has no memory.
	const lacking = new Map<string, Assignment['instead']>();
	if (withoutDevice) lacking.set(DEVICE_NEED, withoutDevice);
	const withoutMaster = cannotHave.get(MASTER_NEED);
	if (withoutMaster) lacking.set(MASTER_NEED, { verdict: 'skip', reason: `needs ${MASTER_NEED}: ${withoutMaster}` });
	const able = [...lacking].reduce(
		(rest, [need, instead]) => rest.flatMap((one) => splitByNeed(one, need, instead)),
		all,
	);
	const { shard } = choice;
	return shard ? able.filter((_, i) => i % shard.count === shard.index - 1) : able;
}

/** An assignment's cases that do not need this, and those that do, which get a verdict instead. */
function splitByNeed(one: Assignment, need: string, instead: Assignment['instead']): Assignment[] {
	const { cases } = one;
	if (!cases || one.instead) return [one];
	const needy = cases.filter(({ needs }) => needs.includes(need));
	const others = cases.filter(({ needs }) => !needs.includes(need));
	return [
		...(others.length > 0 ? [{ ...one, cases: others }] : []),
		...(needy.length > 0 ? [{ ...one, cases: needy, instead }] : []),
	];
}

function heapSubjects(machine: MachineDeclaration, facts: GuestFacts, asked: readonly string[]): string[] {
	const named = asked.filter((glob) => !/[*?]/.test(glob) && !NEED_SUBJECTS.includes(glob));
	return [...new Set([...machine.heaps.map((heap) => heapName(heap, facts.release)), ...facts.heaps, ...named])];
}
