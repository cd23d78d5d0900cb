// SPDX-License-Identifier: MIT
import { DiagnosticBuffer, YamlBlock } from './ktap/diagnostics.js';
import { bounded, type ResultLine, readLine } from './ktap/grammar.js';
import { Level } from './ktap/level.js';
import { type Line, LineSplitter } from './lines.js';
import { parsePrintk } from './printk.js';
import type { KtapCase, KtapSummary, KtapVerdict } from './verdict.js';

export interface KtapParserOptions {
	/** Called once for each case, in the order in which their names become known. */
	readonly onCase?: ((found: KtapCase) => void) | undefined;
	/** Cases kept for the summary's own list; 0 turns it off. All of them count and reach onCase. 20,000 by default. */
	readonly keepCases?: number | undefined;
}

/** Sentences of one kind that are kept; more are counted. */
const SENTENCE_LIMIT = 50;
/** Cases that may wait for their group's name before they go out under a made-up one. */
const HELD_LIMIT = 10_000;
/** A kernel message that was printed into the middle of somebody's line (CONFIG_PRINTK_TIME). */
const TORN = /\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? /;

class Sentences {
	readonly #kept: string[] = [];
	#more = 0;

	add(text: string): void {
		if (this.#kept.length < SENTENCE_LIMIT) this.#kept.push(bounded(text));
		else this.#more++;
	}

	get all(): readonly string[] {
		return this.#more === 0 ? this.#kept : [...this.#kept, `… and ${this.#more} more like these`];
	}
}

/**
 * Reads a KTAP or TAP stream of any origin as it comes, in bounded memory: a program's standard output, a kernel log
 * with KUnit results in it, a kselftest run. Sources: Documentation/dev-tools/ktap.rst, the TAP 13 and 14
 * specifications, lib/kunit/test.c, tools/testing/selftests/{kselftest.h,kselftest/runner.sh}. docs/verdicts.md tells
 * how each irregularity is read. Nothing in the stream is trusted; no input makes it throw.
 *
 * Leaves are cases. A group of subtests is one too when its own result line says worse than its children do, when it
 * is shorter than its plan, and when it announced children and had none.
 */
export class KtapParser {
	readonly #onCase: ((found: KtapCase) => void) | undefined;
	readonly #keep: number;
	readonly #lines: LineSplitter;
	readonly #cases: KtapCase[] = [];
	readonly #totals: Record<KtapVerdict, number> = {
		pass: 0,
		skip: 0,
		xfail: 0,
		xpass: 0,
		miss: 0,
		fail: 0,
		timeout: 0,
	};
	readonly #incomplete = new Sentences();
	readonly #unsound = new Sentences();
	readonly #remarks = new Sentences();
	readonly #diagnostics = new DiagnosticBuffer();
	readonly #stack: Level[] = [];
	#count = 0;
	#heldCount = 0;
	#versionSeen = false;
	/** Inner output of a kselftest runner is being read: its lines stand behind `# `, at this column or deeper. */
	#prefixed = false;
	/** A `# Subtest:` whose level is not known yet: its own column's (KUnit) or the next deeper one (TAP 14). */
	#announced: { readonly name: string; readonly column: number } | undefined;
	/** The last case of a TAP level, which a YAML block may still follow. */
	#waiting: { readonly level: Level; readonly found: KtapCase; readonly column: number } | undefined;
	#yaml: YamlBlock | undefined;
	/** Sums over the streams that stand one after the other in the input. */
	#planned: number | undefined;
	#reached = 0;
	#planless = false;
	#skippedWhole: string | undefined;
	#lastLine: Line | undefined;
	#unmet = false;
	#fromKernelLog = false;

	constructor(options: KtapParserOptions = {}) {
		this.#onCase = options.onCase;
		this.#keep = options.keepCases ?? 20_000;
		this.#lines = new LineSplitter((line) => this.#line(line));
	}

	push(bytes: Uint8Array): void {
		this.#lines.push(bytes);
	}

