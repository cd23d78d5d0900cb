/* SPDX-License-Identifier: MIT */
/* The agent's end of the wire: frames in and out over one descriptor that never blocks. */
#ifndef FENCEPOST_PORT_H
#define FENCEPOST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

/* A frame that carries data is no longer than what the kernel's port takes in one write (32 KiB).
 */
#define DATA_BYTES (32 * 1024 - HEADER_BYTES)
/* Room that is kept for answers, so that data never keeps one from being said. */
#define ANSWER_BYTES (20 * 1024)

/* The descriptor, for poll(); -1 before port_open(). */
int port_fd(void);

/*
 * Opens the virtio-serial port called `name`, waiting for it up to `patience_ms`. Returns 0, or -1
 * with errno set.
 */
int port_open(const char *name, int patience_ms);

/* Takes a descriptor that is open already. */
int port_adopt(int fd);

/* Whether there is room for an answer, or for a frame of data beside one. */
bool port_has_answer_room(void);
bool port_has_data_room(void);

/* Where the payload of the next frame goes; port_commit() makes it one. At most DATA_BYTES with
 * data room. */
uint8_t *port_payload(void);
void port_commit(uint8_t type, uint16_t flags, uint32_t id, size_t length);

void port_ok(uint32_t id);
void port_error(uint32_t id, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes what it can. Whether anything is left. */
bool port_flush(void);
/* Flushes for up to `patience_ms`. */
void port_drain(int patience_ms);

/* Whether frames have come that wait for room for their answers: no poll() will tell of them. */
bool port_is_stalled(void);

/*
 * Reads what it can, and hands whole frames to `take` while there is room for answers. Returns 0;
 * -1 with *why set when what came is no frame; -2 when the other end is gone.
 */
int port_receive(void (*take)(const struct frame *frame), const char **why);

/* The harness went away: what was underway belongs to nobody. Nothing happens when none was ever
 * there. */
void port_forget(void);

#endif
