// SPDX-License-Identifier: MIT
/*
 * The agent: PID 1 of a guest. It mounts what programs need, says on its port what the guest is,
 * and then does what the harness asks for over it, until it is asked to power off:
 * docs/protocol.md.
 *
 *   /init                              as PID 1
 *   /init insmod FILE [NAME=VALUE]...  loads a module, as a job
 *   /init rmmod NAME [HEAP]...         unloads a module, as a job
 *   /init rehearse                     does what most programs do, as a job: see rehearsal.h
 *   /init serve FD                     serves on an open descriptor as an ordinary process, to be
 * tried out; does not touch the machine's clock, entropy, log, mounts or modules
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "accounts.h"
#include "clock.h"
#include "facts.h"
#include "job.h"
#include "log.h"
#include "module-job.h"
#include "module.h"
#include "mount.h"
#include "port.h"
#include "rehearsal.h"
#include "text.h"
#include "transfer.h"

#define PORT_NAME	 "org.fencepost.agent"
#define PORT_PATIENCE_MS 20000
/* How long a port without a host is left alone before it is looked at again. */
#define ABSENT_MS 5

static char module_facts[4096];
static size_t module_facts_length;

static bool is_init(void)
{
	return getpid() == 1;
}

static void leave(void) __attribute__((noreturn));

static void leave(void)
{
	if (is_init()) {
		sync();
		reboot(RB_POWER_OFF);
		/* A machine that cannot do that; QEMU ends at a reset too, under -no-reboot. */
		reboot(RB_AUTOBOOT);
	}
	_exit(0);
}

static void say_hello(void)
{
	char *facts = (char *)port_payload();

	port_commit(FRAME_HELLO, 0, 0, facts_gather(facts, module_facts, module_facts_length));
}

static void confirm(uint32_t id, int result)
{
	if (result)
		port_error(id, "%s", strerror(errno));
	else
		port_ok(id);
}

/* Requests that would change the machine, when this is not a guest's PID 1. */
static bool may_change_machine(const struct frame *frame)
{
	if (is_init())
		return true;
	port_error(frame->id, "not as an ordinary process");
	return false;
}

static void take(const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_ASK_HELLO:
		say_hello();
		break;
	case FRAME_RUN:
		job_start(frame);
		break;
	case FRAME_KILL:
		job_kill(frame->id);
		transfer_kill(frame->id);
		break;
	case FRAME_PUT_BEGIN:
		put_begin(frame);
		break;
	case FRAME_PUT_DATA:
		put_data(frame);
		break;
	case FRAME_PUT_END:
		put_end(frame);
		break;
	case FRAME_GET:
		get_begin(frame);
		break;
	case FRAME_MARK:
		confirm(frame->id, log_text((const char *)frame->payload, frame->length));
		break;
	case FRAME_SETTIME:
		if (may_change_machine(frame))
			confirm(frame->id, clock_set(read_u64(frame->payload)));
		break;
	case FRAME_ENTROPY:
		if (may_change_machine(frame))
			confirm(frame->id, clock_seed(frame->payload, frame->length));
		break;
	case FRAME_ASK_ACCOUNTS:
		port_commit(FRAME_ACCOUNTS, 0, frame->id, accounts_gather((char *)port_payload()));
		break;
	case FRAME_QUIT:
		leave();
	}
}

/* The harness speaks something else: says so, as far as it can be said, and ends. */
static void __attribute__((noreturn)) give_up(const char *why)
{
	log_line("agent: the harness sent %s", why);
	job_abandon();
	port_error(0, "%s", why);
	port_drain(1000);
	leave();
}

static void on_signal(int signal)
{
	/* Only wakes ppoll(). */
	(void)signal;
}

/*
 * SIGCHLD comes only while ppoll() waits, so that none is missed between looking and waiting. A
 * broken pipe is seen where it is written to; neither is ignored, since a program would inherit
 * that.
 */