	/** Ends the stream: closes what is open and says what is wrong with the whole. Call it once. */
	end(): KtapSummary {
		this.#lines.end();
		this.#settle();
		while (this.#stack.length > 0) this.#closeTop();
		const last = this.#lastLine;
		if (last && !last.ended) {
			const text = `the stream stops inside line ${last.number}, without a newline`;
			if (this.#unmet || this.#planless || this.#count === 0) this.#incomplete.add(text);
			else this.#remarks.add(text);
		}
		return {
			cases: this.#cases,
			caseCount: this.#count,
			totals: this.#totals,
			problems: [...this.#incomplete.all, ...this.#unsound.all],
			incomplete: this.#incomplete.all,
			unsound: this.#unsound.all,
			remarks: this.#remarks.all,
			skippedWhole: this.#count === 0 ? this.#skippedWhole : undefined,
			planned: this.#planned,
			reached: this.#reached,
			planless: this.#planless,
			lines: this.#lines.count,
			fromKernelLog: this.#fromKernelLog,
		};
	}

	#line(line: Line): void {
		this.#lastLine = line;
		const { time, caller, text: whole } = parsePrintk(line.text);
		let text = whole;
		if (this.#yaml) {
			const column = text.length - text.trimStart().length;
			if (text.trim() === '...' && column <= this.#yaml.column) {
				this.#settle();
				return;
			}
			if (column >= this.#yaml.column || text.trim() === '') {
				this.#yaml.line(text, column);
				return;
			}
			this.#incomplete.add(`line ${line.number}: the YAML block above has no end`);
			this.#settle();
		}
		let read = readLine(text, this.#prefixed);
		if (read.kind === 'other' && read.text === '') return;
		const structural = read.kind === 'result' || read.kind === 'plan';
		const torn = structural ? text.search(TORN) : -1;
		if (torn >= 0) {
			this.#incomplete.add(`line ${line.number}: a kernel message was printed into this line: "${bounded(text, 160)}"`);
			text = text.slice(0, torn);
			read = readLine(text, this.#prefixed);
		}
		if (read.kind === 'yaml') {
			if (this.#waiting && read.column > this.#waiting.column) {
				this.#yaml = new YamlBlock(read.column);
				return;
			}
			read = { kind: 'other', column: read.column, text };
		}
		this.#settle();
		if (structural && (time !== undefined || caller !== undefined)) this.#fromKernelLog = true;
		if (line.cut && structural) this.#incomplete.add(`line ${line.number} is too long: only its start was read`);
		switch (read.kind) {
			case 'version':
				this.#version(read.column, read.dialect, read.version, line.number);
				return;
			case 'plan':
				this.#plan(read.column, read.count, read.skip, line.number);
				return;
			case 'subtest':
				this.#subtest(read.column, read.name);
				return;
			case 'result':
				this.#result(read, text, line.number);
				return;
			case 'bail':
				this.#bail(read.column, read.reason, line.number);
				return;
			case 'comment':
				this.#comment(read.column, read.text);
				return;
			case 'other':
				this.#diagnostics.log(read.text);
		}
	}

	#comment(column: number, text: string): void {
		if (/^selftests: \S/.test(text)) {
			this.#prefixed = true;
			return;
		}
		const totals = column < 2 ? /^Totals: ((?:[a-z]+:\d{1,9} ?)+)$/.exec(text) : null;
		const level = this.#stack[0];
		if (totals?.[1] !== undefined && level) {
			// kselftest.h counts at its end: with the right sum, this is as good as a plan at the end.
			const sum = totals[1].split(' ').reduce((all, one) => all + Number(one.split(':')[1] ?? 0), 0);
			level.totalled = sum === level.results;
		}
		this.#diagnostics.comment(text);
	}

	#version(column: number, dialect: 'KTAP' | 'TAP', version: number, line: number): void {
		const known = dialect === 'KTAP' ? version === 1 : version === 12 || version === 13 || version === 14;
		if (!known) this.#unsound.add(`line ${line}: ${dialect} version ${version} is not one that is understood`);
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

	#subtest(column: number, name: string): void {
		if (column >= 2 && this.#top?.column === column && this.#top.versioned && this.#top.fresh) {
			if (this.#top.dialect === 'KTAP' && this.#top.name === undefined) {
				this.#name(this.#top, name);
				return;
			}
		}
		this.#announced = { name, column };
	}

	#plan(column: number, count: number, skip: string | undefined, line: number): void {
		const level = this.#at(column, line);
		if (level.plan !== undefined) {
			this.#unsound.add(`line ${line}: a second plan, 1..${count} after 1..${level.plan}`);
			level.plan = Math.max(level.plan, count);
			return;
		}
		level.plan = count;
		level.skip = count === 0 ? skip : undefined;
		if (level.results > count)
			this.#unsound.add(`line ${line}: the plan 1..${count} stands after ${level.results} results`);
	}

	#bail(column: number, reason: string, line: number): void {
		const words = reason === '' ? 'Bail out!' : `Bail out! ${reason}`;
		this.#incomplete.add(`line ${line}: ${words}`);
		const level = this.#stack.findLast((open) => open.column <= column);
		if (level) level.bailed = words;
	}

