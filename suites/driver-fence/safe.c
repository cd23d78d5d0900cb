// SPDX-License-Identifier: MIT
/* The module's own promises: nobody waits for ever, whatever is asked of it. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "driver-fence.h"
#include "fence.h"
#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "polled.h"
#include "ready.h"
#include "waiter.h"

#define SAFE                                                                                       \
	CATALOGUE("ESF-13"), CLASS(ABI), SOURCE("docs/device.md: Fences and jobs"),                \
		NEEDS("heap device")

CASE(twice, "fence.driver.once", SAFE,
     STATEMENT("A driver's fence signals once: EALREADY after that, and its first error stays."))
{
	uint32_t fence = driver_fence();

	EXPECT_EQ(driver_fence_status(fence), 0);
	EXPECT_ERRNO(driver_fence_drop(fence), EBUSY);
	EXPECT_OK(driver_fence_signal(fence, ENODEV));
	EXPECT_ERRNO(driver_fence_signal(fence, 0), EALREADY);
	EXPECT_ERRNO(driver_fence_signal(fence, EIO), EALREADY);
	EXPECT_EQ(driver_fence_status(fence), -ENODEV);
	EXPECT_OK(driver_fence_drop(fence));
	EXPECT_ERRNO(driver_fence_drop(fence), ENOENT);
}

CASE(wrong, "fence.driver.refused", SAFE,
     STATEMENT("Numbers that mean nothing are ENOENT, values that mean nothing EINVAL, too many "
	       "ENOSPC."))
{
	int buffer = heap_buffer(page_size());
	uint32_t held = kernel_hold(buffer), fence = driver_fence();
	struct fencepost_fence flagged = {.flags = 1};
	struct fencepost_fence_add add = {.fence = fence, .buffer = held, .usage = 4};
	uint32_t made = 1;

	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_FENCE_CREATE, &flagged), EINVAL);
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_FENCE_ADD, &add), EINVAL);
	add = (struct fencepost_fence_add){.fence = fence, .buffer = held, .pad = 1};
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_FENCE_ADD, &add), EINVAL);
	add = (struct fencepost_fence_add){.fence = fence, .buffer = held + 1};
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_FENCE_ADD, &add), ENOENT);
	add = (struct fencepost_fence_add){.fence = fence + 1, .buffer = held};
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_FENCE_ADD, &add), ENOENT);
	EXPECT_ERRNO(driver_fence_signal(fence + 1, 0), ENOENT);
	EXPECT_ERRNO(driver_fence_signal(0, 0), ENOENT);
	EXPECT_ERRNO(driver_fence_signal(fence, 4096), EINVAL);
	EXPECT_ERRNO(driver_fence_signal(fence, UINT32_MAX), EINVAL);
	EXPECT_EQ(driver_fence_status(fence), 0);
	for (; made < FENCEPOST_MAX_FENCES; made++)
		driver_fence();
	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_FENCE_CREATE, &(struct fencepost_fence){0}),
		     ENOSPC);
	driver_fence_end(fence);
	driver_fence();
}

/* Puts a fence on the buffer by a descriptor of its own, which goes with it. */
static long leave_pending(void *argument)
{
	driver_fence_on(*(const int *)argument, FENCEPOST_WRITE);
	return 0;
}

static void leave_eight(void *of)
{
	const int buffer = *(const int *)of;

	for (int i = 0; i < 8; i++)
		driver_fence_on(buffer, i % 2 ? FENCEPOST_READ : FENCEPOST_WRITE);
}

