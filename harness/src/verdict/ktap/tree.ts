// SPDX-License-Identifier: MIT
import type { KtapCase, KtapVerdict } from '../verdict.js';
import type { Diagnostic } from './diagnostics.js';
import { bounded, type ResultLine } from './grammar.js';
import { Level } from './level.js';

/** Cases, and bytes of them, that may wait for their group's name before they go out under a made-up one. */
const HELD_LIMIT = 10_000;
const HELD_BYTES = 16 * 1024 * 1024;
/** Deeper results count as of this depth: nobody nests like that, and a hostile stream must not make it costly. */
const DEPTH_LIMIT = 64;

/** Where the tree tells what it finds. */
export interface TreeListener {
	emit(found: KtapCase): void;
	incomplete(text: string): void;
	unsound(text: string): void;
	remark(text: string): void;
}

/** The levels of a stream that are open, and what becomes of them when they close. */
export class LevelTree {
	readonly #tell: TreeListener;
	readonly #stack: Level[] = [];
	#heldCount = 0;
	#heldBytes = 0;
	#versionSeen = false;
	/** A `# Subtest:` whose level is not known yet: its own column's (KUnit) or the next deeper one (TAP 14). */
	#announced: { readonly name: string; readonly column: number } | undefined;
	/** The last case of a TAP level, which a YAML block may still follow. */
	#waiting: { readonly level: Level; readonly found: KtapCase; readonly column: number } | undefined;
	/** Sums over the streams that stand one after the other in the input. */
	planned: number | undefined;
	reached = 0;
	planless = false;
	skippedWhole: string | undefined;
	/** A plan was not met or a group had no result. */
	unmet = false;

	constructor(listener: TreeListener) {
		this.#tell = listener;
	}

	/** Column of the result that a YAML block may follow now. */
	get waitingColumn(): number | undefined {
		return this.#waiting?.column;
	}

