// SPDX-License-Identifier: MIT
import type { Splat } from '../verdict.js';
import { Culprit, isFrame, isStackMarker, isStray, isTraceHeader, REGISTERS, STRAY_LINES } from './culprit.js';
import type { SplatRecord } from './record.js';
import { WARNING_FILES } from './records.js';

/** The report's text is kept up to these; what follows is read and counted, not kept. */
const REPORT_LINES = 400;
const REPORT_BYTES = 64 * 1024;
/** No report is followed longer than this, whatever it looks like. */
const PATIENCE_LINES = 3000;
/** Lines after a `---[ end trace` or a trace that belong to no known part of a report end it at once; these do not. */
const AFTERMATH =
	/^(?:\s*$|Disabling lock debugging due to kernel taint|note: .* exited with |Modules linked in:|CPU: \d|Hardware name:|Tainted: |Workqueue: |Kernel Offset: |irq event stamp|(?:hard|soft)irqs last )/;
const END_TRACE = /^---\[ end trace\b/;
const END_PANIC = /^---\[ end Kernel panic/;
const RULER = /^={20,}$/;

/** One report that is being read. */
export class Report {
	readonly record: SplatRecord;
	#kind: Splat['kind'];
	#severity: Splat['severity'];
	#title: string;
	#line: number;
	readonly #culprit = new Culprit();
	readonly #kept: string[] = [];
	#bytes = 0;
	#dropped = 0;
	/** Lines since the title. */
	#age = 0;
	/** none: no call trace yet; inside: within one; done: the last line could be the report's last. */
	#trace: 'none' | 'inside' | 'done' = 'none';
	/** Lines in a row that may be somebody else's, inside the trace. */
	#strays = 0;
	/** A record that goes on with this report was seen: another of the same is a new report. */
	readonly #continuations = new Set<string>();

	constructor(record: SplatRecord, match: RegExpExecArray, raw: string, line: number, before: readonly string[]) {
		this.record = record;
		this.#kind = record.kind;
		this.#severity = record.severity;
		this.#title = '';
		this.#line = line;
		for (const earlier of before) this.#keep(earlier);
		this.#name(record, match, line);
		this.#keep(raw);
	}

	/** The report could end here: nothing that must still come is missing. */
	get settled(): boolean {
		return this.#trace === 'done';
	}

	/** Whether a line that could begin a report of its own goes on with this one. */
	accepts(record: SplatRecord): boolean {
		return (
			(!this.settled || record.late === true) &&
			(record.continues?.includes(this.record.id) ?? false) &&
			!this.#continuations.has(record.id)
		);
	}

	/** Takes such a line. */
	join(record: SplatRecord, match: RegExpExecArray, text: string, raw: string, line: number): void {
		this.#continuations.add(record.id);
		this.#keep(raw);
		if (record.retitles) {
			this.#kind = record.kind;
			this.#severity = record.severity;
			this.#name(record, match, line);
		} else {
			this.#culprit.title(guilty(match));
			this.#culprit.line(text);
		}
		if (record.end === 'oom') this.#trace = 'done';
	}

	/**
	 * Takes any other line. @returns false when it is no part of the report, which is whole then; `last` when the
	 * report is whole with it.
	 */
	take(text: string, raw: string): boolean | 'last' {
		this.#age++;
		if (this.#age > PATIENCE_LINES) return false;
		if (this.#trace === 'done') {
			if (!this.#belongsAfter(text)) return false;
			this.#read(text, raw);
			if (isTraceHeader(text) && this.record.end === 'trace') this.#trace = 'inside';
			return true;
		}
		switch (this.record.end) {
			case 'line':
				return false;
			case 'frame':
				this.#read(text, raw);
				return RULER.test(text) ? 'last' : this.#age <= PATIENCE_LINES;
			case 'panic':
				this.#read(text, raw);
				return END_PANIC.test(text) ? 'last' : true;
			case 'oom':
				this.#read(text, raw);
				if (/^oom_reaper: |are going to be killed due to memory\.oom\.group/.test(text)) this.#trace = 'done';
				return true;
			case 'end-trace':
				this.#read(text, raw);
				// UBSAN up to 5.x closes with a ruler.
				if (END_TRACE.test(text) || (RULER.test(text) && this.record.kind === 'ubsan')) this.#trace = 'done';
				return this.#age <= 1000;
			case 'trace':
				return this.#takeTrace(text, raw);
		}
	}

	#takeTrace(text: string, raw: string): boolean {
		if (this.#trace === 'none') {
			if (this.#age > (this.record.reach ?? 60)) return false;
			if (isTraceHeader(text)) this.#trace = 'inside';
		} else if (!isTraceLine(text)) {
			if (isStray(text) && !this.#culprit.certain && this.#strays++ < STRAY_LINES) return this.#read(text, raw);
			this.#trace = 'done';
			if (!this.#belongsAfter(text)) return false;
		} else this.#strays = 0;
		this.#read(text, raw);
		if (END_TRACE.test(text)) this.#trace = 'done';
		return true;
	}

	#belongsAfter(text: string): boolean {
		return AFTERMATH.test(text) || isTraceLine(text) || END_TRACE.test(text) || (this.record.tail?.test(text) ?? false);
	}

	/** The splat as far as it has been read. */
	get splat(): Splat {
		const cut = this.#dropped > 0 ? [`(${this.#dropped} more lines left out)`] : [];
		return {
			kind: this.#kind,
			title: this.#title,
			function: this.#culprit.function,
			line: this.#line,
			severity: this.#severity,
			report: [...this.#kept, ...cut].join('\n'),
		};
	}

	#name(record: SplatRecord, match: RegExpExecArray, line: number): void {
		this.#title = match.input.trimEnd().slice(0, 1000);
		this.#line = line;
		this.#culprit.title(guilty(match));
		this.#culprit.line(match.input);
		if (record.id !== 'warning') return;
		const special = WARNING_FILES.find(({ file }) => file.test(match.input));
		if (!special) return;
		this.#kind = special.kind;
		this.#severity = special.severity;
	}

	/** @returns true: the line belongs to the report */
	#read(text: string, raw: string): true {
		this.#culprit.line(text);
		this.#keep(raw);
		return true;
	}

	#keep(raw: string): void {
		if (this.#kept.length >= REPORT_LINES || this.#bytes + raw.length > REPORT_BYTES) this.#dropped++;
		else {
			this.#kept.push(raw);
			this.#bytes += raw.length + 1;
		}
	}
}

function guilty(match: RegExpExecArray): string | undefined {
	return match.groups?.['function'] ?? match.groups?.['function2'];
}

/** Call trace headings, frames, stack markers, registers: what a context prints about where it is. */
export function isTraceLine(text: string): boolean {
	return (
		isFrame(text) ||
		isTraceHeader(text) ||
		isStackMarker(text) ||
		REGISTERS.test(text) ||
		/^\s*(?:\? )?0x[0-9a-f]+\b/.test(text)
	);
}
