// SPDX-License-Identifier: MIT

/** `selftests: DIR: NAME` alone; before 4.19 `selftests: NAME`. From 5.2 on it stands behind `# `. */
const HEADER = /^selftests: ((?:\S+: )?\S+)$/;
/** What follows it, where make ran the tests and not the script that it installs. */
const RULER = '='.repeat(40);
/** Failures of 4.14 to 4.18 have two blanks before the name. */
const RESULT = /^(not ok|ok) 1\.\.(\d{1,15}) selftests: {1,2}((?:\S+: )?\S+) \[(PASS|FAIL|SKIP)\]$/;
/** A test's own output is that much deeper than the runner's, as behind the `# ` of later ones. */
const INNER = '  ';

/**
 * kselftest's runner of 4.14 to 5.1 (tools/testing/selftests/lib.mk: RUN_TESTS, EMIT_TESTS), in the words of those from
 * 5.2 on. It announces a test, lets its output through as it is, and gives the result in a form of its own:
 * `not ok 1..3 selftests: DIR: NAME [SKIP]` is today's `not ok 3 selftests: DIR: NAME # SKIP`. Nobody else's lines have
 * that form; `[SKIP]` behind any other description is part of a name.
 */
export class OldRunner {
	/** The test that was announced and has no result yet. */
	#running: string | undefined;

	/** @returns the line as it is to be read */
	read(line: string): string {
		const text = line.trimEnd();
		const header = text.startsWith('selftests: ') ? HEADER.exec(text) : undefined;
		if (header) {
			this.#running = header[1];
			return '';
		}
		const [, ok, number, name, word] = (text.endsWith(']') && RESULT.exec(text)) || [];
		if (name === undefined) {
			if (this.#running === undefined) return line;
			return text === RULER ? '' : `${INNER}${line}`;
		}
		// A test that speaks like the runner does not end itself.
		const own = this.#running === undefined || this.#running === name;
		if (own) this.#running = undefined;
		const result = `${word === 'FAIL' ? 'not ok' : ok} ${number} selftests: ${name}${word === 'SKIP' ? ' # SKIP' : ''}`;
		return own ? result : `${INNER}${result}`;
	}
}
