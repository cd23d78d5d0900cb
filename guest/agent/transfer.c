// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port.h"
#include "transfer.h"
#include "untar.h"

static struct {
	bool active;
	uint32_t id;
} put;

static struct {
	bool active;
	uint32_t id;
	int fd;
	uint64_t most, sent;
} get;

/* A path at the end of a frame: copies it, ended by NUL. False when it is not absolute, or not a
 * path. */
static bool take_path(const uint8_t *bytes, size_t length, char path[PATH_MAX])
{
	if (length >= PATH_MAX || bytes[0] != '/' || memchr(bytes, '\0', length))
		return false;
	memcpy(path, bytes, length);
	path[length] = '\0';
	return true;
}

static void put_fail(void)
{
	put.active = false;
	port_error(put.id, "%s", untar_problem());
	untar_abort();
}

void put_begin(const struct frame *frame)
{
	char path[PATH_MAX];

	if (put.active) {
		port_error(frame->id, "another transfer into the guest is under way");
		return;
	}
	if (!take_path(frame->payload, frame->length, path)) {
		port_error(frame->id, "the directory is not an absolute path");
		return;
	}
	put.id = frame->id;
	put.active = true;
	if (untar_begin(path))
		put_fail();
}

void put_data(const struct frame *frame)
{
	if (!put.active || put.id != frame->id)
		return;
	if (untar_data(frame->payload, frame->length))
		put_fail();
}

void put_end(const struct frame *frame)
{
	if (!put.active || put.id != frame->id)
		return;
	if (untar_end()) {
		put_fail();
		return;
	}
	put.active = false;
	port_ok(put.id);
}

void get_begin(const struct frame *frame)
{
	char path[PATH_MAX];
	struct stat status;

	if (get.active) {
		port_error(frame->id, "another transfer out of the guest is under way");
		return;
	}
	if (!take_path(frame->payload + 8, frame->length - 8, path)) {
		port_error(frame->id, "its name is not an absolute path");
		return;
	}
	get.fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (get.fd < 0) {
		port_error(frame->id, "%s", strerror(errno));
		return;
	}
	if (fstat(get.fd, &status) || !S_ISREG(status.st_mode)) {
		port_error(frame->id, "it is not a regular file");
		close(get.fd);
		return;
	}
	get.active = true;
	get.id = frame->id;
	get.most = read_u64(frame->payload);
	get.sent = 0;
}

static void get_finish(void)
{
	close(get.fd);
	get.active = false;
}

bool get_step(void)
{
	ssize_t got;

	if (!get.active || !port_has_data_room())
		return get.active;
	/* Files of /proc, /sys and debugfs do not know their size: only reading tells. */
	got = read(get.fd, port_payload(), DATA_BYTES);
	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0) {
		port_error(get.id, "%s", strerror(errno));
		get_finish();
	} else if (got == 0) {
		write_u64(port_payload(), get.sent);
		port_commit(FRAME_GET_END, 0, get.id, 8);
		get_finish();
	} else if ((uint64_t)got > get.most - get.sent) {
		port_error(get.id, "it is longer than %llu bytes", (unsigned long long)get.most);
		get_finish();
	} else {
		get.sent += (uint64_t)got;
		port_commit(FRAME_GET_DATA, 0, get.id, (size_t)got);
	}
	return get.active;
}

void transfer_kill(uint32_t id)
{
	if (put.active && put.id == id) {
		put.active = false;
		untar_abort();
		port_error(id, "ended on request");
	}
	if (get.active && get.id == id) {
		get_finish();
		port_error(id, "ended on request");
	}
}

void transfer_abandon(void)
{
	if (put.active)
		untar_abort();
	put.active = false;
	if (get.active)
		get_finish();
}
