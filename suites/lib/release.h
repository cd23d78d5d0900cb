/* SPDX-License-Identifier: MIT */
/* release.h - the running kernel's release, and whether it lies in a range. */
#ifndef FENCEPOST_RELEASE_H
#define FENCEPOST_RELEASE_H

#include <stdbool.h>

/* uname's release without what a distribution appends: "5.10.223". */
const char *fp_release(void);

/* Is `text` a release as SINCE(), UNTIL() and struct fp_by_release write it: two or three numbers?
 */
bool fp_release_valid(const char *text);

/* Is `release` inside [since, until]? NULL leaves an end open; an end with two numbers means all of
 * its series. */
bool fp_release_between(const char *release, const char *since, const char *until);

#endif
