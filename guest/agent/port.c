// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "port.h"
#include "text.h"

#define PORTS "/sys/class/virtio-ports"

static int descriptor = -1;
static bool was_used;

static uint8_t in[HEADER_BYTES + MAX_PAYLOAD_BYTES];
static size_t in_fill;
static bool stalled;

static uint8_t out[128 * 1024];
static size_t out_head, out_tail;

int port_fd(void)
{
	return descriptor;
}

static bool has_name(const char *port, const char *name)
{
	char path[320], text[64];

	snprintf(path, sizeof(path), PORTS "/%s/name", port);
	return read_text(path, text, sizeof(text)) > 0 && !strcmp(text, name);
}

/* Finds the port's device node by its name. Returns false when it is not there (yet). */
static bool find(const char *name, char *node, size_t node_size)
{
	/* Where it is in every machine of ours: an emulated machine takes 10 ms for its first
	 * directory. */
	const char *port = "vport0p1";
	bool found = has_name(port, name);
	DIR *ports = found ? NULL : opendir(PORTS);
	struct dirent *entry;

	while (ports && !found && (entry = readdir(ports))) {
		port = entry->d_name;
		found = port[0] != '.' && has_name(port, name);
	}
	if (found)
		snprintf(node, node_size, "/dev/%s", port);
	if (ports)
		closedir(ports);
	return found;
}

int port_open(const char *name, int patience_ms)
{
	uint64_t give_up = clock_ms() + (uint64_t)patience_ms;
	char node[320];

	/* The kernel learns of ports through a queue of their device: it may be behind. */
	while (!find(name, node, sizeof(node))) {
		if (clock_ms() > give_up) {
			errno = ENODEV;
			return -1;
		}
		usleep(1000);
	}
	descriptor = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return descriptor < 0 ? -1 : 0;
}

int port_adopt(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	descriptor = fd;
	return 0;
}

/* Bytes free at the tail, once what waits has been moved to the front. */
static size_t room(void)
{
	if (out_head == out_tail)
		out_head = out_tail = 0;
	if (out_head) {
		memmove(out, out + out_head, out_tail - out_head);
		out_tail -= out_head;
		out_head = 0;
	}
	return sizeof(out) - out_tail;
}

bool port_has_answer_room(void)
{
	return room() >= ANSWER_BYTES;
}

bool port_has_data_room(void)
{
	return room() >= ANSWER_BYTES + HEADER_BYTES + DATA_BYTES;
}

uint8_t *port_payload(void)
{
	room();
	return out + out_tail + HEADER_BYTES;
}

void port_commit(uint8_t type, uint16_t flags, uint32_t id, size_t length)
{
	frame_seal(out + out_tail, type, flags, id, length);
	out_tail += HEADER_BYTES + length;
}

void port_ok(uint32_t id)
{
	port_payload();
	port_commit(FRAME_OK, 0, id, 0);
}

void port_error(uint32_t id, const char *format, ...)
{
	char *text = (char *)port_payload();
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, 4096, format, arguments);
	va_end(arguments);
	if (length < 1)
		length = snprintf(text, 4096, "error");
	port_commit(FRAME_ERROR, 0, id, length < 4096 ? (size_t)length : 4095);
}

bool port_flush(void)
{
	while (out_head < out_tail) {
		ssize_t written = write(descriptor, out + out_head, out_tail - out_head);

		if (written <= 0)
			return true;
		was_used = true;
		out_head += (size_t)written;
	}
	return false;
}

void port_drain(int patience_ms)
{
	uint64_t give_up = clock_ms() + (uint64_t)patience_ms;

	while (port_flush() && clock_ms() < give_up)
		usleep(1000);
}

/* Hands over the whole frames that are in, while their answers have room. Returns 0, or -1 with
 * *why set. */
static int take_frames(void (*take)(const struct frame *frame), const char **why)
{
	size_t used = 0;

	while (used < in_fill && port_has_answer_room()) {
		struct frame frame;
		long size = frame_parse(in + used, in_fill - used, &frame, why);

		if (size < 0)
			return -1;
		if (size == 0)
			break;
		take(&frame);
		used += (size_t)size;
	}
	memmove(in, in + used, in_fill - used);
	in_fill -= used;
	return 0;
}

bool port_is_stalled(void)
{
	return stalled;
}

int port_receive(void (*take)(const struct frame *frame), const char **why)
{
	for (;;) {
		ssize_t got;

		if (take_frames(take, why) < 0)
			return -1;
		stalled = !port_has_answer_room();
		if (stalled)
			return 0;
		got = read(descriptor, in + in_fill, sizeof(in) - in_fill);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		/* A port without a host reads as the end of a file, a closed socket too. */
		if (got <= 0)
			return -2;
		was_used = true;
		in_fill += (size_t)got;
	}
}

void port_forget(void)
{
	if (!was_used)
		return;
	in_fill = 0;
	stalled = false;
	out_head = out_tail = 0;
	was_used = false;
}