	#result(result: ResultLine, text: string, line: number): void {
		const dialect =
			this.#stack.findLast((open) => open.column <= result.column)?.dialect ?? this.#stack.at(-1)?.dialect;
		if (
			result.number === undefined &&
			result.ok &&
			(dialect === 'KTAP' || (dialect === undefined && this.#versionSeen))
		) {
			// KTAP results are numbered; other lines may begin with any word.
			this.#diagnostics.log(text);
			return;
		}
		const announced = this.#announced;
		const level = this.#at(result.column, line);
		if (result.column < 2) this.#prefixed = false;
		let group = level.group;
		level.group = undefined;
		if (group?.name !== undefined && result.description !== '' && !sameName(group.name, result.description)) {
			this.#unsound.add(`line ${line}: subtests ${group.title} are followed by the result of "${result.description}"`);
			this.#orphan(level, group);
			group = undefined;
		}
		level.totalled = false;
		level.count(result, line, group !== undefined, {
			problem: (words) => this.#unsound.add(words),
			remark: (words) => this.#remarks.add(words),
		});
		const name = result.description || group?.name || `test ${result.number ?? level.results}`;
		const empty = announced !== undefined && this.#announced === undefined && sameName(announced.name, name);
		const found: KtapCase = {
			name,
			verdict: result.verdict,
			reason: result.reason,
			diagnostics: this.#diagnostics.take(),
			line,
		};
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
			if (group.failed) this.#unsound.add(`line ${own.line}: "${own.name}" is ok although one of its subtests is not`);
			if (unmet !== undefined) {
				this.#unsound.add(`line ${own.line}: "${own.name}" is ok although ${unmet}`);
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
		if (!level || level.column < column) {
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
		this.#incomplete.add(`${group.title}: subtests without a result line of their own`);
		this.#unmet = true;
		if (group.failed) parent.failed = true;
		this.#release(group, group.name ?? `(line ${group.line})`, parent);
	}

	#check(level: Level): void {
		if (!level.short) return;
		this.#unmet = true;
		this.#incomplete.add(`${level.title}: the plan 1..${level.plan} was not met, ${results(level.results)}`);
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
			this.#unmet = true;
			this.#incomplete.add(`${group.title}: subtests without a result line of their own`);
		}
		this.#reached += group.results;
		if (group.plan !== undefined) this.#planned = (this.#planned ?? 0) + group.plan;
		else if (group.results > 0 && group.plannedGroups < group.results && !group.totalled) this.#planless = true;
		if (group.skip !== undefined) this.#skippedWhole ??= group.skip;
	}

	#settle(): void {
		const waiting = this.#waiting;
		const yaml = this.#yaml;
		this.#waiting = undefined;
		this.#yaml = undefined;
		if (!waiting) return;
		const { level, found } = waiting;
		this.#send(level, yaml ? { ...found, diagnostics: [...found.diagnostics, ...yaml.pairs] } : found);
	}

	/** @param column of the result line, where a YAML block may follow it */
	#case(level: Level, found: KtapCase, column?: number): void {
		if (found.verdict === 'fail' || found.verdict === 'timeout') level.failed = true;
		if (column !== undefined && level.dialect !== 'KTAP') this.#waiting = { level, found, column };
		else this.#send(level, found);
	}

	#send(level: Level, found: KtapCase): void {
		if (level.prefix !== undefined) {
			this.#emit({ ...found, name: joined(level.prefix, found.name) });
			return;
		}
		level.held.push(found);
		if (++this.#heldCount > HELD_LIMIT) {
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
		if (prefix !== undefined) this.#heldCount -= held.length;
		for (const found of held) {
			const named = { ...found, name: joined(name, found.name) };
			if (prefix === undefined) parent?.held.push(named);
			else this.#emit({ ...named, name: joined(prefix, named.name) });
		}
	}

	#emit(found: KtapCase): void {
		this.#count++;
		this.#totals[found.verdict]++;
		if (this.#cases.length < this.#keep) this.#cases.push(found);
		this.#onCase?.(found);
	}
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