CASE(abandoned, "fence.driver.abandoned", SAFE,
     STATEMENT("Fences that are pending when their descriptor is closed, or its owner killed, "
	       "signal: pollers wake, and a sync_file says ECANCELED."))
{
	struct fencepost_fence_export exported = {0};
	struct fencepost_fence made = {0};
	int buffer = heap_buffer(page_size()), node;
	struct waiter child = waiter_start(leave_pending, &buffer), sleeper;
	pid_t owner;

	EXPECT_EQ(waiter_answer(&child).result, 0);
	EXPECT_READY(buffer, BOTH);

	owner = child_keeping(leave_eight, &buffer);
	sleeper = waiter_start(polled_wait, &(struct polled){buffer, POLLOUT, 0});
	EXPECT_ASLEEP(&sleeper);
	child_kill(owner);
	EXPECT_EQ(waiter_answer(&sleeper).result, POLLOUT);

	/* The same process's other descriptor. */
	node = MUST(open(FENCEPOST_NODE, O_RDWR | O_CLOEXEC));
	MUST(ioctl(node, (int)FENCEPOST_IOC_FENCE_CREATE, &made));
	exported.fence = made.fence;
	MUST(ioctl(node, (int)FENCEPOST_IOC_FENCE_EXPORT, &exported));
	EXPECT_EQ(fence_poll(exported.fd, POLLIN), 0);
	MUST(close(node));
	EXPECT_EQ(fence_poll(exported.fd, POLLIN), POLLIN);
	EXPECT_EQ(fence_status(exported.fd), -ECANCELED);
}

/* A device with two buffers mapped, and what is in the first. */
struct moving {
	size_t bytes;
	int from, to;
	uint32_t source, target;
};

static struct moving prepare(void)
{
	struct moving moving = {.bytes = 3 * page_size()};
	unsigned char *copy = malloc(moving.bytes);

	EXPECT_TRUE(copy);
	moving.from = heap_buffer(moving.bytes);
	moving.to = heap_buffer(moving.bytes);
	moving.source = device_with(moving.from, FENCEPOST_BIDIRECTIONAL);
	moving.target = device_with(moving.to, FENCEPOST_BIDIRECTIONAL);
	fill(copy, 0, moving.bytes, 1);
	device_write(moving.source, 0, copy, moving.bytes);
	free(copy);
	return moving;
}

static struct fencepost_job job_of(const struct moving *moving, uint32_t fence)
{
	return (struct fencepost_job){.fence = fence,
				      .from = moving->source,
				      .to = moving->target,
				      .length = moving->bytes,
				      .wait = -1};
}

CASE(job, "fence.driver.job", SAFE,
     STATEMENT("A device's job moves its bytes, and its fence signals when they are there; at once "
	       "when it is signalled by hand, and not at all when that is with an error."))
{
	struct moving moving = prepare();
	unsigned char *copy = malloc(moving.bytes);
	struct fencepost_job job = job_of(&moving, driver_fence());
	int file = driver_fence_export(job.fence);

	EXPECT_TRUE(copy);
	job.delay_ms = 20;
	EXPECT_OK(driver_job(job));
	EXPECT_ERRNO(driver_job(job), EBUSY);
	EXPECT_EQ(MUST(poll(&(struct pollfd){.fd = file, .events = POLLIN}, 1, 5000)), 1);
	EXPECT_EQ(driver_fence_status(job.fence), 1);
	device_read(moving.target, 0, copy, moving.bytes);
	EXPECT_FILLED(copy, 0, moving.bytes, 1);

	job = job_of(&moving, driver_fence());
	job.delay_ms = FENCEPOST_MAX_DELAY_MS;
	job.change = 0xff;
	job.from_offset = 1;
	job.length = page_size();
	EXPECT_OK(driver_job(job));
	EXPECT_OK(driver_fence_signal(job.fence, EIO));
	device_read(moving.target, 0, copy, moving.bytes);
	EXPECT_FILLED(copy, 0, moving.bytes, 1);
	EXPECT_OK(driver_fence_drop(job.fence));
	job.fence = driver_fence();
	EXPECT_OK(driver_job(job));
	EXPECT_OK(driver_fence_signal(job.fence, 0));
	device_read(moving.target, 0, copy, moving.bytes);
	for (size_t i = 0; i < job.length; i++)
		copy[i] ^= 0xff;
	EXPECT_FILLED(copy, 1, job.length, 1);
	EXPECT_FILLED(copy + job.length, job.length, moving.bytes - job.length, 1);
	EXPECT_OK(driver_fence_drop(job.fence));
}

