// SPDX-License-Identifier: MIT
/*
 * Stands in for the agent as PID 1 and speaks its language, but for one fault. Faults at boot are
 * named by the word "impostor=" of the kernel's command line (init gets it as an environment
 * variable), later ones by the first argument of the job. Linked with the agent's own sources, so
 * that everything but the fault is right.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "clock.h"
#include "facts.h"
#include "log.h"
#include "mount.h"
#include "port.h"
#include "text.h"

static char fault[64] = "none";
/* The job that is said to run, for faults that never end it. */
static uint32_t job;

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

/* A frame's header that claims what it should not, and not much behind it. */
static void say_header(uint8_t type, uint8_t version, uint32_t length)
{
	uint8_t header[HEADER_BYTES + 8] = {0};

	frame_seal(header, type, 0, job, 0);
	header[4] = version;
	write_u32(header + 12, length);
	say_raw(header, sizeof(header));
}

static void say_exit(uint32_t id)
{
	memset(port_payload(), 0, 44);
	port_commit(FRAME_EXIT, 0, id, 44);
}

static void garbage(void)
{
	say_raw("HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

static void version(void)
{
	say_header(FRAME_HELLO, PROTOCOL_VERSION + 1, 8);
}

static void too_long(void)
{
	say_header(FRAME_HELLO, PROTOCOL_VERSION, 1024 * 1024);
}

/* A frame that never comes to its end. */
static void half(void)
{
	say_header(FRAME_STDOUT, PROTOCOL_VERSION, 60000);
}

static void bad_facts(void)
{
	memcpy(port_payload(), "release=\0hello", 15);
	port_commit(FRAME_HELLO, 0, 0, 15);
}

static void panics(void)
{
	write_text("/proc/sysrq-trigger", "c");
}

static void dies(void)
{
	_exit(0);
}

static void closes(void)
{
	close(port_fd());
}

static void floods(void)
{
	for (;;) {
		write_u64(port_payload(), clock_ms());
		port_commit(FRAME_HEARTBEAT, 0, job, 8);
		port_drain(1000);
	}
}

static void wrong_id(void)
{
	say_exit(job + 1000);
}

static void ends_twice(void)
{
	say_exit(job);
	say_exit(job);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*act)(void);
} faults[] = {
	{"garbage", garbage},
	{"version", version},
	{"too-long", too_long},
	{"half", half},
	{"bad-facts", bad_facts},
	{"panics", panics},
	{"dies", dies},
	{"closes", closes},
	{"floods", floods},
	{"wrong-id", wrong_id},
	{"ends-twice", ends_twice},
	/* Neither this job nor the next one ends; the loop in main() speaks. */
	{"beats", nothing},
};

/* Returns whether the fault is one that shows now. */
static bool misbehave(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (!is(faults[i].name))
			continue;
		faults[i].act();
		return true;
	}
	return false;
}

/* The second of a RUN's strings (docs/protocol.md): what kind of impostor it is to be. */
static void choose_fault(const struct frame *run)
{
	const char *text = (const char *)run->payload + 12;
	size_t left = run->length - 12;
	size_t skip = strnlen(text, left) + 1;

	if (skip < left)
		strncpy(fault, text + skip, sizeof(fault) - 1);
}

/* A job that says that all is well, whatever was to be run. */
static void pretend(const struct frame *run)
{
	static const char results[] = "1..1\nok 1 one\n";

	job = run->id;
	choose_fault(run);
	memcpy(port_payload(), results, sizeof(results) - 1);
	port_commit(FRAME_STDOUT, 0, job, sizeof(results) - 1);
	if (!misbehave())
		say_exit(job);
}

static void take(const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_RUN:
		pretend(frame);
		break;
	case FRAME_KILL:
	case FRAME_PUT_DATA:
	case FRAME_PUT_BEGIN:
		break;
	case FRAME_MARK:
		if (is("deaf-to-marks"))
			break;
		/* Says that it is written, and does not write it. */
		if (!is("lies-about-marks"))
			log_text((const char *)frame->payload, frame->length);
		port_ok(frame->id);
		break;
	case FRAME_ASK_ACCOUNTS:
		if (is("deaf-to-accounts"))
			break;
		port_commit(FRAME_ACCOUNTS, 0, frame->id, accounts_gather((char *)port_payload()));
		break;
	case FRAME_PUT_END:
		if (!is("deaf-to-files"))
			port_ok(frame->id);
		break;
	case FRAME_SETTIME:
		if (!is("deaf-to-clocks"))
			port_ok(frame->id);
		break;
	default:
		port_ok(frame->id);
	}
}

int main(void)
{
	const char *chosen = getenv("impostor");
	const char *why;

	if (chosen)
		strncpy(fault, chosen, sizeof(fault) - 1);
	mount_all();
	log_open();
	if (port_open("org.fencepost.agent", 20000))
		for (;;)
			pause();
	if (!misbehave())
		port_commit(FRAME_HELLO, 0, 0, facts_gather((char *)port_payload(), "", 0));
	for (;;) {
		struct pollfd port = {.fd = port_fd(), .events = POLLIN};

		port_flush();
		poll(&port, 1, 100);
		if (is("beats") && job) {
			write_u64(port_payload(), clock_ms());
			port_commit(FRAME_HEARTBEAT, 0, job, 8);
		}
		/* Nobody there, or nothing that makes sense: this end does not mind. */
		if (port_receive(take, &why) < 0)
			usleep(100000);
	}
}
