// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "played-device.h"
#include "heap.h"
#include "ion.h"
#include "ktap.h"
#include "pages.h"

static int ask(int node, unsigned int command, void *argument)
{
	return ioctl(node, (int)command, argument);
}

/* For a look before any case has begun: what a case makes is made through its own descriptor. */
static bool read_info(struct fencepost_info *info)
{
	int node = open(FENCEPOST_NODE, O_RDWR | O_CLOEXEC), error;
	bool known;

	if (node < 0)
		return false;
	known = !ask(node, FENCEPOST_IOC_INFO, info);
	error = errno;
	close(node);
	errno = error;
	return known;
}

bool device_there(char *why, size_t size)
{
	struct fencepost_info info;

	if (!read_info(&info)) {
		snprintf(why, size, "%s: %s", FENCEPOST_NODE, strerror(errno));
		return false;
	}
	if (info.version == FENCEPOST_VERSION)
		return true;
	snprintf(why, size, "%s speaks version %u, this program %u", FENCEPOST_NODE, info.version,
		 FENCEPOST_VERSION);
	return false;
}

bool device_bounces(void)
{
	struct fencepost_info info;

	EXPECT_TRUE(read_info(&info));
	return info.features & FENCEPOST_BOUNCES;
}

bool device_masters(void)
{
	struct fencepost_info info;

	EXPECT_TRUE(read_info(&info));
	return info.features & FENCEPOST_HAS_MASTERS;
}

bool device_masters_translated(void)
{
	struct fencepost_info info;

	EXPECT_TRUE(read_info(&info));
	return info.features & FENCEPOST_MASTERS_TRANSLATED;
}

int device_ioctl(unsigned int command, void *argument)
{
	static _Thread_local pid_t owner;
	static _Thread_local int node;

	/* A child's are its own, and what its parent has made is not in its reach; nor a thread's.
	 */
	if (owner != getpid()) {
		node = MUST(open(FENCEPOST_NODE, O_RDWR | O_CLOEXEC));
		owner = getpid();
	}
	return ask(node, command, argument);
}

uint32_t device_make_limited(struct fencepost_device wanted)
{
	EXPECT_OK(device_ioctl(FENCEPOST_IOC_DEVICE_CREATE, &wanted));
	return wanted.device;
}

uint32_t device_make(void)
{
	return device_make_limited((struct fencepost_device){});
}

static int one(unsigned int command, uint32_t id)
{
	struct fencepost_one argument = {.id = id};

	return device_ioctl(command, &argument);
}

void device_destroy(uint32_t device)
{
	EXPECT_OK(one(FENCEPOST_IOC_DEVICE_DESTROY, device));
}

uint32_t device_attach(uint32_t device, int buffer)
{
	struct fencepost_attach wanted = {.fd = buffer, .device = device};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_ATTACH, &wanted));
	return wanted.attachment;
}

void device_detach(uint32_t attachment)
{
	EXPECT_OK(one(FENCEPOST_IOC_DETACH, attachment));
}

int device_map(uint32_t attachment, enum fencepost_direction direction)
{
	struct fencepost_map wanted = {.attachment = attachment, .direction = direction};

	return device_ioctl(FENCEPOST_IOC_MAP, &wanted);
}

void device_unmap(uint32_t attachment)
{
	EXPECT_OK(one(FENCEPOST_IOC_UNMAP, attachment));
}

uint32_t device_with(int buffer, enum fencepost_direction direction)
{
	uint32_t attachment = device_attach(device_make(), buffer);

	MUST(device_map(attachment, direction));
	return attachment;
}

static int transfer(unsigned int command, uint32_t id, size_t offset, const void *data,
		    size_t bytes)
{
	struct fencepost_transfer wanted = {
		.id = id, .offset = offset, .length = bytes, .data = (uintptr_t)data};

	return device_ioctl(command, &wanted);
}

void device_read(uint32_t attachment, size_t offset, void *data, size_t bytes)
{
	EXPECT_OK(transfer(FENCEPOST_IOC_DEVICE_READ, attachment, offset, data, bytes));
}

