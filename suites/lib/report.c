// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry.h"
#include "report.h"
#include "result.h"
#include "text.h"

/* Long enough for every line that can be made of struct fp_result's fields. */
#define LINE_MAX_BYTES 1400

static void write_line(const char *line)
{
	size_t left = strlen(line);

	while (left) {
		ssize_t written = write(STDOUT_FILENO, line, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			/* Results that nobody receives are worse than none: the missing rest must
			 * show. */
			dprintf(STDERR_FILENO, "%s: standard output: %s\n", fp_suite(),
				strerror(errno));
			_exit(1);
		}
		line += written;
		left -= (size_t)written;
	}
}

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print(const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length >= (int)sizeof(line) - 1)
		length = sizeof(line) - 2;
	line[length] = '\n';
	line[length + 1] = '\0';
	write_line(line);
}

void fp_report_start(size_t case_count)
{
	print("KTAP version 1");
	print("1..%zu", case_count);
}

void fp_report_detail(const char *key, const char *format, ...)
{
	char value[600], escaped[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	fp_escape(escaped, sizeof(escaped), value);
	print("# %s: %s", key, escaped);
}

static void report_notes(void)
{
	char *line = fp_result->notes, *end;

	/* The case has written here, and may be broken: find the end again. */
	fp_result->notes[sizeof(fp_result->notes) - 1] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1)
		print("# note: %.*s", (int)(end - line), line);
	if (atomic_load(&fp_result->note_bytes) >= sizeof(fp_result->notes))
		print("# note: (more notes than fit were dropped)");
}

void fp_report_details(bool failed, bool ended_well)
{
	if (failed) {
		print("# at: %.*s", (int)sizeof(fp_result->at), fp_result->at);
		print("# expression: %.*s", (int)sizeof(fp_result->expression),
		      fp_result->expression);
		print("# expected: %.*s", (int)sizeof(fp_result->expected), fp_result->expected);
		print("# found: %.*s", (int)sizeof(fp_result->found), fp_result->found);
		if (fp_result->error[0])
			print("# errno: %.*s", (int)sizeof(fp_result->error), fp_result->error);
	}
	if ((failed || !ended_well) && fp_result->context[0])
		print("# context: %.*s", (int)sizeof(fp_result->context), fp_result->context);
	report_notes();
}

void fp_report_result(size_t number, bool ok, const struct fp_case *c, const char *directive,
		      const char *reason)
{
	const char *status = ok ? "ok" : "not ok";

	if (directive)
		print("%s %zu %s # %s %s", status, number, c->id, directive, reason);
	else
		print("%s %zu %s", status, number, c->id);
}
