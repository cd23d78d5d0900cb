// SPDX-License-Identifier: MIT
/*
 * Stands in for the agent as PID 1 and speaks its language, but for one fault, which the word
 * "impostor=" of the kernel's command line names (init gets it as an environment variable). Linked
 * with the agent's own sources, so that everything but the fault is right.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "facts.h"
#include "log.h"
#include "mount.h"
#include "port.h"
#include "text.h"

static const char *fault = "none";
/* The job that never ends, with the fault "never-ends". */
static uint32_t endless;

static bool is(const char *name)
{
	return !strcmp(fault, name);
}

/* Bytes that are no frame, straight to the port. */
static void say_raw(const void *bytes, size_t length)
{
	port_drain(1000);
	if (write(port_fd(), bytes, length) < 0)
		log_line("impostor: cannot write");
}

/* A frame's header that claims what it should not. */
static void say_header(uint8_t type, uint8_t version, uint32_t length)
{
	uint8_t header[HEADER_BYTES + 8] = {0};

	frame_seal(header, type, 0, 0, 0);
	header[4] = version;
	write_u32(header + 12, length);
	say_raw(header, sizeof(header));
}

/* The faults that may show at any time. Returns whether this was one of them. */
static bool misbehave(const char *when)
{
	if (strncmp(fault, when, strlen(when)))
		return false;
	if (strstr(fault, "garbage"))
		say_raw("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	else if (strstr(fault, "version"))
		say_header(FRAME_HELLO, PROTOCOL_VERSION + 1, 8);
	else if (strstr(fault, "too-long"))
		say_header(FRAME_HELLO, PROTOCOL_VERSION, 1024 * 1024);
	else if (strstr(fault, "panics"))
		write_text("/proc/sysrq-trigger", "c");
	else if (strstr(fault, "dies"))
		_exit(0);
	else if (strstr(fault, "closes"))
		close(port_fd());
	else if (strstr(fault, "floods"))
		for (;;) {
			port_payload();
			port_commit(FRAME_HEARTBEAT, 0, endless, 8);
			port_drain(1000);
		}
	return true;
}

static void say_hello(void)
{
	char *facts = (char *)port_payload();

	if (is("boot-facts")) {
		memcpy(facts, "release=\0hello", 15);
		port_commit(FRAME_HELLO, 0, 0, 15);
		return;
	}
	port_commit(FRAME_HELLO, 0, 0, facts_gather(facts, "", 0));
}

/* A job that says that all is well, whatever was to be run. */
static void pretend(uint32_t id)
{
	static const char results[] = "1..1\nok 1 one\n";

	memcpy(port_payload(), results, sizeof(results) - 1);
	port_commit(FRAME_STDOUT, 0, id, sizeof(results) - 1);
	endless = id;
	if (misbehave("job-"))
		return;
	memset(port_payload(), 0, 44);
	port_commit(FRAME_EXIT, 0, is("wrong-id") ? id + 1000 : id, 44);
}

static void take(const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_ASK_HELLO:
		say_hello();
		break;
	case FRAME_RUN:
		pretend(frame->id);
		break;
	case FRAME_KILL:
	case FRAME_PUT_DATA:
	case FRAME_PUT_BEGIN:
		break;
	case FRAME_MARK:
		if (is("deaf-to-marks"))
			break;
		log_text((const char *)frame->payload, frame->length);
		port_ok(frame->id);
		break;
	case FRAME_PUT_END:
		if (is("deaf-to-files"))
			break;
		/* fall through */
	default:
		port_ok(frame->id);
	}
}

int main(void)
{
	const char *why;

	if (getenv("impostor"))
		fault = getenv("impostor");
	mount_all();
	log_open();
	if (is("boot-closes") || port_open("org.fencepost.agent", 20000))
		for (;;)
			pause();
	if (!misbehave("boot-") || is("boot-facts"))
		say_hello();
	for (;;) {
		struct pollfd port = {.fd = port_fd(), .events = POLLIN};

		port_flush();
		poll(&port, 1, 100);
		if (is("job-beats") && endless) {
			write_u64(port_payload(), clock_ms());
			port_commit(FRAME_HEARTBEAT, 0, endless, 8);
		}
		/* Nobody there, or nothing that makes sense: this end does not mind. */
		if (port_receive(take, &why) < 0)
			usleep(100000);
	}
}