	/** Lets the last case go, with what a YAML block said of it. */
	settle(diagnostics: readonly Diagnostic[]): void {
		const waiting = this.#waiting;
		this.#waiting = undefined;
		if (!waiting) return;
		const { level, found } = waiting;
		this.#send(
			level,
			diagnostics.length === 0 ? found : { ...found, diagnostics: [...found.diagnostics, ...diagnostics] },
		);
	}

	/** Closes everything. */
	end(): void {
		this.settle([]);
		while (this.#stack.length > 0) this.#closeTop();
	}

	/** kselftest.h counts at its end: with the right sum, that is as good as a plan at the end. */
	totals(sum: number): void {
		const level = this.#stack[0];
		if (level) level.totalled = sum === level.results;
	}

	/** A result of a group that is still open failed. */
	get failed(): boolean {
		return this.#stack.some((open) => open.failed || open.group?.failed === true);
	}

	/** KTAP results are numbered: other lines may begin with `ok`. A failure always counts. */
	isResult(result: ResultLine): boolean {
		if (result.number !== undefined || !result.ok) return true;
		const dialect =
			this.#stack.findLast((open) => open.column <= result.column)?.dialect ?? this.#stack.at(-1)?.dialect;
		return dialect === undefined ? !this.#versionSeen : dialect !== 'KTAP';
	}

	version(column: number, dialect: 'KTAP' | 'TAP', version: number, line: number): void {
		const known = dialect === 'KTAP' ? version === 1 : version === 12 || version === 13 || version === 14;
		if (!known) this.#tell.unsound(`line ${line}: ${dialect} version ${version} is not one that is understood`);
		this.#versionSeen = true;
		let level = this.#at(column, line);
		if (!level.fresh) {
			// Another stream begins where the last one stood.
			this.#closeTop();
			level = this.#at(column, line);
		}
		level.dialect = dialect;
		level.versioned = true;
	}

	subtest(column: number, name: string, line: number): void {
		if (column >= 2 && this.#top?.column === column && this.#top.versioned && this.#top.fresh) {
			if (this.#top.dialect === 'KTAP' && this.#top.name === undefined) {
				this.#name(this.#top, name);
				return;
			}
		}
		// TAP 14: a subtest that begins with one of its own is named by the line above, at its parent's column.
		if (this.#announced && this.#announced.column < column && this.#top?.dialect === 'TAP') this.#at(column, line);
		this.#announced = { name, column };
	}

	plan(column: number, count: number, skip: string | undefined, line: number): void {
		const level = this.#at(column, line);
		if (level.plan !== undefined) {
			this.#tell.unsound(`line ${line}: a second plan, 1..${count} after 1..${level.plan}`);
			level.plan = Math.max(level.plan, count);
			return;
		}
		level.plan = count;
		level.skip = count === 0 ? skip : undefined;
		if (level.results > count) {
			this.#tell.unsound(`line ${line}: the plan 1..${count} stands after ${level.results} results`);
		}
	}

	bail(column: number, reason: string, line: number): void {
		const words = reason === '' ? 'Bail out!' : `Bail out! ${reason}`;
		this.#tell.incomplete(`line ${line}: ${words}`);
		const level = this.#stack.findLast((open) => open.column <= column);
		if (level) level.bailed = words;
	}

	result(result: ResultLine, diagnostics: readonly Diagnostic[], line: number): void {
		const announced = this.#announced;
		const level = this.#at(result.column, line);
		let group = level.group;
		level.group = undefined;
		if (group?.name !== undefined && result.description !== '' && !sameName(group.name, result.description)) {
			this.#tell.unsound(`line ${line}: subtests ${group.title} are followed by the result of "${result.description}"`);
			this.#orphan(level, group);
			group = undefined;
		}
		level.totalled = false;
		level.count(result, line, group !== undefined, this.#tell);
		const name = result.description || group?.name || `test ${result.number ?? level.results}`;
		// TAP 14 writers announce tests without children, too, at the column of the result (node --test).
		const empty =
			announced !== undefined &&
			(announced.column > result.column || level.dialect !== 'TAP') &&
			sameName(announced.name, name);
		const found: KtapCase = { name, verdict: result.verdict, reason: result.reason, diagnostics, line };
		if (group) this.#group(level, group, found);
		else if (empty && found.verdict === 'pass' && level.name !== name) {
			this.#case(level, { ...found, verdict: 'miss', reason: 'it announced subtests and ran none' }, result.column);
		} else this.#case(level, found, result.column);
	}

	/** A result line closes a group: the group becomes a case only when it has to say something its children do not. */
	#group(parent: Level, group: Level, own: KtapCase): void {
		this.#release(group, own.name, parent);
		const unmet = group.short ? `only ${group.results} of ${group.plan} planned subtests ran` : group.bailed;
		const emit = (verdict: KtapVerdict, reason: string) =>
			this.#case(parent, { ...own, verdict, reason: own.reason === '' ? reason : `${own.reason} (${reason})` });
		if (group.failed) parent.failed = true;
		if (!group.short && group.plan !== undefined) parent.plannedGroups++;
		if (own.verdict === 'pass') {
			if (group.failed) this.#tell.unsound(`line ${own.line}: "${own.name}" is ok although one of its subtests is not`);
			if (unmet !== undefined) {
				this.#tell.unsound(`line ${own.line}: "${own.name}" is ok although ${unmet}`);
				emit('fail', `ok, but ${unmet}`);
			} else if (group.results === 0 && group.skip !== undefined) {
				emit('skip', group.skip);
			} else if (group.results === 0) emit('miss', 'it announced subtests and ran none');
			return;
		}
		if (group.results === 0) {
			this.#case(parent, { ...own, reason: own.reason || (group.skip ?? '') });
			return;
		}
		if (own.verdict === 'skip') return;
		if (own.verdict === 'fail' && group.failed && unmet === undefined) return;
		if (own.verdict === 'xfail' && group.failed) return;
		emit(own.verdict, unmet ?? 'its subtests do not tell why');
	}

	get #top(): Level | undefined {
		return this.#stack.at(-1);
	}

	/** The level at a column: closes deeper ones, opens a new one when none stands exactly there. */
	#at(column: number, line: number): Level {
		let closed: Level | undefined;
		for (let top = this.#top; top && top.column > column; top = this.#top) closed = this.#pop(closed);
		const announced = this.#announced;
		this.#announced = undefined;
		let level = this.#top;
		if (!level || (level.column < column && this.#stack.length < DEPTH_LIMIT)) {
			const parent = level;
			level = new Level(column, line);
			level.dialect = parent?.dialect;
			level.prefix = parent || column > 0 ? undefined : '';
			this.#stack.push(level);
			if (announced && announced.column <= column) this.#name(level, announced.name);
			else if (!parent) level.prefix = '';
		} else if (announced?.column === column && level.name === undefined && level.fresh) {
			this.#name(level, announced.name);
		}
		if (closed) level.group = closed;
		return level;
	}

	/** Gives a level its name; its cases can go out as soon as its parents' names are known too. */
	#name(level: Level, name: string): void {
		level.name = name;
		const parent = this.#stack[this.#stack.indexOf(level) - 1];
		// The outermost level at the margin is the stream itself: its name is no part of its cases' names.
		if (parent) level.prefix = parent.prefix === undefined ? undefined : joined(parent.prefix, name);
		else level.prefix = level.column === 0 ? '' : name;
	}

	/** Takes the top level off; `above` is the group it held last, which had no result line. */
	#pop(above: Level | undefined): Level {
		const level = this.#stack.pop() as Level;
		if (above) {
			if (level.results === 0 && above.plan === undefined && !above.versioned) this.#merge(level, above);
			else this.#orphan(level, above);
		}
		if (level.group) {
			this.#orphan(level, level.group);
			level.group = undefined;
		}
		this.#check(level);
		return level;
	}

	/** Results that stand deeper than the header and the plan above them belong to these. */
	#merge(level: Level, above: Level): void {
		level.results = above.results;
		level.failed ||= above.failed;
		this.#release(above, '', level);
	}

	/** A group that no result line of its parent follows. */
	#orphan(parent: Level, group: Level): void {
		this.#tell.incomplete(`${group.title}: subtests without a result line of their own`);
		this.unmet = true;
		if (group.failed) parent.failed = true;
		this.#release(group, group.name ?? `(line ${group.line})`, parent);
	}

	#check(level: Level): void {
		if (!level.short) return;
		this.unmet = true;
		this.#tell.incomplete(`${level.title}: the plan 1..${level.plan} was not met, ${results(level.results)}`);
	}

	/** Closes the top level where nothing can follow it: another stream begins, or the input ends. */
	#closeTop(): void {
		const group = this.#pop(undefined);
		const parent = this.#top;
		if (parent) {
			this.#orphan(parent, group);
			return;
		}
		this.#release(group, group.name !== undefined && group.column > 0 ? group.name : '', undefined);
		if (group.name !== undefined && group.column > 0) {
			this.unmet = true;
			this.#tell.incomplete(`${group.title}: subtests without a result line of their own`);
		}
		this.reached += group.results;
		if (group.plan !== undefined) this.planned = (this.planned ?? 0) + group.plan;
		else if (group.results > 0 && group.plannedGroups < group.results && !group.totalled) this.planless = true;
		if (group.skip !== undefined) this.skippedWhole ??= group.skip;
	}

	/** @param column of the result line, where a YAML block may follow it */
	#case(level: Level, found: KtapCase, column?: number): void {
		if (found.verdict === 'fail' || found.verdict === 'timeout') level.failed = true;
		if (column !== undefined && level.dialect !== 'KTAP') this.#waiting = { level, found, column };
		else this.#send(level, found);
	}

	#send(level: Level, found: KtapCase): void {
		if (level.prefix !== undefined) {
			this.#tell.emit({ ...found, name: joined(level.prefix, found.name) });
			return;
		}
		level.held.push(found);
		this.#heldCount++;
		this.#heldBytes += weight(found);
		if (this.#heldCount > HELD_LIMIT || this.#heldBytes > HELD_BYTES) {
			for (const open of this.#stack) {
				const parent = this.#stack[this.#stack.indexOf(open) - 1];
				open.prefix ??= joined(parent?.prefix ?? '', open.name ?? `(line ${open.line})`);
				this.#release(open, open.prefix, undefined);
			}
		}
	}

	/** Lets a group's waiting cases go, under its name; where the parent waits too, they wait on there. */
	#release(group: Level, name: string, parent: Level | undefined): void {
		const held = group.held.splice(0);
		if (held.length === 0) return;
		const prefix = parent ? parent.prefix : '';
		for (const found of held) {
			if (prefix !== undefined) {
				this.#heldCount--;
				this.#heldBytes -= weight(found);
			}
			const named = { ...found, name: joined(name, found.name) };
			if (prefix === undefined) parent?.held.push(named);
			else this.#tell.emit({ ...named, name: joined(prefix, named.name) });
		}
	}
}

/** Characters that a case takes, about. */
export function weight({ name, reason, diagnostics }: KtapCase): number {
	return diagnostics.reduce((sum, [key, value]) => sum + key.length + value.length, 100 + name.length + reason.length);
}

function joined(prefix: string, name: string): string {
	return prefix === '' ? name : bounded(`${prefix} > ${name}`, 4096);
}

function results(count: number): string {
	return count === 1 ? 'there is 1 result' : `there are ${count} results`;
}

/** KUnit cuts no names, TAP 14 writers may trim them: equal but for blanks. */
function sameName(a: string, b: string): boolean {
	return a.replace(/\s+/g, ' ').trim() === b.replace(/\s+/g, ' ').trim();
}
