/* SPDX-License-Identifier: MIT */
/*
 * ktap.h - what a suite is made of.
 *
 * Its cases are functions registered with CASE(), which puts a record into the section "fp_cases";
 * ktap.c's main() lists them, runs one, or runs all, and prints KTAP version 1
 * (Documentation/dev-tools/ktap.rst). Each case runs in a forked child of its own, under a
 * deadline, so no case can hurt the next, and what it leaves open is closed by the kernel. All
 * suites are one static program, which is the suite by whose name it is called.
 *
 *   SUITE --list                               the cases as a JSON array
 *   SUITE [--subject NAME] [--case ID]...      run them (all by default), KTAP on standard output
 *
 * Exit status: 0 when every case passed or was skipped, 1 when one did not, 2 for wrong usage. A
 * suite defines
 *
 *   const char fp_suite_name[] = "alloc";
 *
 * Environment: FENCEPOST_HEAP_KIND (system, cma, vendor or ion), FENCEPOST_TIMEOUT_SCALE (an
 * integer, 1 by default).
 */
#ifndef FENCEPOST_KTAP_H
#define FENCEPOST_KTAP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The suite's name, which is its folder's; each suite defines it once. */
extern const char fp_suite_name[];

/*
 * A value that depends on the kernel's release, as data: the first range that holds the release
 * counts. A release has two or three numbers ("6.12", "6.12.108"); one with two stands for all that
 * begin with them.
 */
struct fp_by_release {
	const char *since; /* "6.1": inclusive; NULL: open (for a value of 0 say "5.10": all zero
			      ends the list) */
	const char *until; /* "6.12": inclusive, all of 6.12.x; NULL: open */
	long value;
};

enum fp_class { FP_ABI, FP_IMPL, FP_QUIRK };

struct fp_case {
	const char *suite;     /* fp_suite_name of the suite it is in */
	const char *id;	       /* "heap.alloc.len-zero": stable for ever */
	const char *catalogue; /* "ALLOC-05" */
	enum fp_class class;
	const char *statement; /* one line: what is promised */
	const char *source; /* who promises it: kernel file and function, or a document's section */
	const char *since;  /* first release it holds for, NULL for all */
	const char *until;  /* last release, NULL for none */
	const char *needs;  /* space-separated: "heap", "heap:cma", "sw_sync", "debugfs" ...; NULL
			       for nothing */
	const struct fp_by_release *expected; /* ends with an all-zero record */
	unsigned int timeout_ms;	      /* 0: 10 seconds */
	void (*run)(void);
};

#define CATALOGUE(x) .catalogue = (x)
#define CLASS(x)     .class = FP_##x
#define STATEMENT(x) .statement = (x)
#define SOURCE(x)    .source = (x)
#define SINCE(x)     .since = (x)
#define UNTIL(x)     .until = (x)
#define NEEDS(x)     .needs = (x)
#define TIMEOUT(ms)  .timeout_ms = (ms)
#define EXPECTED(...)                                                                              \
	.expected = (const struct fp_by_release[])                                                 \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

/*
 * CASE(len_zero, "heap.alloc.len-zero", CATALOGUE("ALLOC-05"), CLASS(ABI),
 *      STATEMENT("An allocation of zero bytes is refused with EINVAL."),
 *      SOURCE("drivers/dma-buf/dma-heap.c: dma_heap_buffer_alloc()"), NEEDS("heap"))
 * {
 *         EXPECT_ERRNO(heap_allocate(...), EINVAL);
 * }
 */
#define CASE(name, case_id, ...)                                                                   \
	static void fp_run_##name(void);                                                           \
	static const struct fp_case fp_case_##name __attribute__((used, section("fp_cases"),       \
								  aligned(sizeof(void *)))) = {    \
		.suite = fp_suite_name, .id = (case_id), .run = fp_run_##name, __VA_ARGS__};       \
	static void fp_run_##name(void)

/*
 * Inside a case. These work in processes the case forks, too: the first failure of any of them is
 * the case's.
 */

const char *fp_subject(void); /* what --subject said; "" when it said nothing */
bool fp_release_in(const char *since,
		   const char *until); /* is this kernel's release inside, both ends included? */
long fp_expected(void);		       /* this kernel's value from the case's EXPECTED() */

/* Ends the case as a skip; the reason is for a reader: "needs a heap with at least 16 MiB". */
void fp_skip(const char *reason, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* Ends the case as a failure. `expected` and `found` are shown side by side. */
void fp_fail(const char *file, int line, const char *expression, const char *expected,
	     const char *found) __attribute__((noreturn));
void fp_failf(const char *file, int line, const char *expression, const char *expected,
	      const char *found_format, ...) __attribute__((noreturn, format(printf, 5, 6)));
/* A line kept with the result: "# note". */
void fp_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a case that goes through many inputs is at; shown as "# context:" when it fails, or dies,
 * there. */
void fp_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `call` returns -1 with this errno. Both values and names are shown when it does not. */
#define EXPECT_ERRNO(call, error)                                                                  \
	do {                                                                                       \
		errno = 0;                                                                         \
		long fp_r_ = (long)(call);                                                         \
		fp_check_errno(__FILE__, __LINE__, #call, fp_r_, errno, (error));                  \
	} while (0)
/* `call` does not return -1; its value is the value of the expression. */
#define EXPECT_OK(call)                                                                            \
	({                                                                                         \
		errno = 0;                                                                         \
		__auto_type fp_r_ = (call);                                                        \
		fp_check_ok(__FILE__, __LINE__, #call, (long)fp_r_, errno);                        \
		fp_r_;                                                                             \
	})
#define EXPECT_EQ(found, expected)                                                                 \
	fp_check_eq(__FILE__, __LINE__, #found, (long long)(found), (long long)(expected))
#define EXPECT_TRUE(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fp_fail(__FILE__, __LINE__, #condition, "true", "false");                  \
	} while (0)
#define EXPECT_STR(found, expected) fp_check_str(__FILE__, __LINE__, #found, (found), (expected))
/* The case's own set-up; a failure here says nothing of the kernel's promise but is still a
 * failure, with its errno. */
#define MUST(call) EXPECT_OK(call)

void fp_check_errno(const char *file, int line, const char *expression, long result,
		    int found_errno, int expected_errno);
void fp_check_ok(const char *file, int line, const char *expression, long result, int found_errno);
void fp_check_eq(const char *file, int line, const char *expression, long long found,
		 long long expected);
void fp_check_str(const char *file, int line, const char *expression, const char *found,
		  const char *expected);

/* "EINVAL" for 22; "errno 999" style text for one without a name. */
const char *fp_errno_name(int error);

#endif
