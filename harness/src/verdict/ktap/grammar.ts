// SPDX-License-Identifier: MIT
import type { KtapVerdict } from '../verdict.js';

/**
 * What a line of a stream is, by itself: Documentation/dev-tools/ktap.rst, and the TAP 13 and 14 specifications where
 * KTAP leaves off. Where it stands (`column`) says to which level of nesting it belongs.
 */
export type KtapLine =
	| { readonly kind: 'version'; readonly column: number; readonly dialect: 'KTAP' | 'TAP'; readonly version: number }
	| { readonly kind: 'plan'; readonly column: number; readonly count: number; readonly skip: string | undefined }
	/** It begins like a plan, and is none: `1..-1`, `1..`. */
	| { readonly kind: 'unreadable'; readonly column: number; readonly text: string }
	| { readonly kind: 'subtest'; readonly column: number; readonly name: string }
	| ResultLine
	| { readonly kind: 'bail'; readonly column: number; readonly reason: string }
	| { readonly kind: 'comment'; readonly column: number; readonly text: string }
	| { readonly kind: 'yaml'; readonly column: number }
	| { readonly kind: 'other'; readonly column: number; readonly text: string };

export interface ResultLine {
	readonly kind: 'result';
	readonly column: number;
	readonly ok: boolean;
	readonly number: number | undefined;
	/** Empty where the line has none. */
	readonly description: string;
	readonly verdict: KtapVerdict;
	readonly reason: string;
}

/** Characters of a description or a reason that are kept. */
const TEXT_LIMIT = 1024;

export function bounded(text: string, limit = TEXT_LIMIT): string {
	return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}

