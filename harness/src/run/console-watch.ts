// SPDX-License-Identifier: MIT
import { CaseAttribution } from '../verdict/splat/attribution.js';
import { ConsoleClassifier } from '../verdict/splat/console.js';
import type { AttributedSplat } from '../verdict/verdict.js';
import { KeptReports } from './kept-reports.js';

/** Cases remembered that began in a kernel that can no longer be trusted: a guest may write markers without end. */
const DOUBTFUL_LIMIT = 10_000;

/** Something on the console after which the program will not end as it should, or its end says nothing. */
export type Alarm = 'report' | 'shutdown';

/** Listens to a guest's console: finds reports, and knows from the markers which case they fell into. */
export class ConsoleWatch {
	private readonly attribution = new CaseAttribution();
	private readonly classifier = new ConsoleClassifier({
		onBegin: (splat) => {
			if (splat.severity !== 'warning') this.raise('report');
		},
		onSplat: (splat) => this.heard.add(this.attribution.attribute(splat)),
		onMark: (text, line) => {
			this.attribution.mark(text, line);
			if (text.startsWith('case ')) this.begun(this.attribution.running);
		},
		onShutdown: (text) => {
			this.shutdownText ??= text;
			this.raise('shutdown');
		},
	});
	private readonly heard = new KeptReports();
	private droppedBefore = 0;
	private runningCase: string | undefined;
	private doubtfulCases = new Set<string>();
	private shutdownText: string | undefined;
	private firstAlarm: Alarm | undefined;
	private onAlarm: ((alarm: Alarm) => void) | undefined;

	push(bytes: Uint8Array): void {
		this.classifier.push(bytes);
	}

	/** The console is closed: reports that were still open are complete now. */
	end(): void {
		this.classifier.end();
	}

	/**
	 * A new program starts. @param onAlarm called at once when the kernel says something after which it cannot be
	 * trusted, or that it goes down; also when it did so since the last program ended.
	 */
	begin(onAlarm: (alarm: Alarm) => void): void {
		this.runningCase = undefined;
		this.doubtfulCases = new Set();
		this.onAlarm = onAlarm;
		if (this.firstAlarm) onAlarm(this.firstAlarm);
	}

	/** What the kernel has said, first of all, after which it cannot be trusted. */
	get alarm(): Alarm | undefined {
		return this.firstAlarm;
	}

	/** The case that began last since `begin`, by the markers, while the kernel could be trusted. */
	get running(): string | undefined {
		return this.runningCase;
	}

	/** Cases that began, by the markers, in a kernel that had reported something severe before. */
	get doubtful(): ReadonlySet<string> {
		return this.doubtfulCases;
	}

	/** The kernel's own words that the machine goes down or starts again; undefined when it said none. */
	get shutdown(): string | undefined {
		return this.shutdownText;
	}

	/** The reports since the last call, a bounded number, each with the case it fell into where one is known; open ones are closed. */
	take(): AttributedSplat[] {
		this.classifier.flush();
		return this.heard.take();
	}

	/** Kernel messages that the console lost since the last call: a report may have been among them. */
	takeDropped(): number {
		const { droppedMessages } = this.classifier;
		const since = droppedMessages - this.droppedBefore;
		this.droppedBefore = droppedMessages;
		return since;
	}

	private begun(name: string | undefined): void {
		if (!this.firstAlarm) this.runningCase = name;
		else if (name !== undefined && name !== this.runningCase && this.doubtfulCases.size < DOUBTFUL_LIMIT) {
			this.doubtfulCases.add(name);
		}
	}

	private raise(alarm: Alarm): void {
		this.firstAlarm ??= alarm;
		this.onAlarm?.(alarm);
	}
}
