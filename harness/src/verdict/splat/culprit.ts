// SPDX-License-Identifier: MIT
import { isMachinery, sourceName } from './machinery.js';

/** A symbol with its offset and size, as %pS prints it (lib/vsprintf.c). */
const SYMBOL = '([A-Za-z_.$][\\w.$]*)\\+0x[0-9a-f]+/0x[0-9a-f]+';
/** ` ? func+0x10/0x20 [module]`; old kernels put `[<address>]` before it. */
const FRAME = new RegExp(`^\\s*(?:\\[<[0-9a-f]+>\\]\\s+)?(\\? )?${SYMBOL}`);
/** A frame whose function has no name, as in a module that is gone; 0 is where a call through NULL went. */
const NAMELESS = /^\s*(?:\[<[0-9a-f]+>\]\s+)?0x(?!0+\b)[0-9a-f]+\b/;
const UNKNOWN = '?';
/** Where a call that never returns was a function's last instruction, the frame names whatever lies behind it. */
const BEHIND = /\+0x0\/0x/;
/** x86 prints `RIP: 0010:func+…` (user mode has another selector and no symbol), arm64 `pc : func+…`. */
const COUNTER = new RegExp(`^(?:RIP: [0-9a-f]{4}:(?:(?:\\[<[0-9a-f]+>\\]\\s+)*)|pc : |PC is at )${SYMBOL}`);
/** arm64's link register: the caller, where the counter stands in a leaf, which has no frame, or nowhere (a jump to 0). */
const LINK = new RegExp(`^lr : ${SYMBOL}`);
/** KFENCE heads the accessing stack with what was done (mm/kfence/report.c: kfence_report_error()). */
const TRACE =
	/^\s*(?:Call [Tt]race:|backtrace(?: \(crc [0-9a-f]+\))?:|Backtrace:|[A-Z].* (?:\(in |of )kfence-#\d+\)?:$)/;
/** Stacks change inside a trace: ` <TASK>`, ` </IRQ>`, ` <#DF>`. */
const STACK = /^\s*<\/?[#A-Z][\w ]*>/;
/** Lines that name the guilty one outright: lib/smp_processor_id.c, kernel/workqueue.c (%ps prints no offset). */
const OUTRIGHT = [
	new RegExp(`^caller is ${SYMBOL}`),
	/^\s*last function: ([A-Za-z_.$][\w.$]*)/,
	// kernel/irq/spurious.c: the handlers that did not want it
	/^\[<[^>]{1,20}>\] ([A-Za-z_.$][\w.$]*)(?: \[[\w-]+\])?(?: threaded .*)?$/,
	// kernel/workqueue.c: the work that keeps a pool busy
	/^\s+in-flight: \d+(?:\(RESCUER\))?:([A-Za-z_.$][\w.$]*)/,
	/\bworkfn=([A-Za-z_.$][\w.$]*)/,
];
/** Places that name it outside of a trace, where there is none. */
const NAMED = [
	// kernel/locking/lockdep.c: print_ip_sym(), print_lock()
	new RegExp(`^\\[<[0-9a-f]+>\\] ${SYMBOL}`),
	new RegExp(`\\{[^}]*\\}-\\{[\\d:]+\\}, at: ${SYMBOL}`),
];
const LIMIT = 64;
/** Lines of others that may stand in a row inside a trace: without CONFIG_PRINTK_CALLER nothing tells them apart. */
export const STRAY_LINES = 2;
/** What could be another CPU's message: neither blank nor indented, no heading, nothing that ends a report. */
const STRAY = /^(?!Modules linked in|Code: |CPU: |---\[|={10})\S.*[^:\s]\s*$/;

/** True for a line that somebody else may have printed into a trace. */
export function isStray(text: string): boolean {
	return STRAY.test(text);
}

/** True for a line of a stack trace. */
export function isFrame(text: string): boolean {
	return FRAME.test(text);
}

export function isTraceHeader(text: string): boolean {
	return TRACE.test(text);
}

export function isStackMarker(text: string): boolean {
	return STACK.test(text);
}

/**
 * Finds the guilty function while a report goes by: the one its title names, else where the program counter stood,
 * else the first frame of its call trace; each passed over while it is machinery (machinery.ts), because then its
 * caller is meant. Frames marked `?` are leftovers on the stack and count only in traces that have no others.
 */
export class Culprit {
	readonly #title: string[] = [];
	readonly #counters: string[] = [];
	readonly #frames: string[] = [];
	readonly #doubtful: string[] = [];
	readonly #named: string[] = [];
	#inTrace = false;
	#strays = 0;

	/** A function that the title names. */
	title(name: string | undefined): void {
		if (name !== undefined) this.#title.push(sourceName(name));
	}

	/** One line of the report, without printk prefix. */
	line(written: string): void {
		const text = written.startsWith('kmemleak: ') ? written.slice(10) : written;
		if (TRACE.test(text)) {
			this.#inTrace = true;
			this.#strays = 0;
			return;
		}
		const counter = COUNTER.exec(text)?.[1];
		if (counter !== undefined) {
			keep(this.#counters, counter);
			return;
		}
		const link = LINK.exec(text)?.[1];
		if (link !== undefined) {
			keep(this.#counters, link);
			return;
		}
		for (const pattern of OUTRIGHT) keep(this.#title, pattern.exec(text)?.[1]);
		for (const pattern of NAMED) keep(this.#named, pattern.exec(text)?.[1]);
		if (!this.#inTrace) return;
		const frame = FRAME.exec(text);
		if (frame) this.#strays = 0;
		if (frame && !BEHIND.test(frame[0])) keep(frame[1] === undefined ? this.#frames : this.#doubtful, frame[2]);
		else if (NAMELESS.test(text)) keep(this.#frames, UNKNOWN);
		else if (!frame && !STACK.test(text) && !REGISTERS.test(text) && !/^\s*(?:\? )?0x[0-9a-f]+\b/.test(text))
			this.#inTrace = isStray(text) && this.#strays++ < STRAY_LINES;
	}

	/** Whoever is guilty has been named: nothing that follows changes it. */
	get certain(): boolean {
		return this.#guilty !== undefined;
	}

	get function(): string | undefined {
		const guilty = this.#guilty ?? this.#title[0] ?? this.#counters[0];
		return guilty === UNKNOWN ? undefined : guilty;
	}

	get #guilty(): string | undefined {
		const titled = this.#title.find((name) => !isMachinery(name, true));
		if (titled !== undefined) return titled;
		const traced = this.#frames.length > 0 ? this.#frames : this.#doubtful;
		return [...this.#counters, ...traced, ...this.#named].find((name) => !isMachinery(name));
	}
}

/** What x86 prints in the middle of a trace where an interrupt or a system call came in (show_regs_if_on_stack). */
export const REGISTERS =
	/^\s*(?:RIP: |Code: |RSP: |R[A-D]X: |RBP: |RSI: |RDI: |R\d\d: |FS: |CS: |CR2: |DR\d: |PKRU: |ORIG_RAX|EFLAGS|EIP: |pc : |lr : |sp : |x\d\d?\s*: |pstate: |pmr(?:_save)?: |tpidr)/;

function keep(list: string[], name: string | undefined): void {
	if (name !== undefined && list.length < LIMIT) list.push(sourceName(name));
}
