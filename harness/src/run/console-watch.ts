// SPDX-License-Identifier: MIT
import { CaseAttribution } from '../verdict/splat/attribution.js';
import { ConsoleClassifier } from '../verdict/splat/console.js';
import type { AttributedSplat, Splat } from '../verdict/verdict.js';

/** Listens to a guest's console: finds reports, and knows from the markers which case they fell into. */
export class ConsoleWatch {
	private readonly attribution = new CaseAttribution();
	private readonly classifier = new ConsoleClassifier({
		onBegin: (splat) => {
			if (splat.severity !== 'warning') this.onSevere?.(splat);
		},
		onSplat: (splat) => this.heard.push(this.attribution.attribute(splat)),
		onMark: (text, line) => {
			this.attribution.mark(text, line);
			if (text.startsWith('case ')) this.runningCase = this.attribution.running;
		},
	});
	private heard: AttributedSplat[] = [];
	private droppedBefore = 0;
	private runningCase: string | undefined;
	private onSevere: ((splat: Splat) => void) | undefined;

	push(bytes: Uint8Array): void {
		this.classifier.push(bytes);
	}

	/** The console is closed: reports that were still open are complete now. */
	end(): void {
		this.classifier.end();
	}

	/** A new program starts. @param onSevere called at once when the kernel says something after which it cannot be trusted. */
	begin(onSevere: (splat: Splat) => void): void {
		this.runningCase = undefined;
		this.onSevere = onSevere;
	}

	/** The case that began last since `begin`, by the markers. */
	get running(): string | undefined {
		return this.runningCase;
	}

	/** The reports since the last call, each with the case it fell into where one is known; open ones are closed. */
	take(): AttributedSplat[] {
		this.classifier.flush();
		const splats = this.heard;
		this.heard = [];
		return splats;
	}

	/** Kernel messages that the console lost since the last call: a report may have been among them. */
	takeDropped(): number {
		const { droppedMessages } = this.classifier;
		const since = droppedMessages - this.droppedBefore;
		this.droppedBefore = droppedMessages;
		return since;
	}
}
