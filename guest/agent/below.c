// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "below.h"

/* Whether a path, cut at its slashes, has a part "..". */
static bool has_parent_part(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += length;
		path += strspn(path, "/");
	}
	return false;
}

/* Takes the next part of a path that is neither empty nor "."; false at its end, or when it is too
 * long. */
static bool next_part(const char **path, char part[NAME_MAX + 1])
{
	size_t length;

	do {
		*path += strspn(*path, "/");
		length = strcspn(*path, "/");
		if (!length || length > NAME_MAX)
			return false;
		memcpy(part, *path, length);
		part[length] = '\0';
		*path += length;
	} while (!strcmp(part, "."));
	return true;
}

/* Opens, or makes and opens, one directory. No symbolic link is followed. */
static int step(int directory, const char *part, mode_t mode)
{
	int fd;

	if (mkdirat(directory, part, mode) && errno != EEXIST)
		return -1;
	fd = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		errno = EXDEV;
	return fd;
}

/*
 * Opens the directory that a path's last part is in, and copies that part. The part comes out empty
 * where the path is the root itself.
 */
static int open_parent(int root, const char *path, char last[NAME_MAX + 1])
{
	char next[NAME_MAX + 1];
	int directory;

	if (path[0] == '/' || has_parent_part(path)) {
		errno = EXDEV;
		return -1;
	}
	directory = fcntl(root, F_DUPFD_CLOEXEC, 3);
	last[0] = '\0';
	if (directory < 0 || !next_part(&path, last))
		goto end;
	while (next_part(&path, next)) {
		int deeper = step(directory, last, 0755);
		int error = errno;

		close(directory);
		errno = error;
		if (deeper < 0)
			return -1;
		directory = deeper;
		strcpy(last, next);
	}
end:
	if (directory >= 0 && path[strspn(path, "/")]) {
		close(directory);
		errno = ENAMETOOLONG;
		return -1;
	}
	return directory;
}

static int close_keeping_errno(int fd, int result)
{
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

int below_directory(int root, const char *path, mode_t mode)
{
	char last[NAME_MAX + 1];
	int parent = open_parent(root, path, last);
	int fd;

	if (parent < 0)
		return -1;
	if (!last[0])
		return close_keeping_errno(parent, 0);
	fd = step(parent, last, mode);
	if (fd < 0)
		return close_keeping_errno(parent, -1);
	close(fd);
	return close_keeping_errno(parent, 0);
}

/* Makes room for a new file or link. */
static int open_parent_cleared(int root, const char *path, char last[NAME_MAX + 1])
{
	int parent = open_parent(root, path, last);

	if (parent < 0)
		return -1;
	if (!last[0]) {
		errno = EISDIR;
		return close_keeping_errno(parent, -1);
	}
	if (unlinkat(parent, last, 0) && errno != ENOENT)
		return close_keeping_errno(parent, -1);
	return parent;
}

int below_file(int root, const char *path, mode_t mode)
{
	char last[NAME_MAX + 1];
	int parent = open_parent_cleared(root, path, last);

	if (parent < 0)
		return -1;
	return close_keeping_errno(
		parent,
		openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}

int below_symlink(int root, const char *path, const char *target)
{
	char last[NAME_MAX + 1];
	int parent;

	if (target[0] == '/' || has_parent_part(target)) {
		errno = EXDEV;
		return -1;
	}
	parent = open_parent_cleared(root, path, last);
	if (parent < 0)
		return -1;
	return close_keeping_errno(parent, symlinkat(target, parent, last));
}

int open_directory(const char *path)
{
	char made[PATH_MAX];
	size_t length = strlen(path);

	if (path[0] != '/' || length >= sizeof(made)) {
		errno = path[0] == '/' ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(made, path, i);
		made[i] = '\0';
		if (mkdir(made, 0755) && errno != EEXIST)
			return -1;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
