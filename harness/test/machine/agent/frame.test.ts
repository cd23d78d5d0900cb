// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import t from 'tap';
import { FencepostError } from '../../../src/core/errors.js';
import {
	encodeFrame,
	FRAME_TYPES,
	type Frame,
	FrameDecoder,
	type FrameName,
	HEADER_BYTES,
	MAX_PAYLOAD_BYTES,
} from '../../../src/machine/agent/frame.js';
import { decodeExit, decodeFacts, encodeJob, guestText } from '../../../src/machine/agent/payload.js';

type Guest = 'from-guest';
const TYPES = FRAME_TYPES['from-guest'];
const NAMES = Object.keys(TYPES) as FrameName<Guest>[];

interface Sent {
	readonly type: FrameName<Guest>;
	readonly id: number;
	readonly flags: number;
	readonly payload: Uint8Array;
}

/** A frame that the protocol allows, of any type. */
const sentFrame: fc.Arbitrary<Sent> = fc.constantFrom(...NAMES).chain((type) =>
	fc.record({
		type: fc.constant(type),
		id: fc.nat(0xffffffff),
		flags: fc.nat(0xffff).map((bits) => bits & TYPES[type].flags),
		payload: fc.uint8Array({ minLength: TYPES[type].minBytes, maxLength: Math.min(TYPES[type].maxBytes, 300) }),
	}),
);

function bytesOf(frames: readonly Sent[]): Buffer {
	return Buffer.concat(
		frames.map(({ type, id, flags, payload }) => encodeFrame('from-guest', type, id, payload, flags)),
	);
}

/** Feeds bytes cut at the given places; what came out, and the error if there was one. */
function decode(bytes: Uint8Array, cuts: readonly number[]): { frames: Frame<Guest>[]; error: unknown } {
	const frames: Frame<Guest>[] = [];
	const decoder = new FrameDecoder('from-guest', (frame) => {
		// A payload may share the chunk's memory, which the caller owns.
		frames.push({ ...frame, payload: Buffer.from(frame.payload) });
	});
	const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
	try {
		for (const [index, place] of places.entries())
			decoder.push(Uint8Array.from(bytes.subarray(place, places[index + 1])));
		return { frames, error: undefined };
	} catch (error) {
		t.throws(() => decoder.push(new Uint8Array(1)), { code: 'AGENT_PROTOCOL' }, 'an error is for good');
		return { frames, error };
	}
}

function plain(frames: readonly (Sent | Frame<Guest>)[]) {
	return frames.map(({ type, id, flags, payload }) => [type, id, flags, Buffer.from(payload).toString('hex')]);
}

t.test('any chunking gives the same frames', async (t) => {
	fc.assert(
		fc.property(fc.array(sentFrame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 40 }), (sent, cuts) => {
			const { frames, error } = decode(bytesOf(sent), cuts);
			return error === undefined && JSON.stringify(plain(frames)) === JSON.stringify(plain(sent));
		}),
	);
	const largest = [{ type: 'STDOUT', id: 1, flags: 0, payload: Buffer.alloc(MAX_PAYLOAD_BYTES, 7) }] as const;
	const bytes = bytesOf(largest);
	const everyByte = Array.from({ length: HEADER_BYTES + 10 }, (_, at) => at);
	t.strictSame(plain(decode(bytes, everyByte).frames), plain(largest), 'the largest frame, byte by byte at first');
});

t.test('any bytes give frames or AGENT_PROTOCOL, and nothing else', async () => {
	const onlyProtocolErrors = (bytes: Uint8Array, cuts: readonly number[]) => {
		const { error } = decode(bytes, cuts);
		return error === undefined || (error instanceof FencepostError && error.code === 'AGENT_PROTOCOL');
	};
	fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 5 }), onlyProtocolErrors));
	// Garbage that begins well reaches further in.
	const damaged = fc.tuple(
		fc.array(sentFrame, { minLength: 1, maxLength: 4 }),
		fc.nat(),
		fc.integer({ min: 1, max: 255 }),
	);
	fc.assert(
		fc.property(damaged, fc.array(fc.nat(), { maxLength: 5 }), ([sent, at, flip], cuts) => {
			const bytes = bytesOf(sent);
			const place = at % bytes.length;
			bytes[place] = (bytes[place] ?? 0) ^ flip;
			const { frames, error } = decode(bytes, cuts);
			// Whatever comes out before the damage was sent; the damaged frame itself never does.
			const whole = plain(sent).slice(0, frames.length);
			const isPrefix = JSON.stringify(plain(frames)) === JSON.stringify(whole) && frames.length < sent.length;
			return isPrefix && (error === undefined || (error instanceof FencepostError && error.code === 'AGENT_PROTOCOL'));
		}),
	);
});

t.test('memory stays bounded whatever comes', async (t) => {
	const header = encodeFrame('from-guest', 'STDOUT', 1, Buffer.alloc(MAX_PAYLOAD_BYTES)).subarray(0, HEADER_BYTES);
	const decoders = Array.from({ length: 20 }, () => new FrameDecoder('from-guest', () => {}));
	const before = process.memoryUsage().arrayBuffers;
	for (const decoder of decoders) {
		decoder.push(header);
		for (let at = 0; at < MAX_PAYLOAD_BYTES - 1; at += 1021)
			decoder.push(Buffer.alloc(Math.min(1021, MAX_PAYLOAD_BYTES - 1 - at)));
	}
	const held = (process.memoryUsage().arrayBuffers - before) / decoders.length;
	t.ok(held < 4 * MAX_PAYLOAD_BYTES, `an unfinished frame holds about its own size (${Math.round(held)} bytes)`);
});

