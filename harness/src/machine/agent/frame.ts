// SPDX-License-Identifier: MIT
import { crc32 } from 'node:zlib';
import { type FencepostError, infrastructureError } from '../../core/errors.js';

/** The version both ends must speak: docs/protocol.md. Raised by any change that an older end would misread. */
export const PROTOCOL_VERSION = 1;

/** Bytes of a frame's header; its layout is in docs/protocol.md. */
export const HEADER_BYTES = 20;

/** The longest payload a frame may have, in bytes. */
export const MAX_PAYLOAD_BYTES = 64 * 1024;

/** "FPAG", as it stands on the wire. */
const MAGIC = Buffer.from('FPAG', 'latin1');

interface FrameType {
	readonly code: number;
	/** Payload bounds in bytes. */
	readonly minBytes: number;
	readonly maxBytes: number;
	/** The flag bits it may carry. */
	readonly flags: number;
}

const type = (code: number, minBytes = 0, maxBytes = minBytes, flags = 0): FrameType => ({
	code,
	minBytes,
	maxBytes,
	flags,
});

/** Bits of an EXIT frame's flags. */
export const EXIT_FLAGS = { timedOut: 1, killed: 2, stuck: 4 } as const;

/** What each end may say. A type that is not listed for its direction is a protocol error. */
export const FRAME_TYPES = {
	'to-guest': {
		HELLO: type(0x01),
		RUN: type(0x02, 12, MAX_PAYLOAD_BYTES),
		KILL: type(0x03),
		PUT_BEGIN: type(0x04, 1, 4096),
		PUT_DATA: type(0x05, 1, MAX_PAYLOAD_BYTES),
		PUT_END: type(0x06),
		GET: type(0x07, 9, 4096 + 8),
		MARK: type(0x08, 1, 512),
		SETTIME: type(0x09, 8),
		ENTROPY: type(0x0a, 1, 512),
		QUIT: type(0x0b),
		ACCOUNTS: type(0x0c),
	},
	'from-guest': {
		HELLO: type(0x81, 1, MAX_PAYLOAD_BYTES),
		STDOUT: type(0x82, 1, MAX_PAYLOAD_BYTES),
		STDERR: type(0x83, 1, MAX_PAYLOAD_BYTES),
		EXIT: type(0x84, 44, 44, EXIT_FLAGS.timedOut | EXIT_FLAGS.killed | EXIT_FLAGS.stuck),
		HEARTBEAT: type(0x85, 8),
		GET_DATA: type(0x86, 1, MAX_PAYLOAD_BYTES),
		GET_END: type(0x87, 8),
		OK: type(0x88),
		ERROR: type(0x89, 1, 4096),
		ACCOUNTS: type(0x8a, 1, 8 * 1024),
	},
} as const satisfies Record<string, Record<string, FrameType>>;

export type Direction = keyof typeof FRAME_TYPES;
export type FrameName<D extends Direction> = Extract<keyof (typeof FRAME_TYPES)[D], string>;

export interface Frame<D extends Direction> {
	readonly type: FrameName<D>;
	/** The request it belongs to, chosen by the host; 0 for what belongs to none. */
	readonly id: number;
	readonly flags: number;
	readonly payload: Buffer;
}

/** One frame as bytes. @throws FencepostError REQUEST_MALFORMED on a payload that is too long or short for its type. */
export function encodeFrame<D extends Direction>(
	direction: D,
	name: FrameName<D>,
	id: number,
	payload: Uint8Array = Buffer.alloc(0),
	flags = 0,
): Buffer {
	const types: Readonly<Record<string, FrameType>> = FRAME_TYPES[direction];
	const record = types[name];
	if (!record || payload.length < record.minBytes || payload.length > record.maxBytes) {
		throw infrastructureError('REQUEST_MALFORMED', `a ${name} frame cannot carry ${payload.length} bytes`, {
			hint: record && `${record.minBytes} to ${record.maxBytes} bytes are accepted`,
		});
	}
	const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
	MAGIC.copy(frame, 0);
	frame.writeUInt8(PROTOCOL_VERSION, 4);
	frame.writeUInt8(record.code, 5);
	frame.writeUInt16LE(flags, 6);
	frame.writeUInt32LE(id, 8);
	frame.writeUInt32LE(payload.length, 12);
	frame.writeUInt32LE(crc32(payload, crc32(frame.subarray(0, 16))), 16);
	frame.set(payload, HEADER_BYTES);
	return frame;
}

interface Header {
	readonly name: string;
	readonly id: number;
	readonly flags: number;
	readonly lengthBytes: number;
}

/**
 * Turns a stream of bytes, cut anywhere, into frames. It holds at most one unfinished frame (a header and
 * 64 KiB) whatever it is fed. After the first error it refuses everything: there is no way back into step.
 */
export class FrameDecoder<D extends Direction> {
	private readonly byCode: ReadonlyMap<number, readonly [FrameName<D>, FrameType]>;
	private readonly headerBytes = Buffer.alloc(HEADER_BYTES);
	private headerFill = 0;
	private header: Header | undefined;
	private payload: Buffer | undefined;
	private payloadFill = 0;
	private failure: FencepostError | undefined;

