// SPDX-License-Identifier: MIT
import type { ProgressListener } from '../core/progress.js';
import { LiveStatus, PlainStatus, type Status } from '../report/status.js';

/** Progress on standard error: live lines on a terminal, one line an event elsewhere. */
export function createStatus(): Status {
	const { stderr } = process;
	return stderr.isTTY ? new LiveStatus(stderr) : new PlainStatus((text) => stderr.write(text));
}

/** A listener for commands that have no reporter of their own. */
export function progressListener(status: Status = createStatus()): ProgressListener {
	return (event) => status.progress(event);
}