static void prepare_signals(sigset_t *while_waiting)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NOCLDSTOP};
	sigset_t blocked;

	sigaction(SIGCHLD, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, while_waiting);
	sigdelset(while_waiting, SIGCHLD);
}

/* The other end is not there. An ordinary process has nothing more to do; a guest may be connected
 * again. */
static void host_absent(void)
{
	if (!is_init()) {
		job_abandon();
		leave();
	}
	job_abandon();
	transfer_abandon();
	port_forget();
}

static void serve(void) __attribute__((noreturn));

static void serve(void)
{
	sigset_t while_waiting;
	bool absent = false;

	prepare_signals(&while_waiting);
	say_hello();
	for (;;) {
		struct pollfd fds[3] = {{.fd = -1}};
		struct timespec timeout;
		const char *why;
		int wait_ms = job_tick();
		bool more_to_get = get_step();
		/* All that waits for room is looked at after this, which makes room. */
		bool more_to_write = !absent && port_flush();
		bool stalled = port_is_stalled() && port_has_answer_room();
		int result = 0;

		if (!absent) {
			fds[0].fd = port_fd();
			fds[0].events = (short)((port_has_answer_room() ? POLLIN : 0) |
						(more_to_write ? POLLOUT : 0));
		} else if (wait_ms < 0 || wait_ms > ABSENT_MS) {
			wait_ms = ABSENT_MS;
		}
		if (stalled || (more_to_get && port_has_data_room()))
			wait_ms = 0;
		job_poll(fds + 1);
		timeout.tv_sec = wait_ms / 1000;
		timeout.tv_nsec = wait_ms % 1000 * 1000000L;
		if (ppoll(fds, 3, wait_ms < 0 ? NULL : &timeout, &while_waiting) < 0) {
			absent = false;
			continue;
		}
		absent = fds[0].revents & (POLLHUP | POLLERR) && !(fds[0].revents & POLLIN);
		if (fds[0].revents & POLLIN || stalled)
			result = port_receive(take, &why);
		if (result == -1)
			give_up(why);
		if (absent || result == -2)
			host_absent();
		job_read(fds + 1);
	}
}

static int be_ordinary(int argc, char **argv)
{
	int status = module_job(argc, argv);

	if (status >= 0)
		return status;
	if (argc == 2 && !strcmp(argv[1], "rehearse"))
		return rehearse();
	if (argc == 3 && !strcmp(argv[1], "serve") && !port_adopt(atoi(argv[2]))) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		serve();
	}
	fprintf(stderr,
		"usage: %s insmod FILE [NAME=VALUE]... | rmmod NAME [HEAP]... | rehearse | serve "
		"FD\n",
		argv[0]);
	return 2;
}

/*
 * Nothing a job does keeps the agent from the processor: a fork bomb must still meet its deadline.
 * What the agent starts is an ordinary process again.
 */
static void come_first(void)
{
	struct sched_param lowest = {.sched_priority = 1};

	syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest);
}

/*
 * Without it a process cannot touch one that has it (security/commoncap.c:
 * cap_ptrace_access_check()): no job reads the agent's memory or takes its port. It leaves the
 * bounding set, so that executing a program loses it, and the agent itself does not.
 */
static void keep_to_ourselves(void)
{
	prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0);
}

int main(int argc, char **argv)
{
	if (!is_init())
		return be_ordinary(argc, argv);
	mount_all();
	log_open();
	come_first();
	keep_to_ourselves();
	/*
	 * Per-CPU lists grow to an eighth of memory by themselves and shrink by the second
	 * (mm/page_alloc.c: nr_pcp_high()); what lies there looks like memory that leaked.
	 */
	write_text("/proc/sys/vm/percpu_pagelist_high_fraction", "1024");
	module_facts_length = module_load_all(module_facts, sizeof(module_facts));
	if (port_open(PORT_NAME, PORT_PATIENCE_MS)) {
		log_line("agent: no virtio-serial port named %s: %s", PORT_NAME, strerror(errno));
		leave();
	}
	serve();
}
