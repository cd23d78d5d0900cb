// SPDX-License-Identifier: MIT
import { printableInLog } from '../core/printable.js';
import type { RunEvent } from '../results/events.js';

/** What several reporters are told is cleaned once. */
const cleaned = new WeakMap<RunEvent, RunEvent>();

/**
 * An event as a report of plain lines may show it: guests speak in names, reasons, diagnostics and kernel reports, so
 * every text of it is made printable. The event log keeps it as it was.
 */
export function printableEvent(event: RunEvent): RunEvent {
	const known = cleaned.get(event);
	if (known) return known;
	const clean = withText(event, printableInLog);
	cleaned.set(event, clean);
	return clean;
}

/** A copy in which every text, keys among them, went through `change`. */
export function withText<T>(value: T, change: (text: string) => string): T {
	if (typeof value === 'string') return change(value) as T;
	if (Array.isArray(value)) return value.map((one) => withText(one as unknown, change)) as T;
	if (typeof value !== 'object' || value === null) return value;
	const pairs = Object.entries(value).map(([key, one]) => [change(key), withText(one as unknown, change)] as const);
	return Object.fromEntries(pairs) as T;
}
