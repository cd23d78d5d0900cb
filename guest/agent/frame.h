/* SPDX-License-Identifier: MIT */
/*
 * Frames of the agent's protocol, version 1: docs/protocol.md has the tables. Everything is
 * little-endian, and so are the machines this runs on.
 */
#ifndef FENCEPOST_FRAME_H
#define FENCEPOST_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION  1
#define HEADER_BYTES	  20
#define MAX_PAYLOAD_BYTES 65536

/* From the harness. */
enum {
	FRAME_ASK_HELLO = 0x01,
	FRAME_RUN,
	FRAME_KILL,
	FRAME_PUT_BEGIN,
	FRAME_PUT_DATA,
	FRAME_PUT_END,
	FRAME_GET,
	FRAME_MARK,
	FRAME_SETTIME,
	FRAME_ENTROPY,
	FRAME_QUIT,
	FRAME_ASK_ACCOUNTS,
};

/* To the harness. */
enum {
	FRAME_HELLO = 0x81,
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_EXIT,
	FRAME_HEARTBEAT,
	FRAME_GET_DATA,
	FRAME_GET_END,
	FRAME_OK,
	FRAME_ERROR,
	FRAME_ACCOUNTS,
};

/* Flags of FRAME_EXIT. */
#define EXIT_TIMED_OUT 1
#define EXIT_KILLED    2
#define EXIT_STUCK     4

struct frame {
	uint8_t type;
	uint32_t id;
	const uint8_t *payload;
	size_t length;
};

/* Fills the header that stands before `length` bytes of payload at header + HEADER_BYTES. */
void frame_seal(uint8_t *header, uint8_t type, uint16_t flags, uint32_t id, size_t length);

/*
 * Looks for a frame of the harness at the start of `bytes`. Returns its size in bytes, 0 when more
 * bytes are needed, -1 with *why set when this can never become one.
 */
long frame_parse(const uint8_t *bytes, size_t available, struct frame *frame, const char **why);

uint32_t read_u32(const uint8_t *bytes);
uint64_t read_u64(const uint8_t *bytes);
void write_u32(uint8_t *bytes, uint32_t value);
void write_u64(uint8_t *bytes, uint64_t value);

#endif