const VERSION = /^(K?TAP) version (\d{1,6})\s*$/;
const PLAN = /^1\.\.(\d{1,15})\s*(?:#\s*(.*))?$/;
/** A line of one word that begins like a plan. */
const PLANLIKE = /^1\.\.(?!\.)[^\s#]*\s*(?:#.*)?$/;
const SUBTEST = /^#\s*Subtest:\s*(.*)$/;
const RESULT = /^(not ok|ok)(?:\s+(\d{1,15})(?=\s|$))?(?:\s+(.*))?$/;
const BAIL = /^Bail out!\s*(.*)$/i;

/** A directive stands after an unescaped hash sign; KTAP names five, kselftest.h prints a sixth (XPASS). */
const DIRECTIVE = /(^|\s)#\s*(skip(?:ped|ping)?|todo|xfail|xpass|timeout|error)(?=$|[\s:.,])[\s:.,]*(.*)$/i;
/** Diagnostic data without a directive: `ok 5 check return code # rcode=0`. */
const DATA = /(^|\s)#(?:\s+(.*))?$/;

/**
 * Columns a line's structure starts at. Spaces count one, tabs go to the next multiple of eight (KUnit of 5.x indents
 * with one), and each `# ` that a kselftest runner put before inner output counts two (tools/testing/selftests/
 * kselftest/prefix.pl), so that inner output is simply deeper.
 */
function indentation(text: string, from: number, column: number): readonly [index: number, column: number] {
	let [index, at] = [from, column];
	for (; index < text.length; index++) {
		const c = text.charCodeAt(index);
		if (c === 32) at++;
		else if (c === 9) at = at - (at % 8) + 8;
		else break;
	}
	return [index, at];
}

/** @param prefixed whether `# ` before a result, plan or version line may be a runner's: see InnerStream in ktap.ts */
export function readLine(text: string, prefixed: boolean): KtapLine {
	let [index, column] = indentation(text, 0, 0);
	const own = text.slice(index);
	if (own.charCodeAt(0) !== 35) return readBare(own, column);
	const outer = commentOf(own, column);
	// A runner's prefix may repeat where runners nest; what is behind it must read as structure to count.
	for (let depth = 0; depth < 4 && text.startsWith('# ', index); depth++) {
		[index, column] = indentation(text, index + 2, column + 2);
		const inner = text.slice(index);
		if (inner.charCodeAt(0) === 35) {
			const subtest = SUBTEST.exec(inner);
			if (prefixed && subtest) return { kind: 'subtest', column, name: bounded(subtest[1]?.trim() ?? '') };
			continue;
		}
		const bare = readBare(inner, column);
		if (bare.kind === 'version') return bare;
		if (prefixed && (bare.kind === 'result' || bare.kind === 'plan' || bare.kind === 'bail')) return bare;
		break;
	}
	return outer;
}

function commentOf(text: string, column: number): KtapLine {
	const subtest = SUBTEST.exec(text);
	if (subtest) return { kind: 'subtest', column, name: bounded(subtest[1]?.trim() ?? '') };
	return { kind: 'comment', column, text: text.replace(/^#\s?/, '').trimEnd() };
}

function readBare(text: string, column: number): KtapLine {
	switch (text.charCodeAt(0)) {
		case 75: // K
		case 84: {
			const version = VERSION.exec(text);
			if (!version) break;
			return { kind: 'version', column, dialect: version[1] === 'KTAP' ? 'KTAP' : 'TAP', version: Number(version[2]) };
		}
		case 49: {
			const plan = PLAN.exec(text);
			if (!plan && PLANLIKE.test(text)) return { kind: 'unreadable', column, text: bounded(text, 160) };
			if (!plan) break;
			const skip = /^skip\S*\s*(.*)$/i.exec(plan[2] ?? '');
			return { kind: 'plan', column, count: Number(plan[1]), skip: skip ? bounded(skip[1]?.trim() ?? '') : undefined };
		}
		case 110: // n
		case 111: {
			const result = RESULT.exec(text);
			if (result) return readResult(column, result[1] === 'ok', result[2], result[3] ?? '');
			break;
		}
		case 66: // B
		case 98: {
			const bail = BAIL.exec(text);
			if (bail) return { kind: 'bail', column, reason: bounded(bail[1]?.trim() ?? '') };
			break;
		}
		case 45:
			if (/^---\s*$/.test(text)) return { kind: 'yaml', column };
			break;
	}
	return { kind: 'other', column, text: text.trimEnd() };
}

/**
 * The directives' meaning. `not ok # SKIP` is a skip and `ok # XFAIL` an xfail, as ktap.rst and kselftest.h have them;
 * TODO is TAP's: expected to fail, so `ok` is an xpass. ERROR fails whatever stands before it: the worse of the two.
 */
function verdictOf(ok: boolean, directive: string | undefined): KtapVerdict {
	switch (directive) {
		case undefined:
			return ok ? 'pass' : 'fail';
		case 'todo':
			return ok ? 'xpass' : 'xfail';
		case 'xfail':
			return 'xfail';
		case 'xpass':
			return 'xpass';
		case 'timeout':
			return 'timeout';
		case 'error':
			return 'fail';
		default:
			return 'skip';
	}
}

function readResult(column: number, ok: boolean, number: string | undefined, rest: string): ResultLine {
	// An escaped hash sign is text: it is put out of the way while directives are looked for.
	const text = rest.replace(/\\\\/g, '\x01').replace(/\\#/g, '\x02');
	const restore = (s: string) => bounded(s.replace(/\x01/g, '\\').replace(/\x02/g, '#').trim());
	const directive = DIRECTIVE.exec(text);
	const data = /(?:^|\s)#(?:\s|$)/.exec(text);
	const cut = Math.min(directive?.index ?? text.length, data?.index ?? text.length);
	const word = directive?.[2]?.toLowerCase();
	const reason = directive ? (directive[3] ?? '') : (DATA.exec(text.slice(cut))?.[2] ?? '');
	return {
		kind: 'result',
		column,
		ok,
		number: number === undefined ? undefined : Number(number),
		description: restore(text.slice(0, cut).replace(/^\s*-(?:\s+|$)/, '')),
		verdict: verdictOf(ok, word?.startsWith('skip') ? 'skip' : word),
		reason: restore(reason),
	};
}
