// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "ktap.h"
#include "release.h"

#define PARTS 3

/* Reads "6", "6.12" or "6.12.107", stopping at the first thing that is none; returns how many
 * numbers there were. */
static int parse(const char *text, unsigned long part[PARTS], const char **end)
{
	int count = 0;

	memset(part, 0, PARTS * sizeof(*part));
	while (count < PARTS && *text >= '0' && *text <= '9') {
		char *after;

		part[count++] = strtoul(text, &after, 10);
		text = after;
		if (count == PARTS || text[0] != '.' || text[1] < '0' || text[1] > '9')
			break;
		text++;
	}
	*end = text;
	return count;
}

const char *fp_release(void)
{
	static char release[sizeof(((struct utsname *)0)->release)];
	unsigned long part[PARTS];
	struct utsname name;
	const char *end;

	if (!release[0] && uname(&name) == 0) {
		parse(name.release, part, &end);
		memcpy(release, name.release, (size_t)(end - name.release));
	}
	return release;
}

bool fp_release_valid(const char *text)
{
	unsigned long part[PARTS];
	const char *end;

	return parse(text, part, &end) >= 2 && !*end;
}

/* <0, 0, >0 as `release` lies before, in or after what `bound` names; a bound "6.12" names all
 * of 6.12.x. */
static int compare(const char *release, const char *bound)
{
	unsigned long left[PARTS], right[PARTS];
	const char *end;
	int count;

	parse(release, left, &end);
	count = parse(bound, right, &end);
	for (int i = 0; i < count; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

bool fp_release_between(const char *release, const char *since, const char *until)
{
	return (!since || compare(release, since) >= 0) && (!until || compare(release, until) <= 0);
}

bool fp_release_in(const char *since, const char *until)
{
	return fp_release_between(fp_release(), since, until);
}
