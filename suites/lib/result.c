// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "result.h"
#include "text.h"

#define TELL_LOOKS   500
#define TELL_LOOK_US 1000

struct fp_result *fp_result;

bool fp_result_map(void)
{
	fp_result = mmap(NULL, sizeof(*fp_result), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return fp_result != MAP_FAILED;
}

void fp_result_reset(void)
{
	memset(fp_result, 0, sizeof(*fp_result));
}

void fp_skip(const char *reason, ...)
{
	char text[sizeof(fp_result->reason)];
	int running = FP_RUNNING;
	va_list args;

	va_start(args, reason);
	vsnprintf(text, sizeof(text), reason, args);
	va_end(args);
	fp_escape(fp_result->reason, sizeof(fp_result->reason), text);
	/* A skip never hides a failure that another process of the case has reported. */
	atomic_compare_exchange_strong(&fp_result->state, &running, FP_SKIPPED);
	_exit(0);
}

/* Says how the case failed, unless another process was first, and ends this process. */
static void __attribute__((noreturn))
fail(const char *file, int line, const char *expression, const char *expected, const char *found)
{
	if (atomic_fetch_add(&fp_result->failures, 1) == 0) {
		snprintf(fp_result->at, sizeof(fp_result->at), "%s:%d", file, line);
		fp_escape(fp_result->expression, sizeof(fp_result->expression), expression);
		fp_escape(fp_result->expected, sizeof(fp_result->expected), expected);
		fp_escape(fp_result->found, sizeof(fp_result->found), found);
		atomic_store(&fp_result->told, 1);
	} else {
		/* Another thread's end would be the first one's too, in the middle of what it says.
		 */
		for (int looks = 0; looks < TELL_LOOKS && !atomic_load(&fp_result->told); looks++)
			usleep(TELL_LOOK_US);
	}
	atomic_store(&fp_result->state, FP_FAILED);
	_exit(1);
}

void fp_fail(const char *file, int line, const char *expression, const char *expected,
	     const char *found)
{
	fail(file, line, expression, expected, found);
}

void fp_failf(const char *file, int line, const char *expression, const char *expected,
	      const char *found_format, ...)
{
	char found[sizeof(fp_result->found)];
	va_list args;

	va_start(args, found_format);
	vsnprintf(found, sizeof(found), found_format, args);
	va_end(args);
	fail(file, line, expression, expected, found);
}

void fp_context(const char *format, ...)
{
	char text[sizeof(fp_result->context)];
	va_list args;

	/* Another process of the case that has failed is not to lose its context to us. */
	if (atomic_load(&fp_result->failures))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fp_escape(fp_result->context, sizeof(fp_result->context), text);
}

void fp_note(const char *format, ...)
{
	char text[256], escaped[512];
	unsigned int length, start;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fp_escape(escaped, sizeof(escaped) - 1, text);
	strcat(escaped, "\n");
	length = (unsigned int)strlen(escaped);
	start = atomic_fetch_add(&fp_result->note_bytes, length);
	/* A note that does not fit is dropped; note_bytes then says that one was. */
	if (start < sizeof(fp_result->notes) && start + length < sizeof(fp_result->notes))
		memcpy(fp_result->notes + start, escaped, length);
}
