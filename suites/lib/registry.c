// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"
#include "release.h"

/* The linker gives a section with such a name its bounds. */
extern const struct fp_case __start_fp_cases[] __attribute__((weak));
extern const struct fp_case __stop_fp_cases[] __attribute__((weak));

static const struct fp_case **cases;
static size_t case_count;

/* Orders "ALLOC-05" by its area, then by its number, then by the case's id, so that the order never
 * moves. */
static int compare(const void *left_pointer, const void *right_pointer)
{
	const struct fp_case *left = *(const struct fp_case *const *)left_pointer;
	const struct fp_case *right = *(const struct fp_case *const *)right_pointer;
	size_t left_area = strcspn(left->catalogue, "-");
	size_t right_area = strcspn(right->catalogue, "-");
	size_t area = left_area < right_area ? left_area : right_area;
	int order = strncmp(left->catalogue, right->catalogue, area);
	long left_number, right_number;

	if (!order && left_area != right_area)
		order = left_area < right_area ? -1 : 1;
	if (order)
		return order;
	left_number = strtol(left->catalogue + left_area + 1, NULL, 10);
	right_number = strtol(right->catalogue + right_area + 1, NULL, 10);
	if (left_number != right_number)
		return left_number < right_number ? -1 : 1;
	return strcmp(left->id, right->id);
}

/* What is wrong with a case's record, or NULL. */
static const char *fault_of(const struct fp_case *c)
{
	if (!c->catalogue || !strchr(c->catalogue, '-'))
		return "has no CATALOGUE(\"AREA-NN\")";
	if (!c->statement)
		return "has no STATEMENT()";
	if (!c->source)
		return "has no SOURCE()";
	if ((c->since && !fp_release_valid(c->since)) || (c->until && !fp_release_valid(c->until)))
		return "has a SINCE() or UNTIL() that is no release";
	return NULL;
}

bool fp_registry_load(void)
{
	const char *fault;

	case_count = (size_t)(__stop_fp_cases - __start_fp_cases);
	cases = calloc(case_count + 1, sizeof(const struct fp_case *));
	if (!cases || !case_count) {
		fprintf(stderr, "%s: %s\n", fp_suite_name, cases ? "has no cases" : "no memory");
		return false;
	}
	for (size_t i = 0; i < case_count; i++) {
		cases[i] = &__start_fp_cases[i];
		fault = fault_of(cases[i]);
		if (fault) {
			fprintf(stderr, "%s: case %s %s\n", fp_suite_name, cases[i]->id, fault);
			return false;
		}
		if (fp_case_find(cases[i]->id) != cases[i]) {
			fprintf(stderr, "%s: two cases are called %s\n", fp_suite_name,
				cases[i]->id);
			return false;
		}
	}
	qsort(cases, case_count, sizeof(const struct fp_case *), compare);
	return true;
}

size_t fp_case_count(void)
{
	return case_count;
}

const struct fp_case *fp_case_at(size_t index)
{
	return cases[index];
}

const struct fp_case *fp_case_find(const char *id)
{
	for (size_t i = 0; i < case_count && cases[i]; i++)
		if (!strcmp(cases[i]->id, id))
			return cases[i];
	return NULL;
}
