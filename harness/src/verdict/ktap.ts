// SPDX-License-Identifier: MIT
import { DiagnosticBuffer, YamlBlock } from './ktap/diagnostics.js';
import { bounded, readLine } from './ktap/grammar.js';
import { OldRunner } from './ktap/old-runner.js';
import { LevelTree, weight } from './ktap/tree.js';
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
/** Characters of kept cases, beyond which none is kept any more. */
const KEPT_BYTES = 64 * 1024 * 1024;
/** What kselftest.h counts at its end, and behind its prefix when a runner passes it on. */
const TOTALS = /^((?:# )*)Totals: ((?:[a-z]+:\d{1,9} ?)+)$/;
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
	readonly #illegible = new Sentences();
	readonly #unsound = new Sentences();
	readonly #remarks = new Sentences();
	readonly #diagnostics = new DiagnosticBuffer();
	readonly #tree: LevelTree;
	readonly #oldRunner = new OldRunner();
	#count = 0;
	#keptBytes = 0;
	/** Inner output of a kselftest runner is being read: its lines stand behind `# `. */
	#prefixed = false;
	#yaml: YamlBlock | undefined;
	#lastLine: Line | undefined;

	constructor(options: KtapParserOptions = {}) {
		this.#onCase = options.onCase;
		this.#keep = options.keepCases ?? 20_000;
		this.#lines = new LineSplitter((line) => this.#line(line));
		this.#tree = new LevelTree({
			emit: (found) => this.#emit(found),
			incomplete: (text) => this.#incomplete.add(text),
			unsound: (text) => this.#unsound.add(text),
			remark: (text) => this.#remarks.add(text),
		});
	}

	push(bytes: Uint8Array): void {
		this.#lines.push(bytes);
	}

	/** Ends the stream: closes what is open and says what is wrong with the whole. Call it once. */
	end(): KtapSummary {
		this.#lines.end();
		this.#settle();
		this.#tree.end();
		const { planned, reached, planless, skippedWhole, unmet } = this.#tree;
		const last = this.#lastLine;
		if (last && !last.ended) {
			const text = `the stream stops inside line ${last.number}, without a newline`;
			if (unmet || planless || this.#count === 0) this.#incomplete.add(text);
			else this.#remarks.add(text);
		}
		return {
			cases: this.#cases,
			caseCount: this.#count,
			totals: this.#totals,
			problems: [...this.#incomplete.all, ...this.#illegible.all, ...this.#unsound.all],
			incomplete: this.#incomplete.all,
			illegible: this.#illegible.all,
			unsound: this.#unsound.all,
			remarks: this.#remarks.all,
			skippedWhole: this.#count === 0 ? skippedWhole : undefined,
			planned,
			reached,
			planless,
			stopsInside: last && !last.ended ? last.number : undefined,
			lines: this.#lines.count,
		};
	}

	#line(line: Line): void {
		this.#lastLine = line;
		let text = this.#oldRunner.read(parsePrintk(line.text).text);
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
			this.#illegible.add(`line ${line.number}: a kernel message was printed into this line: "${bounded(text, 160)}"`);
			text = text.slice(0, torn);
			read = readLine(text, this.#prefixed);
		}
		if (read.kind === 'yaml') {
			if (read.column > (this.#tree.waitingColumn ?? Number.POSITIVE_INFINITY)) {
				this.#yaml = new YamlBlock(read.column);
				return;
			}
			read = { kind: 'other', column: read.column, text };
		}
		this.#settle();
		if (line.cut && structural) this.#illegible.add(`line ${line.number} is too long: only its start was read`);
		switch (read.kind) {
			case 'version':
				// A runner's output of which the line that announces it was lost.
				if (text.trimStart().startsWith('#')) this.#prefixed = true;
				this.#tree.version(read.column, read.dialect, read.version, line.number);
				return;
			case 'plan':
				this.#tree.plan(read.column, read.count, read.skip, line.number);
				return;
			case 'unreadable':
				this.#unsound.add(`line ${line.number}: "${read.text}" is no plan that can be read`);
				return;
			case 'subtest':
				this.#tree.subtest(read.column, read.name, line.number);
				return;
			case 'result':
				if (read.column < 2) this.#prefixed = false;
				if (this.#tree.isResult(read)) this.#tree.result(read, this.#diagnostics.take(), line.number);
				else this.#diagnostics.log(text);
				return;
			case 'bail':
				this.#tree.bail(read.column, read.reason, line.number);
				return;
			case 'comment':
				this.#comment(read.column, read.text, line.number);
				return;
			case 'other':
				this.#diagnostics.log(read.text);
		}
	}

	#comment(column: number, text: string, line: number): void {
		if (/^selftests: \S/.test(text)) {
			this.#prefixed = true;
			return;
		}
		const totals = TOTALS.exec(text);
		if (totals?.[2] !== undefined && column < 2) this.#checkTotals(totals[2], totals[1] !== '', line);
		this.#diagnostics.comment(text);
	}

	/** kselftest.h and KUnit count what they printed. A failure that no result tells of was lost on its way, or denied. */
	#checkTotals(totals: string, inner: boolean, line: number): void {
		const counts = totals.split(' ').map((one) => one.split(':'));
		const sum = (...only: readonly string[]) =>
			counts.reduce(
				(all, [what = '', n]) => (only.length === 0 || only.includes(what) ? all + Number(n ?? 0) : all),
				0,
			);
		if (!inner) this.#tree.totals(sum());
		const failed = sum('fail', 'error');
		if (failed > 0 && this.#totals.fail + this.#totals.timeout === 0 && !this.#tree.failed) {
			this.#unsound.add(`line ${line}: the totals count ${failed} failed, and no result is`);
		}
	}

	#settle(): void {
		this.#tree.settle(this.#yaml?.pairs ?? []);
		this.#yaml = undefined;
	}

	#emit(found: KtapCase): void {
		this.#count++;
		this.#totals[found.verdict]++;
		this.#keptBytes += weight(found);
		if (this.#cases.length < this.#keep && this.#keptBytes < KEPT_BYTES) this.#cases.push(found);
		this.#onCase?.(found);
	}
}
