/* SPDX-License-Identifier: MIT */
/* facts.h - what was measured, for `fencepost heaps` (harness/src/cli/heaps-table.ts knows the
 * names). */
#ifndef FENCEPOST_CONSTRAINTS_FACTS_H
#define FENCEPOST_CONSTRAINTS_FACTS_H

#define FACT(name, format, ...) fp_note("fact " name "=" format, __VA_ARGS__)
#define YES(name)		FACT(name, "%s", "yes")
/* Ends the case. */
#define NO(name, ...)                                                                              \
	do {                                                                                       \
		FACT(name, "%s", "no");                                                            \
		fp_skip("no: " __VA_ARGS__);                                                       \
	} while (0)

#endif
