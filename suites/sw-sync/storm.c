// SPDX-License-Identifier: MIT
/* Fences that come and go while their timeline moves on. */
#include <stdatomic.h>
#include <unistd.h>

#include "fence.h"
#include "ktap.h"
#include "storm-parts.h"

struct moving {
	int timeline;
	atomic_uint value; /* at least this far */
};

/* Its last reference is put at about the time when it would signal. */
static void make_and_close(struct storm_thread *thread)
{
	struct moving *moving = thread->shared;
	uint32_t value = atomic_load(&moving->value) + 1 + storm_below(thread, 3);

	MUST(close(MUST(timeline_fence(moving->timeline, value))));
}

static void move_on(struct storm_thread *thread)
{
	struct moving *moving = thread->shared;

	MUST(timeline_increase(moving->timeline, 1));
	atomic_fetch_add(&moving->value, 1);
}

CASE(close_storm, "fence.timeline.close-storm", CATALOGUE("SW-09"), CLASS(ABI),
     STATEMENT("A fence may be closed at the very moment when it would signal."),
     SOURCE("drivers/dma-buf/sw_sync.c: sync_timeline_signal(), timeline_fence_release()"),
     NEEDS("sw_sync"), TIMEOUT(20000))
{
	static const struct storm_part parts[] = {
		{"make and close", 2, 3000, make_and_close},
		{"move on", 1, STORM_UNTIL_OTHERS_END, move_on},
	};
	struct moving moving = {.timeline = MUST(timeline_open_named("fp-moving"))};

	storm_parts_run(parts, sizeof(parts) / sizeof(parts[0]), &moving);
	EXPECT_EQ(timeline_pending("fp-moving", NULL), 0);
}
