// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "registry.h"
#include "text.h"

static const char *const class_names[] = {
	[FP_ABI] = "ABI",
	[FP_IMPL] = "IMPL",
	[FP_QUIRK] = "QUIRK",
};

static void print_field(const char *key, const char *value)
{
	char escaped[1024];

	if (!value) {
		printf("\"%s\": null", key);
		return;
	}
	fp_escape_json(escaped, sizeof(escaped), value);
	printf("\"%s\": \"%s\"", key, escaped);
}

/* Prints "heap sw_sync" as ["heap", "sw_sync"]. */
static void print_needs(const char *needs)
{
	const char *separator = "";

	printf("\"needs\": [");
	for (needs = needs ? needs : ""; *needs; needs += strspn(needs, " ")) {
		size_t length = strcspn(needs, " ");

		printf("%s\"%.*s\"", separator, (int)length, needs);
		separator = ", ";
		needs += length;
	}
	printf("]");
}

void fp_list(void)
{
	printf("[");
	for (size_t i = 0; i < fp_case_count(); i++) {
		const struct fp_case *c = fp_case_at(i);

		printf("%s\n{ ", i ? "," : "");
		print_field("case", c->id);
		printf(", ");
		print_field("catalogue", c->catalogue);
		printf(", ");
		print_field("suite", fp_suite());
		printf(", ");
		print_field("class", class_names[c->class]);
		printf(", ");
		print_field("statement", c->statement);
		printf(", ");
		print_field("source", c->source);
		printf(", ");
		print_field("since", c->since);
		printf(", ");
		print_field("until", c->until);
		printf(", ");
		print_needs(c->needs);
		printf(" }");
	}
	printf("\n]\n");
}
