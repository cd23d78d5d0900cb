// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "needs.h"
#include "registry.h"
#include "release.h"
#include "report.h"
#include "result.h"
#include "runner.h"
#include "signal-name.h"
#include "text.h"

#define DEFAULT_TIMEOUT_MS 10000
/* How long a process may take to die of SIGKILL; one that the kernel holds never does. */
#define KILL_WAIT_MS 5000

enum end { ENDED, TIMED_OUT, UNKILLABLE };

const char *fp_subject_name = "";

static const struct fp_case *current;
static unsigned int scale = 1;
static sigset_t child_signal;

const char *fp_subject(void)
{
	return fp_subject_name;
}

long fp_expected(void)
{
	const struct fp_by_release *value = current->expected;

	for (; value && (value->since || value->until || value->value); value++)
		if (fp_release_in(value->since, value->until))
			return value->value;
	fp_failf(__FILE__, __LINE__, "fp_expected()", "a value for this kernel's release",
		 "none: EXPECTED() of %s has no range that holds %s", current->id, fp_release());
}

bool fp_runner_prepare(unsigned int timeout_scale)
{
	scale = timeout_scale;
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	/* Who starts us may ignore it, and then no child's end would be told. */
	signal(SIGCHLD, SIG_DFL);
	/* A case's orphans come to us, so that none outlives its case unseen. */
	if (sigprocmask(SIG_BLOCK, &child_signal, NULL) || prctl(PR_SET_CHILD_SUBREAPER, 1) ||
	    !fp_result_map()) {
		fprintf(stderr, "%s: cannot prepare to run cases: %s\n", fp_suite(),
			strerror(errno));
		return false;
	}
	return true;
}

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

/* One line in the kernel's log, by which a splat that follows can be laid at this case's door. */
static void announce(const struct fp_case *c)
{
	char line[400], subject[200];
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int length;

	if (kmsg < 0)
		return;
	fp_escape(subject, sizeof(subject), fp_subject_name);
	length = snprintf(line, sizeof(line), "<4>fencepost: case %s subject %s\n", c->id, subject);
	if (write(kmsg, line, (size_t)length) < 0) {
		/* Nothing depends on it. */
	}
	close(kmsg);
}

static void __attribute__((noreturn)) be_the_case(const struct fp_case *c)
{
	int running = FP_RUNNING;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_UNBLOCK, &child_signal, NULL);
	/* Standard output carries results and nothing else, whatever a case does with it. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	current = c;
	c->run();
	atomic_compare_exchange_strong(&fp_result->state, &running, FP_PASSED);
	_exit(0);
}

/* Waits until `child` ends (-1: until no child is left); false when `until_us` comes first. */
static bool wait_until(pid_t child, long long until_us, int *status)
{
	for (;;) {
		pid_t ended = waitpid(child, status, WNOHANG);
		long long left_us = until_us - now_us();
		struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};

		if (child > 0 ? ended == child : ended < 0)
			return true;
		if (ended > 0)
			continue;
		if (left_us <= 0)
			return false;
		sigtimedwait(&child_signal, NULL, &left);
	}
}

/* Waits for the case's process, then ends and collects whatever it has left running. */
static enum end wait_for_end(pid_t child, unsigned int timeout_ms, int *status)
{
	enum end end = ENDED;
	int ignored;

	if (!wait_until(child, now_us() + timeout_ms * 1000ll, status))
		end = TIMED_OUT;
	kill(-child, SIGKILL);
	if (end == TIMED_OUT) {
		kill(child, SIGKILL);
		if (!wait_until(child, now_us() + KILL_WAIT_MS * 1000ll, status))
			return UNKILLABLE;
	}
	wait_until(-1, now_us() + KILL_WAIT_MS * 1000ll, &ignored);
	return end;
}

static void describe_status(char *to, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(to, size, "killed by %s", fp_signal_name(WTERMSIG(status)));
	else
		snprintf(to, size, "ended with status %d and no verdict", WEXITSTATUS(status));
}

static bool report_end(size_t number, const struct fp_case *c, enum end end, int status,
		       unsigned int timeout_ms, long long duration_us)
{
	bool failed = atomic_load(&fp_result->failures) > 0;
	int state = atomic_load(&fp_result->state);
	bool ended_well = end == ENDED && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char text[120];

	fp_report_details(failed, ended_well);
	if (end == ENDED && !failed &&
	    !(ended_well && (state == FP_PASSED || state == FP_SKIPPED))) {
		describe_status(text, sizeof(text), status);
		fp_report_detail("found", "%s", text);
	}
	fp_report_detail("duration_us", "%lld", duration_us);
	if (end != ENDED) {
		snprintf(text, sizeof(text), "no end within %u ms%s", timeout_ms,
			 end == UNKILLABLE ? ", and SIGKILL does not end it" : "");
		fp_report_result(number, false, c, "TIMEOUT", text);
		return false;
	}
	if (failed || !ended_well || (state != FP_PASSED && state != FP_SKIPPED)) {
		fp_report_result(number, false, c, NULL, NULL);
		return false;
	}
	fp_report_result(number, true, c, state == FP_SKIPPED ? "SKIP" : NULL, fp_result->reason);
	return true;
}

/* Why the case cannot run here, or false. */
static bool skip_reason(const struct fp_case *c, char *reason, size_t size)
{
	char missing[480];

	if (c->since && !fp_release_in(c->since, NULL)) {
		snprintf(reason, size, "since %s, this kernel is %s", c->since, fp_release());
		return true;
	}
	if (c->until && !fp_release_in(NULL, c->until)) {
		snprintf(reason, size, "until %s, this kernel is %s", c->until, fp_release());
		return true;
	}
	if (fp_needs_met(c, missing, sizeof(missing)))
		return false;
	fp_escape(reason, size, missing);
	return true;
}

bool fp_run_case(size_t number, const struct fp_case *c)
{
	unsigned int timeout_ms = (c->timeout_ms ? c->timeout_ms : DEFAULT_TIMEOUT_MS) * scale;
	long long start_us = now_us();
	char reason[600];
	enum end end;
	int status = 0;
	pid_t child;

	fp_result_reset();
	if (skip_reason(c, reason, sizeof(reason))) {
		fp_report_detail("duration_us", "%lld", now_us() - start_us);
		fp_report_result(number, true, c, "SKIP", reason);
		return true;
	}
	announce(c);
	start_us = now_us();
	child = fork();
	if (child == 0)
		be_the_case(c);
	if (child < 0) {
		fp_report_detail("found", "no process for the case: %s", strerror(errno));
		fp_report_detail("duration_us", "%lld", now_us() - start_us);
		fp_report_result(number, false, c, NULL, NULL);
		return false;
	}
	/* Both sides do this, so that it is done whoever runs first. */
	setpgid(child, child);
	end = wait_for_end(child, timeout_ms, &status);
	return report_end(number, c, end, status, timeout_ms, now_us() - start_us);
}
