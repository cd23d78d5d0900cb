// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "ktap.h"
#include "result.h"

/* "EPERM (1, Operation not permitted)" */
static void describe_errno(char *to, size_t size, int error)
{
	snprintf(to, size, "%s (%d, %s)", fp_errno_name(error), error, strerror(error));
}

/* What a call gave: "-1 EPERM (1, …)", or its value. */
static void describe_result(char *to, size_t size, long result, int error)
{
	char name[128];

	describe_errno(name, sizeof(name), error);
	if (result == -1)
		snprintf(to, size, "-1 %s", name);
	else
		snprintf(to, size, "%ld", result);
}

/* Keeps the errno of a failure that is about to be told; only the first failure's counts. */
static void keep_errno(long result, int error)
{
	if (result == -1 && error && atomic_load(&fp_result->failures) == 0)
		snprintf(fp_result->error, sizeof(fp_result->error), "%s", fp_errno_name(error));
}

void fp_check_errno(const char *file, int line, const char *expression, long result,
		    int found_errno, int expected_errno)
{
	char expected[160], found[160];

	if (result == -1 && found_errno == expected_errno)
		return;
	describe_result(expected, sizeof(expected), -1, expected_errno);
	describe_result(found, sizeof(found), result, found_errno);
	keep_errno(result, found_errno);
	fp_fail(file, line, expression, expected, found);
}

void fp_check_ok(const char *file, int line, const char *expression, long result, int found_errno)
{
	char found[160];

	if (result != -1)
		return;
	describe_result(found, sizeof(found), result, found_errno);
	keep_errno(result, found_errno);
	fp_fail(file, line, expression, "no error", found);
}

void fp_check_eq(const char *file, int line, const char *expression, long long found,
		 long long expected)
{
	char expected_text[64];

	if (found == expected)
		return;
	snprintf(expected_text, sizeof(expected_text), "%lld (0x%llx)", expected, expected);
	fp_failf(file, line, expression, expected_text, "%lld (0x%llx)", found, found);
}

void fp_check_str(const char *file, int line, const char *expression, const char *found,
		  const char *expected)
{
	if (!strcmp(found, expected))
		return;
	fp_failf(file, line, expression, expected, "%s", found);
}