t.test('what is no frame is named', async (t) => {
	const good = encodeFrame('from-guest', 'STDOUT', 3, Buffer.from('hello'));
	const changed = (change: (bytes: Buffer) => void) => {
		const bytes = Buffer.from(good);
		change(bytes);
		return bytes;
	};
	const cases: readonly [string, Uint8Array, RegExp][] = [
		['the first wrong byte is enough', Buffer.from('x'), /bytes that are no frame/],
		['a kernel message', Buffer.from('[    0.1] Linux version'), /bytes that are no frame/],
		[
			'another version',
			changed((b) => b.writeUInt8(2, 4)).subarray(0, 5),
			/protocol version 2, where this harness speaks 1/,
		],
		['unknown type', changed((b) => b.writeUInt8(0x02, 5)), /unknown type 0x02/],
		['a flag of another type', changed((b) => b.writeUInt16LE(1, 6)), /STDOUT frame with flags 0x1/],
		[
			'over-long',
			changed((b) => b.writeUInt32LE(65537, 12)),
			/STDOUT frame of 65537 bytes, where 1 to 65536 are accepted/,
		],
		['checksum', changed((b) => b.write('J', 20)), /checksum does not match/],
		[
			'too short for its type',
			changed((b) => {
				b.writeUInt8(0x84, 5);
				b.writeUInt32LE(43, 12);
			}),
			/EXIT frame of 43 bytes, where 44 are accepted/,
		],
	];
	for (const [name, bytes, message] of cases) {
		const { frames, error } = decode(bytes, []);
		t.equal(frames.length, 0, `${name}: no frame`);
		t.match(
			error,
			{ code: 'AGENT_PROTOCOL', blame: 'infrastructure', message, evidence: /^received: [0-9a-f ]+ {2}\|/ },
			name,
		);
	}
	t.throws(
		() => encodeFrame('to-guest', 'MARK', 1, Buffer.alloc(513)),
		{ code: 'REQUEST_MALFORMED' },
		'we keep to it too',
	);
});

t.test('facts', async (t) => {
	const facts = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\0`).join(''));
	const least = [
		...['release=6.12.1', 'hardware=aarch64', 'cmdline=console=ttyAMA0 a=b', 'page_size=4096', 'cpus=2'],
		...['mem_total_kib=500000', 'cma_total_kib=0', 'hugepages=0'],
	];
	const parsed = decodeFacts(
		facts([...least, 'heap=system', 'heap=acme,frames', 'module.udmabuf=No such device', 'tainted=0']),
	);
	t.match(parsed, { protocolVersion: 1, release: '6.12.1', cmdline: 'console=ttyAMA0 a=b', pageSize: 4096, cpus: 2 });
	t.strictSame(parsed.heaps, ['system', 'acme,frames']);
	t.strictSame(
		[...parsed.more],
		[
			['module.udmabuf', 'No such device'],
			['tainted', '0'],
		],
	);
	const refused: readonly [Buffer, RegExp][] = [
		[facts(least.slice(1)), /without release/],
		[facts([...least, 'release=2']), /release twice/],
		[facts([...least.slice(0, -1), 'hugepages=many']), /hugepages "many"/],
		[facts([...least, 'no equals sign']), /the line "no equals sign"/],
		[facts([...least, '=x']), /the line "=x"/],
		[facts(least).subarray(0, -1), /cut short/],
		[facts([...least, ...Array.from({ length: 1100 }, (_, i) => `f${i}=`)]), /more than 1024 lines/],
	];
	for (const [payload, message] of refused) t.throws(() => decodeFacts(payload), { code: 'AGENT_PROTOCOL', message });
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
			try {
				decodeFacts(Buffer.from(bytes));
			} catch (error) {
				return error instanceof FencepostError && error.code === 'AGENT_PROTOCOL';
			}
			return true;
		}),
	);
});

t.test('a job that cannot be sent, an end that makes no sense, text to show', async (t) => {
	const job = { program: '/p', args: ['a'], env: { A: 'b' }, deadlineMs: 1.5 };
	t.equal(encodeJob(job).toString('latin1'), '\x02\0\0\0\x02\0\0\0\x01\0\0\0/p\0a\0A=b\0');
	for (const [change, message] of [
		[{ program: 'p' }, /path is not absolute/],
		[{ args: ['a\0b'] }, /NUL/],
		[{ deadlineMs: 0 }, /deadline is 0 ms/],
		[{ deadlineMs: Number.NaN }, /deadline is NaN ms/],
		[{ args: ['x'.repeat(70_000)] }, /arguments take 70\d\d\d bytes/],
	] as const) {
		t.throws(() => encodeJob({ ...job, ...change }), { code: 'JOB_MALFORMED', message });
	}
	const exit = Buffer.alloc(44);
	exit.writeUInt32LE(1, 0);
	exit.writeUInt32LE(9, 4);
	const frame = { type: 'EXIT', id: 1, flags: 0, payload: exit } as const;
	t.throws(() => decodeExit(frame), { code: 'AGENT_PROTOCOL', message: /status 1 and signal 9/ });
	t.equal(guestText(Buffer.from('a\x1b[31m\r\nb\0')), 'a [31m b', 'no control characters');
	t.equal(guestText(Buffer.alloc(5000, 'x')).length, 1000, 'cut');
});
