// SPDX-License-Identifier: MIT
import type { Readable } from 'node:stream';
import { infrastructureError } from '../../core/errors.js';
import { type Frame, type FrameName, MAX_PAYLOAD_BYTES, protocolError } from './frame.js';
import { guestText } from './payload.js';
import type { AgentWire, Answer } from './wire.js';

/** A request that is answered by OK, or by ERROR, which becomes a FencepostError with `code`. */
export function confirmed(
	wire: AgentWire,
	type: FrameName<'to-guest'>,
	payload: Uint8Array,
	code: string,
	what: string,
	signal: AbortSignal,
): { readonly id: number; readonly answered: Promise<void> } {
	return wire.request<void>({ type, payload, what, signal, patienceMs: 0 }, (frame, answer) => {
		if (frame.type === 'OK') answer.resolve();
		else if (frame.type === 'ERROR') {
			answer.reject(infrastructureError(code, `the guest's agent failed at ${what}: ${guestText(frame.payload)}`));
		} else throw protocolError(`a ${frame.type} frame as the answer to ${type}`);
	});
}

/** Unpacks a tar stream in the guest, at the pace of the guest: AgentSession.put. */
export async function putTar(wire: AgentWire, directory: string, tar: Readable, signal: AbortSignal): Promise<void> {
	const what = `unpacking in ${directory}`;
	const { id, answered } = confirmed(wire, 'PUT_BEGIN', Buffer.from(directory, 'utf8'), 'PUT_REFUSED', what, signal);
	const stop = new AbortController();
	answered.catch((error) => {
		stop.abort(error);
		// The source may be one that never ends, or never says another byte.
		tar.destroy();
	});
	try {
		for await (const chunk of tar as AsyncIterable<Buffer>) {
			for (let at = 0; at < chunk.length && !stop.signal.aborted; at += MAX_PAYLOAD_BYTES) {
				const ready = wire.send('PUT_DATA', id, chunk.subarray(at, at + MAX_PAYLOAD_BYTES));
				if (!ready) await wire.drained(stop.signal);
			}
		}
		if (!stop.signal.aborted) wire.send('PUT_END', id);
	} catch (error) {
		// When the agent or the caller ended it, their reason says more than the torn stream's.
		if (stop.signal.aborted) await answered;
		wire.send('KILL', id);
		throw error;
	}
	await answered;
}

/** A regular file of the guest, whole: AgentSession.get. */
export function getFile(wire: AgentWire, path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let totalBytes = 0;
	const limit = Buffer.alloc(8);
	limit.writeBigUInt64LE(BigInt(maxBytes));
	const payload = Buffer.concat([limit, Buffer.from(path, 'utf8')]);
	const what = `reading ${path}`;
	const take = (frame: Frame<'from-guest'>, answer: Answer<Buffer>) => {
		switch (frame.type) {
			case 'GET_DATA':
				totalBytes += frame.payload.length;
				if (totalBytes > maxBytes) throw protocolError(`more of ${path} than the ${maxBytes} bytes asked for`);
				if (!signal.aborted) chunks.push(frame.payload);
				return;
			case 'GET_END':
				if (frame.payload.readBigUInt64LE(0) !== BigInt(totalBytes)) {
					throw protocolError(`${totalBytes} bytes of ${path} and an end that says otherwise`, frame.payload);
				}
				return answer.resolve(Buffer.concat(chunks));
			case 'ERROR':
				return answer.reject(
					infrastructureError('GET_REFUSED', `the guest does not hand out ${path}: ${guestText(frame.payload)}`),
				);
			default:
				throw protocolError(`a ${frame.type} frame where the contents of ${path} are due`);
		}
	};
	return wire.request<Buffer>({ type: 'GET', payload, what, signal, patienceMs: 0 }, take).answered;
}