	/**
	 * @param direction whose words are read: 'from-guest' in the harness.
	 * @param onFrame called with each frame as it is whole; its payload may share the chunk's memory.
	 */
	constructor(
		direction: D,
		private readonly onFrame: (frame: Frame<D>) => void,
	) {
		const types: Readonly<Record<string, FrameType>> = FRAME_TYPES[direction];
		this.byCode = new Map(
			Object.entries(types).map(([name, record]) => [record.code, [name as FrameName<D>, record]] as const),
		);
	}

	/**
	 * Takes the next bytes of the stream. @throws FencepostError AGENT_PROTOCOL at the first byte that cannot belong
	 * to a frame of this protocol; every whole frame before it has been handed over.
	 */
	push(chunk: Uint8Array): void {
		if (this.failure) throw this.failure;
		const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
		let offset = 0;
		while (offset < bytes.length) {
			const rest = bytes.subarray(offset);
			offset += this.header ? this.takePayload(rest, this.header) : this.takeHeader(rest);
		}
	}

	private takeHeader(bytes: Buffer): number {
		const take = Math.min(bytes.length, HEADER_BYTES - this.headerFill);
		bytes.copy(this.headerBytes, this.headerFill, 0, take);
		this.headerFill += take;
		// Garbage is refused at its first wrong byte, not when twenty have come.
		const known = Math.min(this.headerFill, MAGIC.length);
		if (!this.headerBytes.subarray(0, known).equals(MAGIC.subarray(0, known))) {
			throw this.refuse('bytes that are no frame', bytes);
		}
		if (this.headerFill > 4 && this.headerBytes.readUInt8(4) !== PROTOCOL_VERSION) {
			const version = this.headerBytes.readUInt8(4);
			throw this.refuse(`protocol version ${version}, where this harness speaks ${PROTOCOL_VERSION}`, bytes);
		}
		if (this.headerFill === HEADER_BYTES) {
			this.header = this.parseHeader(bytes);
			if (this.header.lengthBytes === 0) this.takePayload(bytes.subarray(0, 0), this.header);
		}
		return take;
	}

	private parseHeader(bytes: Buffer): Header {
		const code = this.headerBytes.readUInt8(5);
		const flags = this.headerBytes.readUInt16LE(6);
		const id = this.headerBytes.readUInt32LE(8);
		const lengthBytes = this.headerBytes.readUInt32LE(12);
		const known = this.byCode.get(code);
		if (!known) throw this.refuse(`a frame of unknown type 0x${code.toString(16).padStart(2, '0')}`, bytes);
		const [name, record] = known;
		if ((flags & ~record.flags) !== 0) throw this.refuse(`a ${name} frame with flags 0x${flags.toString(16)}`, bytes);
		if (lengthBytes < record.minBytes || lengthBytes > record.maxBytes) {
			const accepted =
				record.minBytes === record.maxBytes ? `${record.minBytes}` : `${record.minBytes} to ${record.maxBytes}`;
			throw this.refuse(`a ${name} frame of ${lengthBytes} bytes, where ${accepted} are accepted`, bytes);
		}
		return { name, id, flags, lengthBytes };
	}

	/** Takes payload bytes, and hands the frame over when it is whole. Returns how many it took. */
	private takePayload(bytes: Buffer, header: Header): number {
		let take = header.lengthBytes;
		let payload = bytes.subarray(0, take);
		if (this.payload || bytes.length < header.lengthBytes) {
			this.payload ??= Buffer.allocUnsafeSlow(header.lengthBytes);
			take = Math.min(bytes.length, header.lengthBytes - this.payloadFill);
			bytes.copy(this.payload, this.payloadFill, 0, take);
			this.payloadFill += take;
			if (this.payloadFill < header.lengthBytes) return take;
			payload = this.payload;
		}
		if (crc32(payload, crc32(this.headerBytes.subarray(0, 16))) !== this.headerBytes.readUInt32LE(16)) {
			throw this.refuse(`a ${header.name} frame whose checksum does not match`, payload);
		}
		this.header = undefined;
		this.headerFill = 0;
		this.payload = undefined;
		this.payloadFill = 0;
		this.onFrame({ type: header.name as FrameName<D>, id: header.id, flags: header.flags, payload });
		return take;
	}

	private refuse(what: string, near: Buffer): FencepostError {
		this.failure = protocolError(what, Buffer.concat([this.headerBytes.subarray(0, this.headerFill), near]));
		return this.failure;
	}
}

/** The guest's agent said something that the protocol does not allow. @param received the bytes, for evidence. */
export function protocolError(what: string, received?: Uint8Array): FencepostError {
	return infrastructureError('AGENT_PROTOCOL', `the guest's agent sent ${what}`, {
		hint:
			"the guest wrote something else to the agent's port, its memory is damaged, or its initramfs was made by " +
			'another version of Fencepost; its console may say more',
		evidence: received && received.length > 0 ? `received: ${hexDump(received)}` : undefined,
	});
}

/** The first bytes as hex and as text, on one line. */
function hexDump(bytes: Uint8Array): string {
	const shown = Buffer.from(bytes.subarray(0, 48));
	const text = shown.toString('latin1').replace(/[^ -~]/g, '.');
	return `${shown.toString('hex').replace(/(..)(?=.)/g, '$1 ')}  |${text}|${bytes.length > 48 ? ' …' : ''}`;
}
