/* SPDX-License-Identifier: MIT */
/* report.h - KTAP on standard output, one write() a line, so that no line is ever torn by another
 * writer. */
#ifndef FENCEPOST_REPORT_H
#define FENCEPOST_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"

/* The version line and the plan. */
void fp_report_start(size_t case_count);

/* "# key: value"; the value is escaped. */
void fp_report_detail(const char *key, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * What the case has put into fp_result: its notes; when `failed`, how it failed; and unless it
 * passed, what it was at.
 */
void fp_report_details(bool failed, bool ended_well);

/* "ok 3 ID" or "not ok 3 ID", with " # DIRECTIVE reason" when there is one (both already escaped).
 */
void fp_report_result(size_t number, bool ok, const struct fp_case *c, const char *directive,
		      const char *reason);

#endif
