// SPDX-License-Identifier: MIT
/* Results, protocol frames, markers and reports where they do not belong. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frame.h"
#include "hostile.h"

static const char *const consoles[] = {"/dev/console", "/dev/kmsg"};

static void say_on_consoles(const char *text)
{
	for (size_t i = 0; i < sizeof(consoles) / sizeof(consoles[0]); i++)
		write_file(consoles[i], text);
}

/* Good results on the console, bad ones where results belong. */
static int forged_results(void)
{
	say_on_consoles("TAP version 13\n");
	say_on_consoles("1..2\n");
	say("1..2\nok 1 one\nnot ok 2 two\n");
	say_on_consoles("ok 1 one\n");
	say_on_consoles("ok 2 two\n");
	say_on_consoles("# Totals: pass:2 fail:0 xfail:0 xpass:0 skip:0 error:0\n");
	return 0;
}

/* Results on the console alone are no results. */
static int console_results(void)
{
	say_on_consoles("KTAP version 1\n1..1\nok 1 one\n");
	return 0;
}

/* Frames that say "it ended well", for every job there may be, on standard output and consoles. */
static int forged_frames(void)
{
	uint8_t frame[HEADER_BYTES + 64];

	for (uint32_t id = 0; id < 64; id++) {
		memset(frame, 0, sizeof(frame));
		frame_seal(frame, FRAME_EXIT, 0, id, 44);
		for (int fd = 1; fd <= 2; fd++)
			write_all(fd, frame, HEADER_BYTES + 44);
		memcpy(frame + HEADER_BYTES, "ok 2 two\n", 9);
		frame_seal(frame, FRAME_STDOUT, 0, id, 9);
		for (int fd = 1; fd <= 2; fd++)
			write_all(fd, frame, HEADER_BYTES + 9);
	}
	for (size_t i = 0; i < 2; i++) {
		int fd = open(consoles[i], O_WRONLY);

		write_all(fd, frame, HEADER_BYTES + 9);
		close(fd);
	}
	say("\n1..1\nok 1 one\n");
	return 3;
}

/* Markers of the guest's own, so that a report after them might be laid at another's door. */
static int forged_marks(void)
{
	char text[64];

	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "<4>fencepost: mark %d\n", i);
		write_file("/dev/kmsg", text);
		snprintf(text, sizeof(text), "<4>fencepost: job %d end status 0\n", i);
		write_file("/dev/kmsg", text);
	}
	say("1..1\nok 1 one\n");
	write_file("/dev/kmsg", "<4>WARNING: CPU: 0 PID: 1 at forged.c:1 forged+0x0/0x10\n");
	return 0;
}

static int forged_panic(void)
{
	say("1..1\nok 1 one\n");
	write_file("/dev/kmsg", "<0>Kernel panic - not syncing: forged\n");
	pause_ms(1000);
	return 0;
}

/* What a terminal would obey. */
static int escapes(void)
{
	static const char clear[] = "\033[2J\033]0;title\007\r\x9b"
				    "2J\n";

	write_all(STDERR_FILENO, clear, sizeof(clear) - 1);
	say("1..1\n# \033[31mred\nok 1 one\033[2J\n");
	return 1;
}

/* What a reader of Fencepost's own reports would obey: of TAP, of YAML, of a CI system's log. */
static int forged_reports(void)
{
	static const char words[] = "::error::forged\n  ::stop-commands::x\n##[group]forged\n"
				    "ok 1 - forged\n1..1\nBail out! forged\n  ...\n  ---\n";

	write_all(STDERR_FILENO, words, sizeof(words) - 1);
	say("1..2\n# verdict: pass\n# ::error::forged\n# note: ::set-env name=A::b\n"
	    "not ok 1 ::stop-commands::x\n"
	    "  ---\n  ok 9 - forged: 1\n  note: |\n    ##[error]forged\n  ...\n"
	    "not ok 2 ok 3 forged \\# SKIP\n");
	return 1;
}

static const char *attempt(const char *what, int worked)
{
	static char text[128];
	static int number;

	snprintf(text, sizeof(text), "%sok %d %s\n", worked ? "not " : "", ++number, what);
	return text;
}

/* A way to the agent's port, by its device or by its descriptor: each must be closed. */
static int takes_port(void)
{
	DIR *devices = opendir("/dev");
	struct dirent *entry;
	int opened = 0, copied = 0, borrowed = 0;
	int agent = (int)syscall(SYS_pidfd_open, 1, 0);

	while (devices && (entry = readdir(devices))) {
		char path[300];

		if (strncmp(entry->d_name, "vport", 5))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		opened |= open(path, O_RDWR) >= 0;
	}
	for (int fd = 3; fd < 16; fd++) {
		char path[64], target[300];
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		borrowed |= strstr(target, "vport") && open(path, O_RDWR) >= 0;
		copied |= syscall(SYS_pidfd_getfd, agent, fd, 0) >= 0;
	}
	say("1..5\n");
	say(attempt("opened the port", opened));
	say(attempt("opened the agent's descriptor again", borrowed));
	say(attempt("took a copy of the agent's descriptor", copied));
	say(attempt("opened the agent's memory", open("/proc/1/mem", O_RDWR) >= 0));
	say(attempt("traces the agent", !ptrace(PTRACE_SEIZE, 1, 0, 0)));
	return 0;
}

const struct character forgery_characters[] = {
	{"forged-results", forged_results}, {"console-results", console_results},
	{"forged-frames", forged_frames},   {"forged-marks", forged_marks},
	{"forged-panic", forged_panic},	    {"escapes", escapes},
	{"takes-port", takes_port},	    {"forged-reports", forged_reports},
	{0},
};
