// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "ktap.h"
#include "played-device.h"
#include "played-exporter.h"

bool device_can(uint32_t feature)
{
	struct fencepost_info info;

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_INFO, &info));
	return info.features & feature;
}

struct exported exported_make(size_t bytes, uint32_t flags)
{
	struct fencepost_export wanted = {.size = bytes, .flags = flags};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_EXPORT, &wanted));
	return (struct exported){.fd = wanted.fd, .export = wanted.export};
}

struct fencepost_call exported_call(struct exported exported, enum fencepost_call_of of)
{
	struct fencepost_calls calls = {.export = exported.export};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_EXPORT_CALLS, &calls));
	return calls.of[of];
}

uint32_t exported_count(struct exported exported, enum fencepost_call_of of)
{
	return exported_call(exported, of).count;
}

void exported_fail(struct exported exported, enum fencepost_call_of of, int error, uint32_t times)
{
	struct fencepost_fail wanted = {
		.export = exported.export, .call = of, .error = (uint32_t)error, .times = times};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_EXPORT_FAIL, &wanted));
}

void exported_move(struct exported exported, uint32_t flags)
{
	struct fencepost_move wanted = {.fd = exported.fd, .flags = flags};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_EXPORT_MOVE, &wanted));
}

int device_try_attach(uint32_t device, int buffer, uint32_t flags, uint32_t *attachment)
{
	struct fencepost_attach wanted = {.fd = buffer, .device = device, .flags = flags};
	int result = device_ioctl(FENCEPOST_IOC_ATTACH, &wanted);

	*attachment = wanted.attachment;
	return result;
}

uint32_t device_attach_dynamic(uint32_t device, int buffer)
{
	uint32_t attachment;

	EXPECT_OK(device_try_attach(device, buffer, FENCEPOST_ATTACH_DYNAMIC, &attachment));
	return attachment;
}

struct fencepost_notified device_notified(uint32_t attachment)
{
	struct fencepost_notified notified = {.attachment = attachment};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_NOTIFIED, &notified));
	return notified;
}

int device_pin(uint32_t attachment)
{
	struct fencepost_one wanted = {.id = attachment};

	return device_ioctl(FENCEPOST_IOC_PIN, &wanted);
}

void device_unpin(uint32_t attachment)
{
	struct fencepost_one wanted = {.id = attachment};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_UNPIN, &wanted));
}

struct fencepost_table device_table(uint32_t attachment)
{
	struct fencepost_table table = {.attachment = attachment};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_TABLE, &table));
	return table;
}

void device_limit(uint32_t device, uint64_t limit)
{
	struct fencepost_limit wanted = {.device = device, .limit = limit};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_DEVICE_LIMIT, &wanted));
}