void device_write(uint32_t attachment, size_t offset, const void *data, size_t bytes)
{
	EXPECT_OK(transfer(FENCEPOST_IOC_DEVICE_WRITE, attachment, offset, data, bytes));
}

uint32_t device_claim(void)
{
	struct fencepost_master wanted = {};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_MASTER_CLAIM, &wanted));
	return wanted.device;
}

void device_stray_read(uint32_t attachment, size_t offset, void *data, size_t bytes)
{
	EXPECT_OK(transfer(FENCEPOST_IOC_STRAY_READ, attachment, offset, data, bytes));
}

void device_stray_write(uint32_t attachment, size_t offset, const void *data, size_t bytes)
{
	EXPECT_OK(transfer(FENCEPOST_IOC_STRAY_WRITE, attachment, offset, data, bytes));
}

uint32_t device_segments(uint32_t attachment, struct fencepost_segment **segments)
{
	struct fencepost_segments wanted = {.attachment = attachment};
	uint64_t bytes = 0;
	uint32_t count;

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_SEGMENTS, &wanted));
	count = wanted.count;
	*segments = calloc(count + 1, sizeof(**segments));
	EXPECT_TRUE(*segments);
	wanted.data = (uintptr_t)*segments;
	EXPECT_OK(device_ioctl(FENCEPOST_IOC_SEGMENTS, &wanted));
	EXPECT_EQ(wanted.count, count);
	for (uint32_t i = 0; i < count; i++)
		bytes += (*segments)[i].length;
	EXPECT_EQ(wanted.bytes, bytes);
	return count;
}

uint32_t kernel_hold(int buffer)
{
	struct fencepost_hold wanted = {.fd = buffer};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_HOLD, &wanted));
	return wanted.buffer;
}

void kernel_let_go(uint32_t held)
{
	EXPECT_OK(one(FENCEPOST_IOC_LET_GO, held));
}

struct fencepost_state kernel_state(uint32_t held)
{
	struct fencepost_state state = {.buffer = held};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_STATE, &state));
	return state;
}

uint64_t kernel_vmap(uint32_t held)
{
	struct fencepost_vmap wanted = {.buffer = held};

	if (ion_subject())
		fp_skip("needs vmap: the buffers of ION have none (ion.access.no-vmap)");
	EXPECT_OK(device_ioctl(FENCEPOST_IOC_VMAP, &wanted));
	return wanted.address;
}

uint32_t kernel_vunmap(uint32_t held)
{
	struct fencepost_vmap wanted = {.buffer = held};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_VUNMAP, &wanted));
	return wanted.present;
}

void kernel_read(uint32_t held, size_t offset, void *data, size_t bytes)
{
	EXPECT_OK(transfer(FENCEPOST_IOC_KERNEL_READ, held, offset, data, bytes));
}

void kernel_write(uint32_t held, size_t offset, const void *data, size_t bytes)
{
	EXPECT_OK(transfer(FENCEPOST_IOC_KERNEL_WRITE, held, offset, data, bytes));
}

void kernel_pages(uint32_t held, uint64_t *pages, uint32_t count)
{
	struct fencepost_pages wanted = {.buffer = held, .count = count, .data = (uintptr_t)pages};

	EXPECT_OK(device_ioctl(FENCEPOST_IOC_PAGES, &wanted));
}

int kernel_begin_access(uint32_t held, enum fencepost_direction direction)
{
	struct fencepost_access wanted = {.buffer = held, .direction = direction};

	return device_ioctl(FENCEPOST_IOC_BEGIN_ACCESS, &wanted);
}

int kernel_end_access(uint32_t held, enum fencepost_direction direction)
{
	struct fencepost_access wanted = {.buffer = held, .direction = direction};

	return device_ioctl(FENCEPOST_IOC_END_ACCESS, &wanted);
}

size_t device_room(void)
{
	size_t bytes = device_bounces() ? 204 * KIB : CHUNKED_PAGES * page_size();

	return bytes - bytes % page_size();
}
