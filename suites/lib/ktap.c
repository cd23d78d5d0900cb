// SPDX-License-Identifier: MIT
/* ktap.c - a suite's main(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "registry.h"
#include "report.h"
#include "runner.h"

#define EXIT_USAGE 2
#define SCALE_MAX  1000

struct arguments {
	bool list;
	const struct fp_case **chosen; /* NULL: all */
	size_t chosen_count;
};

static void print_usage(FILE *to)
{
	fprintf(to,
		"usage: %s --list\n"
		"       %s [--subject NAME] [--case ID]...\n"
		"FENCEPOST_TIMEOUT_SCALE (1 to %d) stretches every deadline.\n",
		fp_suite(), fp_suite(), SCALE_MAX);
}

static bool choose_case(struct arguments *arguments, const char *id)
{
	const struct fp_case *c = fp_case_find(id);

	if (!c) {
		fprintf(stderr, "%s: there is no case \"%s\"; %s --list names them\n", fp_suite(),
			id, fp_suite());
		return false;
	}
	arguments->chosen[arguments->chosen_count++] = c;
	return true;
}

/* False, after a message, when the command line makes no sense. */
static bool parse_arguments(struct arguments *arguments, int argc, char **argv)
{
	arguments->chosen = calloc((size_t)argc + 1, sizeof(const struct fp_case *));
	if (!arguments->chosen) {
		fprintf(stderr, "%s: no memory\n", fp_suite());
		return false;
	}
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			arguments->list = true;
		} else if (!strcmp(argv[i], "--help")) {
			print_usage(stdout);
			exit(EXIT_SUCCESS);
		} else if (!strcmp(argv[i], "--subject") && i + 1 < argc) {
			fp_subject_name = argv[++i];
		} else if (!strcmp(argv[i], "--case") && i + 1 < argc) {
			if (!choose_case(arguments, argv[++i]))
				return false;
		} else {
			fprintf(stderr, "%s: \"%s\" is not an option, or lacks its value\n",
				fp_suite(), argv[i]);
			print_usage(stderr);
			return false;
		}
	}
	return true;
}

/* 0, after a message, when FENCEPOST_TIMEOUT_SCALE is no number in range. */
static unsigned int timeout_scale(void)
{
	const char *text = getenv("FENCEPOST_TIMEOUT_SCALE");
	unsigned long scale;
	char *end;

	if (!text || !*text)
		return 1;
	scale = strtoul(text, &end, 10);
	if (*end || scale < 1 || scale > SCALE_MAX || *text == '-') {
		fprintf(stderr,
			"%s: FENCEPOST_TIMEOUT_SCALE is \"%s\", not a number from 1 to %d\n",
			fp_suite(), text, SCALE_MAX);
		return 0;
	}
	return (unsigned int)scale;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	unsigned int scale;
	bool all_well = true;
	size_t count;

	if (!fp_registry_load(argc > 0 ? argv[0] : ""))
		return EXIT_USAGE;
	scale = timeout_scale();
	if (!scale || !parse_arguments(&arguments, argc, argv))
		return EXIT_USAGE;
	if (arguments.list) {
		fp_list();
		return EXIT_SUCCESS;
	}
	if (!fp_runner_prepare(scale))
		return EXIT_FAILURE;
	count = arguments.chosen_count ? arguments.chosen_count : fp_case_count();
	fp_report_start(count);
	for (size_t i = 0; i < count; i++) {
		const struct fp_case *c =
			arguments.chosen_count ? arguments.chosen[i] : fp_case_at(i);

		all_well &= fp_run_case(i + 1, c);
	}
	return all_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
