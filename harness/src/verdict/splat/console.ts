// SPDX-License-Identifier: MIT
import { LineSplitter } from '../lines.js';
import { parsePrintk } from '../printk.js';
import type { Splat, SplatKind } from '../verdict.js';
import { markText } from './marks.js';
import type { SplatRecord } from './record.js';
import { RECORDS, SUSPECT } from './records.js';
import { isTraceLine, Report } from './report.js';

export interface ConsoleClassifierOptions {
	/** Called as soon as a report is recognised, with what is known by then: its kind, title, line and severity. */
	readonly onBegin?: ((splat: Splat) => void) | undefined;
	/** Called when a report is whole, or `flush` or `end` closes it. */
	readonly onSplat?: ((splat: Splat) => void) | undefined;
	/** Called for each marker of the guest's (`fencepost: …`), with what stands behind the prefix. */
	readonly onMark?: ((text: string, line: number) => void) | undefined;
	/** Called for each line that says that the machine is turned off, halted or started again. */
	readonly onShutdown?: ((text: string) => void) | undefined;
}

/** Splats kept for end(); all of them reach onSplat and the counts. */
const SPLAT_LIMIT = 1000;
/** Contexts (printk callers) told apart at one time. */
const CALLER_LIMIT = 32;
/** Lines that may stand between `cut here` or a ruler and the line that names the report. */
const HEADING_LINES = 40;
/** Seconds of printk time without a line of it, after which a report is taken to be over. */
const PAUSE_SECONDS = 5;
/** The same for reports that wait for other CPUs to answer (lib/nmi_backtrace.c: NMI_BT_TIMEOUT_SEC, 10). */
const WAIT_SECONDS = 40;

const CUT_HERE = /^-+\[ cut here \]-+$/;
const RULER = /^={20,}$/;
/** Printed just before the line that names an x86 fault (arch/x86/mm/fault.c: show_fault_oops()). */
const PRELUDE = /^(?:kernel tried to execute NX-protected page|unable to execute userspace code \(SMEP\?\))/;
/** What a console says that could not keep up (kernel/printk/printk.c: console_prepend_dropped()). */
const DROPPED = /^\*\* (\d{1,15}) printk messages dropped \*\*/;
/** kernel/reboot.c; arch/x86/kernel/reboot.c: native_machine_restart(); drivers/tty/sysrq.c: sysrq_reboot_op, `o`. */
const SHUTDOWN =
	/^(?:reboot: (?:Restarting system|machine restart|Power off not available|System halted|Power down)|sysrq: (?:Resetting|Power Off))/;
/** A kernel message that starts in the middle of a console line, behind a prompt, another program's or CPU's words. */
const INNER = /(?=(?:<\d>)?\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? )/;

/** The blank that a log keeps whose times were cut off by somebody: no title has it, and frames do with any number. */
const SHIFTED = /^ (?! )/;

/** What one printk context is printing. */
interface Context {
	report: Report | undefined;
	/** Lines of a heading that has not named its report yet. */
	heading: string[];
	/** The line it began in. */
	headingLine: number;
	/** The last line's printk time, seconds. */
	time: number | undefined;
	/** The report's lines carry printk times. */
	timed: boolean;
}

/**
 * Finds the kernel's reports on a console as it comes, in bounded memory; records.ts says what they look like.
 * Contexts that print at once are told apart where CONFIG_PRINTK_CALLER names them. Programs print on the same
 * console and cannot be told apart for sure: lines without a printk time do not become part of a report whose lines
 * have one, and the guest's own markers are never splats.
 */
export class ConsoleClassifier {
	readonly #options: ConsoleClassifierOptions;
	readonly #splitter: LineSplitter;
	readonly #splats: Splat[] = [];
	readonly #counts = new Map<SplatKind, number>();
	/** By printk caller; insertion order is age. */
	readonly #contexts = new Map<string, Context>();
	/** The report that other CPUs' backtraces belong to. */
	#adopter: Report | undefined;
	#dropped = 0;

	constructor(options: ConsoleClassifierOptions = {}) {
		this.#options = options;
		this.#splitter = new LineSplitter((line) => this.#line(line.text, line.number));
	}

	/** Lines begun so far. */
	get lines(): number {
		return this.#splitter.count;
	}

	/** Kernel messages that never reached this console: a report may have been among them. */
	get droppedMessages(): number {
		return this.#dropped;
	}

	/** All splats so far by kind, kept or not. */
	get counts(): ReadonlyMap<SplatKind, number> {
		return this.#counts;
	}

	push(bytes: Uint8Array): void {
		this.#splitter.push(bytes);
	}

