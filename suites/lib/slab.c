// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "kernel-parts.h"
#include "ktap.h"
#include "memory.h"
#include "slab.h"

#define LOOK_US	      20000
#define LOOKS	      200
#define AT_REST_LOOKS 15

/*
 * What a leak leaves adds up from round to round. Slabs that were emptied by another CPU than the
 * one that filled them (ION frees with a thread) do not: they are some hundred KiB, and come and
 * go.
 */
#define ROUNDS 3

/*
 * SUnreclaim, once it has not fallen for a while: what was left for RCU to free before must not
 * hide what is left for good.
 */
static uint64_t at_rest(void)
{
	uint64_t least = meminfo_bytes("SUnreclaim");

	for (int looks = 0, same = 0; looks < LOOKS && same < AT_REST_LOOKS; looks++) {
		uint64_t now;

		usleep(LOOK_US);
		now = meminfo_bytes("SUnreclaim");
		same = now < least ? 0 : same + 1;
		least = now < least ? now : least;
	}
	return least;
}

/* SUnreclaim, once it is no more than `most`; files are freed after a grace period of RCU, by
 * kernel threads that may lag behind. */
static uint64_t settled(uint64_t most)
{
	uint64_t now = meminfo_bytes("SUnreclaim");

	for (int looks = LOOKS; now > most && looks > 0; looks--) {
		usleep(LOOK_US);
		now = meminfo_bytes("SUnreclaim");
	}
	return now;
}

/* KASAN keeps freed memory for a while, up to 1/32 of all (mm/kasan/quarantine.c). */
static uint64_t quarantine(void)
{
	char why[128];

	return kernel_has_function("__asan_load8", why, sizeof(why))
		       ? meminfo_bytes("MemTotal") / 32
		       : 0;
}

void slab_check_flat(const char *file, int line, void (*work)(void *), void *argument,
		     unsigned int leak_bytes)
{
	const uint64_t before = at_rest(), kept = quarantine();
	uint64_t now = before;

	for (unsigned int round = 1; round <= ROUNDS; round++) {
		const uint64_t most = before + kept + (uint64_t)round * leak_bytes;

		work(argument);
		now = settled(most);
		fp_note("SUnreclaim was %llu KiB and is %llu KiB",
			(unsigned long long)before / 1024, (unsigned long long)now / 1024);
		if (now <= most)
			return;
	}
	fp_failf(file, line, "SUnreclaim", "no growth to speak of",
		 "%llu KiB more after doing it %d times", (unsigned long long)(now - before) / 1024,
		 ROUNDS);
}
