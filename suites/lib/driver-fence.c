// SPDX-License-Identifier: MIT
#include "driver-fence.h"
#include "ktap.h"
#include "played-device.h"

uint32_t driver_fence(void)
{
	struct fencepost_fence wanted = {0};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_FENCE_CREATE, &wanted));
	return wanted.fence;
}

int driver_fence_add(uint32_t fence, int buffer, enum fencepost_usage usage)
{
	uint32_t held = kernel_hold(buffer);
	struct fencepost_fence_add wanted = {.fence = fence, .buffer = held, .usage = usage};
	int result = device_ioctl(FENCEPOST_IOC_FENCE_ADD, &wanted), error = errno;

	kernel_let_go(held);
	errno = error;
	return result;
}

uint32_t driver_fence_on(int buffer, enum fencepost_usage usage)
{
	uint32_t fence = driver_fence();

	EXPECT_OK(driver_fence_add(fence, buffer, usage));
	return fence;
}

int driver_fence_signal(uint32_t fence, uint32_t error)
{
	struct fencepost_fence_signal wanted = {.fence = fence, .error = error};

	return device_ioctl(FENCEPOST_IOC_FENCE_SIGNAL, &wanted);
}

int driver_fence_drop(uint32_t fence)
{
	struct fencepost_one wanted = {.id = fence};

	return device_ioctl(FENCEPOST_IOC_FENCE_DROP, &wanted);
}

void driver_fence_end(uint32_t fence)
{
	EXPECT_OK(driver_fence_signal(fence, 0));
	EXPECT_OK(driver_fence_drop(fence));
}

int driver_fence_status(uint32_t fence)
{
	struct fencepost_fence_state wanted = {.fence = fence};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_FENCE_STATE, &wanted));
	return wanted.status;
}

int driver_fence_export(uint32_t fence)
{
	struct fencepost_fence_export wanted = {.fence = fence};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_FENCE_EXPORT, &wanted));
	return wanted.fd;
}

int driver_job(struct fencepost_job job)
{
	return device_ioctl(FENCEPOST_IOC_JOB, &job);
}
