// SPDX-License-Identifier: MIT
/* cycles.c - very many buffers, one after the other, and what they leave behind. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "heap.h"
#include "holdings.h"
#include "kernel-parts.h"
#include "life.h"
#include "memory.h"

/*
 * Less than the catalogue's 10^5, for the sake of slow guests. What each leaves behind adds up to
 * enough all the same: 32 bytes at least, and where there are fewer cycles, because each takes much
 * longer, larger buffers with larger tables.
 */
struct work {
	int cycles;
	size_t pages;
	unsigned int leak_bytes; /* a growth of this much is one */
};

static const struct work usual = {4000, 1, 100 * 1024}, with_area = {600, 64, 50 * 1024};

#define LOOK_US	      20000
#define LOOKS	      200
#define AT_REST_LOOKS 15

/*
 * What a leak leaves adds up from round to round. Slabs that were emptied by another CPU than the
 * one that filled them (ION frees with a thread) do not: they are some hundred KiB, and come and
 * go.
 */
#define ROUNDS 3

static void cycle(int heap, int times, size_t bytes)
{
	for (int i = 0; i < times; i++) {
		int fd = MUST(heap_allocate(heap, bytes, O_RDWR | O_CLOEXEC, 0));
		volatile char *at = buffer_map(fd, bytes);

		at[(size_t)i % bytes] = 1;
		buffer_unmap((void *)at, bytes);
		MUST(close(fd));
	}
}

/*
 * SUnreclaim, once it has not fallen for a while: what the last buffers have left for RCU to free
 * must not hide what the next ones leave for good.
 */
static uint64_t slab_at_rest(void)
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
static uint64_t slab_settled(uint64_t most)
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

CASE(cycles, "life.cycles", CATALOGUE("LIFE-11"), CLASS(ABI),
     STATEMENT("Thousands of buffers allocated, mapped, written and freed leave nothing behind."),
     SOURCE(RELEASE_SOURCE), NEEDS("heap"), TIMEOUT(60000))
{
	const struct work *work = heap_is_cma() ? &with_area : &usual;
	const size_t bytes = work->pages * page_size();
	int heap = heap_open(O_RDWR);
	struct holdings before;
	uint64_t slab, now, most;
	int round;

	/* What is cached or held back for a while is so after these. */
	cycle(heap, work->cycles / 5, bytes);
	before = holdings_now();
	slab = slab_at_rest();
	for (round = 1; round <= ROUNDS; round++) {
		cycle(heap, work->cycles, bytes);
		most = slab + quarantine() + (uint64_t)round * work->leak_bytes;
		now = slab_settled(most);
		fp_note("SUnreclaim was %llu KiB and is %llu KiB", (unsigned long long)slab / 1024,
			(unsigned long long)now / 1024);
		if (now <= most)
			break;
	}
	if (round > ROUNDS)
		fp_failf(__FILE__, __LINE__, "SUnreclaim", "no growth to speak of",
			 "%llu KiB more after %d buffers", (unsigned long long)(now - slab) / 1024,
			 ROUNDS * work->cycles);
	EXPECT_HOLDINGS_BACK(&before);
}
