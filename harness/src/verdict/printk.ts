// SPDX-License-Identifier: MIT

/** What stands before a kernel message (kernel/printk/printk.c: info_print_prefix), and the message. */
export interface PrintkLine {
	/** Everything after the prefix, its own indentation kept. */
	readonly text: string;
	/** Seconds since boot, as printed. */
	readonly time: string | undefined;
	/** `T12` a task, `C1` a CPU in interrupt context (CONFIG_PRINTK_CALLER). */
	readonly caller: string | undefined;
}

/** `host kernel: `, as syslog and journald put it after their date; BusyBox's syslogd says `host kern.warn kernel: `. */
const HOST = '\\S{1,255} (?:\\w+\\.\\w+ )?kernel(?:\\[\\d+\\])?: ';
const CLOCK = '\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?';
const DATE = `(?:[A-Z][a-z]{2} )?\\d{4}-\\d\\d-\\d\\d[T ]${CLOCK}(?:Z|[+-]\\d\\d:?\\d\\d| UTC)?`;
/**
 * What log collectors put before a kernel message, each optional: a date of theirs (journalctl, CI systems; a GitLab
 * runner adds its stream, `01O `; minicom, tio and Jenkins use brackets), seconds since 1970 (journalctl -o short-unix),
 * RFC 5424's header, `dmesg --decode`'s facility and level, /dev/kmsg's record header
 * (Documentation/ABI/testing/dev-kmsg), `<6>`.
 */
const COLLECTOR = new RegExp(
	'^(?:' +
		[
			`${DATE}:? (?:[0-9a-f]{2}[OE][ +]|${HOST})?`,
			`\\[(?:${DATE}|${CLOCK})\\] `,
			`${CLOCK} `,
			`[A-Z][a-z]{2} [ \\d]\\d ${CLOCK} (?:${HOST})?`,
			`\\d{10}\\.\\d{6} ${HOST}`,
			`<\\d{1,3}>1 ${DATE} \\S{1,255} kernel(?: \\S{1,128}){2} - `,
			'(?:kern|user|daemon|syslog|local\\d) *:(?:emerg|alert|crit|err|warn|notice|info|debug) *: ',
			'\\d+,\\d+,\\d+,[-c](?:,[^;]{0,200})?;',
			'<\\d{1,3}>',
		].join('|') +
		')',
);
/**
 * `[    1.234567]`, dmesg -T's `[Mon Nov 21 09:14:01 2025]`, dmesg -d's `[    1.2 <    0.1>]`, dmesg -H's
 * `[Nov21 09:14]` and, while the minute lasts, `[  +0.000012]`.
 */
const TIME =
	/^\[((?: *\d+\.\d+|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})(?: *< *\d+\.\d+>)?|[A-Z][a-z]{2} ?\d{1,2} \d\d:\d\d| *\+\d+\.\d+)\]/;
/** journalctl -o short-monotonic puts its host behind the time. */
const BEHIND = new RegExp(`^ ${HOST}`);
/** `[    T1]`, `[   C12]`; a space may stand before it (dmesg prints one). */
const CALLER = /^ ?\[ *([TC]\d+)\]/;

/** Takes the prefix of a console, dmesg, journal or /dev/kmsg line off. A line without one comes back whole. */
export function parsePrintk(line: string): PrintkLine {
	let rest = line;
	for (let i = 0; i < 3; i++) {
		const collector = COLLECTOR.exec(rest);
		if (!collector) break;
		rest = rest.slice(collector[0].length);
	}
	const time = TIME.exec(rest);
	if (time) rest = rest.slice(time[0].length);
	const caller = CALLER.exec(rest);
	if (caller) rest = rest.slice(caller[0].length);
	if ((time || caller) && rest.startsWith(' ')) rest = rest.slice((BEHIND.exec(rest)?.[0] ?? ' ').length);
	return { text: rest, time: time?.[1]?.trim(), caller: caller?.[1] };
}
