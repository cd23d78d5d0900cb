// SPDX-License-Identifier: MIT
/* Fences that go while their timeline moves on. */
#include <stdatomic.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"
#include "storm-parts.h"

enum { FENCES = 64, ROUNDS = 150, SPIN_MAX = 3000 };

struct moving {
	int timeline;
	uint32_t made;	 /* how far there have been fences */
	atomic_uint due; /* how far the timeline is to move */
	atomic_uint is;	 /* how far it has moved */
};

static void spin(struct storm_thread *thread)
{
	for (volatile unsigned int left = storm_below(thread, SPIN_MAX); left; left--)
		;
}

/* Last fence first: the timeline signals them from the other end. */
static void make_and_close(struct storm_thread *thread)
{
	struct moving *moving = thread->shared;
	int fence[FENCES];

	for (int i = 0; i < FENCES; i++)
		fence[i] = MUST(timeline_fence(moving->timeline, ++moving->made));
	atomic_store(&moving->due, moving->made);
	spin(thread);
	for (int i = FENCES; i-- > 0;)
		MUST(close(fence[i]));
	while (atomic_load(&moving->is) != moving->made)
		usleep(10);
}

static void move_on(struct storm_thread *thread)
{
	struct moving *moving = thread->shared;

	if (atomic_load(&moving->due) == atomic_load(&moving->is))
		return;
	spin(thread);
	MUST(timeline_increase(moving->timeline, FENCES));
	atomic_fetch_add(&moving->is, FENCES);
}

CASE(close_storm, "fence.timeline.close-storm", CATALOGUE("SW-09"), CLASS(ABI),
     STATEMENT("A fence may be closed at the very moment when it signals."),
     SOURCE("drivers/dma-buf/sw_sync.c: sync_timeline_signal(), timeline_fence_release()"),
     NEEDS("sw_sync"), TIMEOUT(20000))
{
	static const struct storm_part parts[] = {
		{"make and close", 1, ROUNDS, make_and_close},
		{"move on", 1, STORM_UNTIL_OTHERS_END, move_on},
	};
	struct moving moving = {.timeline = MUST(timeline_open_named("fp-moving"))};

	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &moving);
	EXPECT_EQ(timeline_pending("fp-moving", NULL), 0);
}