	/** Closes the reports that are open: when the console has settled, nothing more of them will come. */
	flush(): void {
		for (const context of this.#contexts.values()) this.#close(context);
	}

	/** Ends the console. @returns the first thousand splats, by line */
	end(): readonly Splat[] {
		this.#splitter.end();
		for (const context of this.#contexts.values()) this.#unnamed(context);
		this.flush();
		return [...this.#splats].sort((a, b) => a.line - b.line);
	}

	/** @param whole a line of the console, in which several messages may stand when one was torn by another */
	#line(whole: string, line: number): void {
		const [first = '', ...more] = whole.split(INNER);
		const { time } = parsePrintk(first);
		// What stands before the only time of a line is a collector's prefix or a prompt: nothing of its own.
		const [second] = time === undefined ? more.splice(0, 1) : [];
		this.#message(first + (second ?? ''), second ?? first, line);
		for (const torn of more) this.#message(torn, torn, line);
	}

	/** @param message the line without what others put before it */
	#message(raw: string, message: string, line: number): void {
		const { text: written, time, caller } = parsePrintk(message);
		const text = written.replace(SHIFTED, '');
		const mark = markText(text);
		if (mark !== undefined) {
			this.#settle(mark);
			this.#options.onMark?.(mark, line);
			return;
		}
		const dropped = DROPPED.exec(text)?.[1];
		if (dropped !== undefined) this.#dropped += Number(dropped);
		const timed = time !== undefined;
		if (SHUTDOWN.test(text)) this.#options.onShutdown?.(text);
		const context = this.#context(caller ?? '');
		const seconds = timed ? Number.parseFloat(time ?? '') : Number.NaN;
		const pause = context.report?.record.adopts ? WAIT_SECONDS : PAUSE_SECONDS;
		if (context.time !== undefined && seconds - context.time > pause) this.#close(context);
		if (!Number.isNaN(seconds)) context.time = seconds;

		const [record, match] = SUSPECT.test(text) ? named(text) : NOTHING;
		if (record && match) {
			this.#begin(context, record, match, text, raw, line, timed);
			return;
		}
		if (context.report) {
			if (context.timed && !timed) return;
			if (CUT_HERE.test(text) && !this.#expectsCut(context.report)) this.#close(context);
			else {
				const taken = context.report.take(text, raw);
				if (taken === true) return;
				this.#close(context);
				if (taken === 'last') return;
			}
		} else if (this.#adopter && isForeign(text) && this.#adopter.take(text, raw) === true) return;
		this.#heading(context, text, raw, line);
	}

	/** Collects what stands before a title: `cut here`, rulers, blank lines, a WARN()'s own words. */
	#heading(context: Context, text: string, raw: string, line: number): void {
		if (CUT_HERE.test(text) || RULER.test(text) || PRELUDE.test(text)) {
			context.heading = [raw];
			context.headingLine = line;
		} else if (context.heading.length > HEADING_LINES) context.heading = [];
		else if (context.heading.length > 0) context.heading.push(raw);
	}

	#begin(
		context: Context,
		record: SplatRecord,
		match: RegExpExecArray,
		text: string,
		raw: string,
		line: number,
		timed: boolean,
	): void {
		if (context.report?.accepts(record)) {
			context.report.join(record, match, text, raw, line);
			return;
		}
		const heading = context.report ? [] : context.heading;
		this.#close(context);
		const report = new Report(record, match, raw, line, heading);
		context.report = report;
		context.timed = timed;
		if (record.adopts) this.#adopter = report;
		this.#options.onBegin?.(report.splat);
		if (record.end === 'line') this.#close(context);
	}

	/** The console ends between `cut here` and the line that would have named the report: the kernel died of it, or in it. */
	#unnamed({ report, heading, headingLine }: Context): void {
		const [cut = '', ...words] = heading.map((raw) => parsePrintk(raw).text);
		if (report || !CUT_HERE.test(cut)) return;
		const title = (words.find((word) => word.trim() !== '') ?? cut).slice(0, 1000);
		const found = { kind: 'warning', title, line: headingLine, severity: 'severe' } as const;
		const splat = { ...found, function: undefined, report: heading.join('\n') };
		this.#options.onBegin?.(splat);
		this.#tell(splat);
	}

	/** A corrupted list is told before the BUG() or WARN() that stops for it. */
	#expectsCut(report: Report): boolean {
		return !report.settled && ['list', 'usercopy', 'cfi', 'slab', 'refcount'].includes(report.record.id);
	}

	/** Reports that may be whole are, once the guest's programs go on; at a job's end or a settling mark, all are. */
	#settle(mark: string): void {
		const all = /^(?:mark |job \d+ end)/.test(mark);
		for (const context of this.#contexts.values()) if (all || context.report?.settled) this.#close(context);
	}

	#context(caller: string): Context {
		let context = this.#contexts.get(caller);
		if (context) return context;
		context = { report: undefined, heading: [], headingLine: 0, time: undefined, timed: false };
		this.#contexts.set(caller, context);
		if (this.#contexts.size > CALLER_LIMIT) {
			const idle = [...this.#contexts].find(([, { report }]) => !report) ?? [...this.#contexts][0];
			if (idle) {
				this.#close(idle[1]);
				this.#contexts.delete(idle[0]);
			}
		}
		return context;
	}

	#close(context: Context): void {
		context.heading = [];
		const { report } = context;
		if (!report) return;
		context.report = undefined;
		if (this.#adopter === report) this.#adopter = undefined;
		this.#tell(report.splat);
	}

	#tell(splat: Splat): void {
		this.#counts.set(splat.kind, (this.#counts.get(splat.kind) ?? 0) + 1);
		if (this.#splats.length < SPLAT_LIMIT) this.#splats.push(splat);
		this.#options.onSplat?.(splat);
	}
}

const NOTHING = [undefined, undefined] as const;

function named(text: string): readonly [SplatRecord, RegExpExecArray] | typeof NOTHING {
	for (const record of RECORDS) {
		const match = record.pattern.exec(text);
		if (match) return [record, match];
	}
	return NOTHING;
}

/** What another CPU prints when it is asked where it is (lib/nmi_backtrace.c). */
function isForeign(text: string): boolean {
	return isTraceLine(text) || /^(?:NMI backtrace for cpu|CPU: \d|Hardware name:|Tainted: )/.test(text);
}
