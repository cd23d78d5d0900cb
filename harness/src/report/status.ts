// SPDX-License-Identifier: MIT
import { createLogUpdate } from 'log-update';
import { formatDuration, nowMs } from '../core/clock.js';
import { printableInLog } from '../core/printable.js';
import type { ProgressEvent } from '../core/progress.js';

const RENDER_MS = 120;
const PLAIN_UPDATE_MS = 15_000;
/** Phases that end sooner than this leave no line behind. */
const WORTH_SAYING_MS = 1000;

interface Live {
	readonly event: ProgressEvent;
	readonly startedMs: number;
	saidMs: number;
}

/** Where progress goes: live lines on a terminal, one line an event elsewhere. */
export interface Status {
	progress(event: ProgressEvent): void;
	/** Writes lasting text above the live lines. */
	print(text: string): void;
	/** A line that stays at the bottom of the live lines: `142 of 412 cases, 1 failed`. */
	footer(text: string): void;
	stop(): void;
}

/** What one phase says of itself: `kernel source:6.12 arm64: compile 43 % (12 s)`. */
function describe({ event, startedMs }: Live): string {
	const percent = event.fraction === undefined ? '' : ` ${Math.floor(Math.min(1, event.fraction) * 100)} %`;
	const detail = event.detail ? ` ${printableInLog(event.detail)}` : '';
	return `${event.subject}: ${event.phase}${percent}${detail} (${formatDuration(nowMs() - startedMs)})`;
}

/** Live status on a terminal (standard error), redrawn in place. */
export class LiveStatus implements Status {
	private readonly lines = new Map<string, Live>();
	private readonly update: ReturnType<typeof createLogUpdate>;
	private readonly timer: NodeJS.Timeout;
	private bottom = '';

	constructor(private readonly stream: NodeJS.WriteStream) {
		this.update = createLogUpdate(stream, { showCursor: true });
		this.timer = setInterval(() => this.render(), RENDER_MS);
		this.timer.unref();
	}

	progress(event: ProgressEvent): void {
		if (event.phase === 'note') {
			this.print(`${event.subject}: ${printableInLog(event.detail ?? '')}\n`);
			return;
		}
		const known = this.lines.get(event.key);
		if (event.state === 'start' || event.state === 'update') {
			const startedMs = known?.startedMs ?? nowMs();
			this.lines.set(event.key, { event: { ...known?.event, ...event }, startedMs, saidMs: 0 });
			return;
		}
		this.lines.delete(event.key);
		const tookMs = known ? nowMs() - known.startedMs : 0;
		if (event.state === 'done' && !event.quiet && tookMs > 5 * WORTH_SAYING_MS) {
			this.print(`${event.subject}: ${event.phase} took ${formatDuration(tookMs)}\n`);
		}
	}

	print(text: string): void {
		this.update.clear();
		this.stream.write(text);
		this.render();
	}

	footer(text: string): void {
		this.bottom = text;
	}

	stop(): void {
		clearInterval(this.timer);
		this.update.clear();
		this.update.done();
	}

	private render(): void {
		const width = Math.max(40, this.stream.columns ?? 80) - 1;
		const lines = [...this.lines.values()].map((live) => `  ${describe(live)}`);
		this.update(
			[...lines.slice(-8), ...(this.bottom ? [this.bottom] : [])].map((line) => line.slice(0, width)).join('\n'),
		);
	}
}

/** One line an event, for pipes and CI logs. */
export class PlainStatus implements Status {
	private readonly lines = new Map<string, Live>();
	private readonly timer: NodeJS.Timeout;
	private bottom = '';
	private saidMs = nowMs();

	/** @param everyMs how long nothing is said of what goes on */
	constructor(
		private readonly out: (text: string) => void,
		private readonly everyMs = PLAIN_UPDATE_MS,
	) {
		this.timer = setInterval(() => this.remind(), Math.min(everyMs, WORTH_SAYING_MS));
		this.timer.unref();
	}

	progress(event: ProgressEvent): void {
		const known = this.lines.get(event.key);
		const live: Live = {
			event: { ...known?.event, ...event },
			startedMs: known?.startedMs ?? nowMs(),
			saidMs: known?.saidMs ?? nowMs(),
		};
		if (event.phase === 'note') {
			this.write(`${event.subject}: ${printableInLog(event.detail ?? '')}\n`);
		} else if (event.state === 'start') {
			this.lines.set(event.key, live);
		} else if (event.state === 'update') {
			this.lines.set(event.key, live);
			if (nowMs() - live.saidMs < this.everyMs) return;
			live.saidMs = nowMs();
			this.write(`${describe(live)}\n`);
		} else {
			this.lines.delete(event.key);
			const tookMs = nowMs() - live.startedMs;
			if (event.state === 'failed') this.write(`${event.subject}: ${event.phase} failed\n`);
			else if (event.quiet) return;
			else if (event.state === 'stopped') this.write(`${event.subject}: ${event.phase} stopped\n`);
			else if (tookMs > WORTH_SAYING_MS)
				this.write(`${event.subject}: ${event.phase} done (${formatDuration(tookMs)})\n`);
		}
	}

	print(text: string): void {
		this.write(text);
	}

	/** Written only when nothing else was for a while, and when it says something new. */
	footer(text: string): void {
		this.bottom = text;
	}

	stop(): void {
		clearInterval(this.timer);
	}

	/** A phase that says nothing of itself, and guests whose cases pass, still give a sign of life. */
	private remind(): void {
		for (const live of this.lines.values()) {
			if (nowMs() - live.saidMs < this.everyMs) continue;
			live.saidMs = nowMs();
			this.write(`${describe(live)}\n`);
		}
		if (this.bottom === '' || nowMs() - this.saidMs < this.everyMs) return;
		this.write(`${this.bottom}\n`);
		this.bottom = '';
	}

	private write(text: string): void {
		this.saidMs = nowMs();
		this.out(text);
	}
}
