// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "fault.h"

/* A call with more allocations than this is one that never ends. */
#define SITES_MAX 2000

/* All allocations are to be reached, not only those that may not sleep; and nothing is to be told
 * on the console of each that fails. */
static const struct {
	const char *path;
	const char *value;
} settings[] = {
	{"/sys/kernel/debug/failslab/ignore-gfp-wait", "N"},
	{"/sys/kernel/debug/failslab/verbose", "0"},
	{"/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N"},
	{"/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N"},
	{"/sys/kernel/debug/fail_page_alloc/min-order", "0"},
	{"/sys/kernel/debug/fail_page_alloc/verbose", "0"},
};

static void prepare(void)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int file = open(settings[i].path, O_WRONLY | O_CLOEXEC);

		if (file < 0)
			fp_skip("needs fault-injection: %s: %s", settings[i].path,
				fp_errno_name(errno));
		EXPECT_EQ(write(file, settings[i].value, 1), 1);
		close(file);
	}
}

static void arm(int fail_nth, int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	EXPECT_EQ(pwrite(fail_nth, text, (size_t)length, 0), length);
}

/* Did the allocation that was to fail come at all? What is left is how many were still to come. */
static bool disarm(int fail_nth)
{
	char left[16] = "";

	EXPECT_TRUE(pread(fail_nth, left, sizeof(left) - 1, 0) > 0);
	arm(fail_nth, 0);
	return atoi(left) == 0;
}

int fault_sweep(const char *what, long (*call)(void *), void (*after)(void *, long), void *argument)
{
	int fail_nth, refused = 0;

	prepare();
	fail_nth = MUST(open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC));
	/* Once as it is: what is set up on first use (tables, caches) is not part of it. */
	for (int nth = 0; nth <= SITES_MAX; nth++) {
		bool failed;
		long result;
		int error;

		fp_context("%s, allocation %d fails", what, nth);
		arm(fail_nth, nth);
		errno = 0;
		result = call(argument);
		error = errno;
		failed = disarm(fail_nth) && nth > 0;
		if (result < 0 && !(failed && error == ENOMEM))
			fp_failf(__FILE__, __LINE__, what,
				 failed ? "ENOMEM, or success" : "success", "errno %s",
				 fp_errno_name(error));
		refused += result < 0;
		if (after)
			after(argument, result);
		if (nth == 0 || failed)
			continue;
		close(fail_nth);
		fp_note("%s: %d allocations, %d of them needed", what, nth - 1, refused);
		return nth - 1;
	}
	fp_failf(__FILE__, __LINE__, what, "an end", "more than %d allocations", SITES_MAX);
}
