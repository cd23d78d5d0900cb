// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <string.h>

#include "frame.h"

static const uint8_t magic[4] = {'F', 'P', 'A', 'G'};

/* What the harness may say: the bounds of each type's payload, by type. */
static const struct {
	uint32_t least, most;
} types[] = {
	[FRAME_ASK_HELLO] = {0, 0},
	[FRAME_RUN] = {12, MAX_PAYLOAD_BYTES},
	[FRAME_KILL] = {0, 0},
	[FRAME_PUT_BEGIN] = {1, 4096},
	[FRAME_PUT_DATA] = {1, MAX_PAYLOAD_BYTES},
	[FRAME_PUT_END] = {0, 0},
	[FRAME_GET] = {9, 4096 + 8},
	[FRAME_MARK] = {1, 512},
	[FRAME_SETTIME] = {8, 8},
	[FRAME_ENTROPY] = {1, 512},
	[FRAME_QUIT] = {0, 0},
	[FRAME_ASK_ACCOUNTS] = {0, 0},
};

uint32_t read_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

uint64_t read_u64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

void write_u32(uint8_t *bytes, uint32_t value)
{
	memcpy(bytes, &value, sizeof(value));
}

void write_u64(uint8_t *bytes, uint64_t value)
{
	memcpy(bytes, &value, sizeof(value));
}

/* CRC-32 with the reversed polynomial 0xedb88320, eight bytes at a step: the guest is an emulated
 * machine. */
static uint32_t crc_table[8][256];

static void crc_prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
		crc_table[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			crc_table[t][i] = (crc_table[t - 1][i] >> 8) ^
					  crc_table[0][crc_table[t - 1][i] & 0xff];
}

static uint32_t crc_update(uint32_t crc, const uint8_t *bytes, size_t length)
{
	for (; length >= 8; bytes += 8, length -= 8) {
		uint32_t low = read_u32(bytes) ^ crc;
		uint32_t high = read_u32(bytes + 4);

		crc = crc_table[7][low & 0xff] ^ crc_table[6][(low >> 8) & 0xff] ^
		      crc_table[5][(low >> 16) & 0xff] ^ crc_table[4][low >> 24] ^
		      crc_table[3][high & 0xff] ^ crc_table[2][(high >> 8) & 0xff] ^
		      crc_table[1][(high >> 16) & 0xff] ^ crc_table[0][high >> 24];
	}
	for (; length; bytes++, length--)
		crc = (crc >> 8) ^ crc_table[0][(crc ^ *bytes) & 0xff];
	return crc;
}

/* The checksum of a frame: its header up to the checksum itself, and its payload. */
static uint32_t crc_of(const uint8_t *header, size_t length)
{
	uint32_t crc;

	if (!crc_table[0][1])
		crc_prepare();
	crc = crc_update(0xffffffffu, header, 16);
	return ~crc_update(crc, header + HEADER_BYTES, length);
}

void frame_seal(uint8_t *header, uint8_t type, uint16_t flags, uint32_t id, size_t length)
{
	memcpy(header, magic, sizeof(magic));
	header[4] = PROTOCOL_VERSION;
	header[5] = type;
	header[6] = (uint8_t)flags;
	header[7] = (uint8_t)(flags >> 8);
	write_u32(header + 8, id);
	write_u32(header + 12, (uint32_t)length);
	write_u32(header + 16, crc_of(header, length));
}

long frame_parse(const uint8_t *bytes, size_t available, struct frame *frame, const char **why)
{
	size_t known = available < sizeof(magic) ? available : sizeof(magic);
	uint32_t length;
	uint8_t type;

	*why = "bytes that are no frame";
	if (memcmp(bytes, magic, known))
		return -1;
	*why = "another protocol version";
	if (available > 4 && bytes[4] != PROTOCOL_VERSION)
		return -1;
	if (available < HEADER_BYTES)
		return 0;
	type = bytes[5];
	length = read_u32(bytes + 12);
	*why = "a frame of unknown type";
	if (type < FRAME_ASK_HELLO || type > FRAME_ASK_ACCOUNTS)
		return -1;
	*why = "a frame with flags";
	if (bytes[6] || bytes[7])
		return -1;
	*why = "a frame whose length does not fit its type";
	if (length < types[type].least || length > types[type].most)
		return -1;
	if (available < HEADER_BYTES + (size_t)length)
		return 0;
	*why = "a frame whose checksum does not match";
	if (crc_of(bytes, length) != read_u32(bytes + 16))
		return -1;
	frame->type = type;
	frame->id = read_u32(bytes + 8);
	frame->payload = bytes + HEADER_BYTES;
	frame->length = length;
	return HEADER_BYTES + (long)length;
}
