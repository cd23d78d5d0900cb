// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "job.h"
#include "log.h"
#include "port.h"
#include "spawn.h"
#include "sweep.h"
#include "text.h"

#define HEARTBEAT_MS 500
/* From SIGTERM to SIGKILL. */
#define GRACE_MS 500
/* From the end of its output to its own: most programs end right then. */
#define LAST_BREATH_MS 50
/* From SIGKILL until what has not died counts as stuck. */
#define PATIENCE_MS 10000

static struct {
	bool active;
	uint32_t id;
	pid_t pid;
	int pipes[2]; /* standard output and error; -1 once they have ended */
	uint64_t started_us, ended_us;
	uint64_t deadline_ms, kill_ms, next_beat_ms, next_sweep_ms;
	uint64_t progress_ms; /* last time something died or was read, after the sweep */
	bool terminated, swept, ended, alone, awaited;
	bool timed_out, killed, stuck;
	uint32_t strays;
	int status;
	struct rusage usage;
} job;

void job_start(const struct frame *run)
{
	const char *problem;

	if (job.active) {
		port_error(run->id, "job %u still runs", job.id);
		return;
	}
	memset(&job, 0, sizeof(job));
	job.id = run->id;
	job.started_us = clock_us();
	job.pid = spawn(run, job.pipes, &problem);
	if (job.pid < 0) {
		port_error(run->id, "%s: %s", problem, strerror(errno));
		log_line("job %u end, not started", run->id);
		return;
	}
	job.active = true;
	job.deadline_ms = clock_ms() + read_u32(run->payload);
	job.next_beat_ms = clock_ms() + HEARTBEAT_MS;
}

static void kill_everything(void)
{
	uint64_t now = clock_ms();

	if (now < job.next_sweep_ms)
		return;
	job.next_sweep_ms = now + (uint64_t)sweep();
	if (!job.swept)
		job.progress_ms = now;
	job.swept = true;
}

void job_kill(uint32_t id)
{
	if (!job.active || job.id != id)
		return;
	job.killed = true;
	kill_everything();
}

void job_abandon(void)
{
	if (job.active)
		job_kill(job.id);
}

/*
 * What has closed both its pipes is about to end. Waiting for that here spares the signal handler,
 * the one other way that SIGCHLD could end a wait for descriptors: it takes longer than all the
 * rest of a job's end.
 */
static void await_end(void)
{
	struct timespec patience = {.tv_nsec = LAST_BREATH_MS * 1000000L};
	sigset_t child;

	if (!job.active || job.ended || job.awaited || job.pipes[0] >= 0 || job.pipes[1] >= 0)
		return;
	job.awaited = true;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &patience);
}

static void reap(void)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		job.progress_ms = clock_ms();
		if (pid == job.pid) {
			job.ended = true;
			job.ended_us = clock_us();
			job.status = status;
			job.usage = usage;
		} else if (job.swept) {
			job.strays++;
		}
	}
	job.alone = pid < 0 && errno == ECHILD;
}

static uint64_t timeval_us(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* Says how the job ended, to the console and to the harness. */
static void finish(void)
{
	uint8_t *payload = port_payload();
	uint32_t status = 0, signal = 0;

	if (!job.ended) {
		signal = SIGKILL;
		job.ended_us = clock_us();
	} else if (WIFSIGNALED(job.status)) {
		signal = (uint32_t)WTERMSIG(job.status);
	} else {
		status = (uint32_t)WEXITSTATUS(job.status);
	}
	log_line("job %u end %s %u%s%s%s", job.id, signal ? "signal" : "status",
		 signal ? signal : status, job.timed_out ? ", deadline over" : "",
		 job.killed ? ", killed on request" : "", job.stuck ? ", stuck" : "");
	write_u32(payload, status);
	write_u32(payload + 4, signal);
	write_u32(payload + 8, job.strays);
	write_u64(payload + 12, job.ended_us - job.started_us);
	write_u64(payload + 20, timeval_us(job.usage.ru_utime));
	write_u64(payload + 28, timeval_us(job.usage.ru_stime));
	write_u64(payload + 36, (uint64_t)job.usage.ru_maxrss);
	port_commit(FRAME_EXIT,
		    (job.timed_out ? EXIT_TIMED_OUT : 0) | (job.killed ? EXIT_KILLED : 0) |
			    (job.stuck ? EXIT_STUCK : 0),
		    job.id, 44);
	for (int i = 0; i < 2; i++)
		if (job.pipes[i] >= 0)
			close(job.pipes[i]);
	job.active = false;
}

static void beat(uint64_t now)
{
	if (now < job.next_beat_ms)
		return;
	job.next_beat_ms = now + HEARTBEAT_MS;
	if (!port_has_answer_room())
		return;
	write_u64(port_payload(), now);
	port_commit(FRAME_HEARTBEAT, 0, job.id, 8);
}

/* Something did not die, or holds the job's output open from where SIGKILL does not reach. */
static void give_up(void)
{
	job.stuck = true;
	log_line("job %u: what it started does not die; blocked tasks follow", job.id);
	write_text("/proc/sysrq-trigger", "w");
}

static int until(uint64_t due, uint64_t now)
{
	return due > now ? (int)(due - now) : 0;
}

int job_tick(void)
{
	bool over;
	uint64_t now;
	int wait, due;

	if (!job.active) {
		/* Orphans of earlier jobs cannot be, but an unreaped process must never stay. */
		reap();
		return -1;
	}
	await_end();
	reap();
	now = clock_ms();
	if (!job.ended && !job.swept && now >= job.deadline_ms) {
		if (!job.terminated) {
			job.terminated = job.timed_out = true;
			job.kill_ms = now + GRACE_MS;
			kill(-job.pid, SIGTERM);
		} else if (now >= job.kill_ms) {
			kill_everything();
		}
	}
	/* Its first process has ended: nothing it started goes on. Again, while any is left. */
	if (job.ended ? !(job.alone && job.swept) : job.swept)
		kill_everything();
	over = job.ended && job.alone && job.pipes[0] < 0 && job.pipes[1] < 0;
	if (!over && job.swept && !job.stuck && now >= job.progress_ms + PATIENCE_MS &&
	    port_has_data_room())
		give_up();
	if ((over || job.stuck) && port_has_answer_room()) {
		finish();
		return -1;
	}
	beat(now);
	wait = until(job.next_beat_ms, now);
	if (job.swept)
		due = job.alone ? wait : until(job.next_sweep_ms, now);
	else
		due = until(job.terminated ? job.kill_ms : job.deadline_ms, now);
	return due < wait ? due : wait;
}

void job_poll(struct pollfd pipes[2])
{
	bool room = job.active && port_has_data_room();

	for (int i = 0; i < 2; i++) {
		pipes[i].fd = room ? job.pipes[i] : -1;
		pipes[i].events = POLLIN;
		pipes[i].revents = 0;
	}
}

void job_read(const struct pollfd pipes[2])
{
	for (int i = 0; i < 2; i++) {
		ssize_t got;

		if (!job.active || pipes[i].fd < 0 || !pipes[i].revents || !port_has_data_room())
			continue;
		got = read(job.pipes[i], port_payload(), DATA_BYTES);
		if (got > 0) {
			job.progress_ms = clock_ms();
			port_commit(i ? FRAME_STDERR : FRAME_STDOUT, 0, job.id, (size_t)got);
		} else if (got == 0 || errno != EINTR) {
			close(job.pipes[i]);
			job.pipes[i] = -1;
		}
	}
}
