// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"
#include "release.h"

/* The linker gives a section with such a name its bounds. */
extern const struct fp_case __start_fp_cases[] __attribute__((weak));
extern const struct fp_case __stop_fp_cases[] __attribute__((weak));

static const char *suite;
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

const char *fp_suite(void)
{
	return suite;
}

/* Which suite is meant, among those that the program holds. */
static bool choose_suite(const char *path)
{
	const struct fp_case *c = __start_fp_cases;
	const char *slash = strrchr(path, '/');
	bool several = false;

	suite = slash ? slash + 1 : path;
	for (; c < __stop_fp_cases && strcmp(c->suite, suite); c++)
		several |= strcmp(c->suite, __start_fp_cases->suite) != 0;
	if (c == __stop_fp_cases && several) {
		fprintf(stderr, "%s: no cases of such a suite are in this program\n", suite);
		return false;
	}
	if (c == __stop_fp_cases && c > __start_fp_cases)
		suite = __start_fp_cases->suite;
	return true;
}

static bool add(const struct fp_case *c)
{
	const char *fault = fault_of(c);

	if (fault) {
		fprintf(stderr, "%s: case %s %s\n", suite, c->id, fault);
		return false;
	}
	if (fp_case_find(c->id)) {
		fprintf(stderr, "%s: two cases are called %s\n", suite, c->id);
		return false;
	}
	cases[case_count++] = c;
	return true;
}

bool fp_registry_load(const char *path)
{
	size_t all = (size_t)(__stop_fp_cases - __start_fp_cases);

	if (!choose_suite(path))
		return false;
	cases = calloc(all + 1, sizeof(const struct fp_case *));
	if (!cases || !all) {
		fprintf(stderr, "%s: %s\n", suite, cases ? "has no cases" : "no memory");
		return false;
	}
	for (size_t i = 0; i < all; i++)
		if (!strcmp(__start_fp_cases[i].suite, suite) && !add(&__start_fp_cases[i]))
			return false;
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
	for (size_t i = 0; i < case_count; i++)
		if (!strcmp(cases[i]->id, id))
			return cases[i];
	return NULL;
}