CASE(job_refused, "fence.driver.job-refused", SAFE,
     STATEMENT("A job that means nothing is refused and leaves its fence as it was; one that has "
	       "become impossible ends its fence with the reason."))
{
	struct moving moving = prepare();
	struct fencepost_job job = job_of(&moving, driver_fence());

	/* Long enough to be signalled by hand. */
	job.delay_ms = FENCEPOST_MAX_DELAY_MS;
#define REFUSED(field, value, error)                                                               \
	do {                                                                                       \
		struct fencepost_job wrong = job;                                                  \
		wrong.field = (value);                                                             \
		fp_context(#field);                                                                \
		EXPECT_ERRNO(driver_job(wrong), (error));                                          \
	} while (0)
	REFUSED(flags, 4, EINVAL);
	REFUSED(pad, 1, EINVAL);
	REFUSED(length, FENCEPOST_MAX_JOB + 1, EINVAL);
	REFUSED(delay_ms, FENCEPOST_MAX_DELAY_MS + 1, EINVAL);
	REFUSED(change, 0x100, EINVAL);
	REFUSED(wait, -2, EINVAL);
	REFUSED(wait, moving.from, EBADF);
	REFUSED(fence, job.fence + 1, ENOENT);
	REFUSED(from, 99, ENOENT);
	REFUSED(to, 0, ENOENT);
	EXPECT_EQ(driver_fence_status(job.fence), 0);
	job.to_offset = 1;
	EXPECT_OK(driver_job(job));
	EXPECT_OK(driver_fence_signal(job.fence, 0));
	EXPECT_EQ(driver_fence_status(job.fence), -EINVAL);
	REFUSED(to_offset, 0, EBUSY);

	/* The mapping goes while the job waits. */
	job = job_of(&moving, driver_fence());
	/* Its own: it would wait until it is overdue. */
	job.wait = driver_fence_export(job.fence);
	EXPECT_OK(driver_job(job));
	device_unmap(moving.target);
	EXPECT_OK(driver_fence_signal(job.fence, 0));
	EXPECT_EQ(driver_fence_status(job.fence), -EINVAL);
	job = job_of(&moving, driver_fence());
	job.delay_ms = 10;
	EXPECT_OK(driver_job(job));
	device_detach(moving.target);
	EXPECT_EQ(buffer_poll(driver_fence_export(job.fence), POLLIN, 5000), POLLIN);
	EXPECT_TRUE(driver_fence_status(job.fence) < 0);
#undef REFUSED
}

CASE(job_abandoned, "fence.driver.job-abandoned", SAFE,
     STATEMENT("Jobs that wait for each other, and for a fence that never comes, go with their "
	       "descriptor."))
{
	int buffer = heap_buffer(page_size()), other = heap_buffer(page_size());
	pid_t owner = MUST(fork());

	if (!owner) {
		uint32_t never = driver_fence();
		struct fencepost_job job = {.length = page_size(),
					    .flags = FENCEPOST_JOB_IMPLICIT | FENCEPOST_JOB_MAPS};

		job.from = device_attach(device_make(), buffer);
		job.to = device_attach(device_make(), other);
		job.wait = driver_fence_export(never);
		for (int i = 0; i < 16; i++) {
			job.fence = driver_fence();
			EXPECT_OK(driver_job(job));
			job.wait = driver_fence_export(job.fence);
		}
		job.fence = driver_fence();
		job.wait = -1;
		job.delay_ms = FENCEPOST_MAX_DELAY_MS;
		EXPECT_OK(driver_job(job));
		EXPECT_READY(other, 0);
		_exit(0);
	}
	MUST(waitpid(owner, NULL, 0));
	EXPECT_READY(buffer, BOTH);
	EXPECT_READY(other, BOTH);
}
