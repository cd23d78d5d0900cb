// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "below.h"
#include "tar-header.h"
#include "untar.h"

/* Most bytes of pax records or of a long name. */
#define EXTENSION_BYTES (16 * 1024)

static struct {
	int root; /* 0 when none: standard input is never one of these */
	int file; /* being written; 0 when none */
	bool ended;
	uint8_t block[TAR_BLOCK];
	size_t fill;
	uint64_t remaining; /* of the entry's data */
	size_t padding;	    /* behind it, to a whole block */
	struct tar_header entry;
	struct tar_extension next;
	char records[EXTENSION_BYTES];
	size_t records_fill;
	char problem[512];
} tar = {.root = -1, .file = -1};

const char *untar_problem(void)
{
	return tar.problem;
}

static int refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(tar.problem, sizeof(tar.problem), format, arguments);
	va_end(arguments);
	return -1;
}

static int refuse_entry(const char *what)
{
	if (errno == EXDEV)
		return refuse("%.300s: it leads out of the directory, or through a symbolic link",
			      tar.entry.path);
	return refuse("%.300s: %s: %s", tar.entry.path, what, strerror(errno));
}

int untar_begin(const char *directory)
{
	untar_abort();
	tar.ended = false;
	tar.fill = 0;
	tar.remaining = tar.padding = 0;
	memset(&tar.next, 0, sizeof(tar.next));
	tar.problem[0] = '\0';
	tar.root = open_directory(directory);
	if (tar.root < 0) {
		tar.root = 0;
		return refuse("%.300s: %s", directory, strerror(errno));
	}
	return 0;
}

void untar_abort(void)
{
	if (tar.file)
		close(tar.file);
	if (tar.root)
		close(tar.root);
	tar.file = tar.root = 0;
}

int untar_end(void)
{
	bool complete = tar.ended;

	untar_abort();
	return complete ? 0 : refuse("the tar stream ends before its end mark");
}

static bool is_extension(char kind)
{
	return kind == 'x' || kind == 'g' || kind == 'L' || kind == 'K';
}

/* Takes over what extensions said of this entry. */
static void apply_extension(void)
{
	if (tar.next.has_path)
		strcpy(tar.entry.path, tar.next.path);
	if (tar.next.has_link)
		strcpy(tar.entry.link, tar.next.link);
	if (tar.next.has_size)
		tar.entry.size = tar.next.size;
	memset(&tar.next, 0, sizeof(tar.next));
}

/* A header is whole: makes what it names, and prepares for its data. */
static int begin_entry(void)
{
	const char *problem = tar_header_parse(tar.block, &tar.entry);

	if (problem)
		return refuse("the tar stream has %s", problem);
	if (is_extension(tar.entry.kind)) {
		if (tar.entry.size > EXTENSION_BYTES)
			return refuse("the tar stream has an extended header of %llu bytes",
				      (unsigned long long)tar.entry.size);
		tar.records_fill = 0;
	} else {
		apply_extension();
		switch (tar.entry.kind) {
		case '0':
			tar.file = below_file(tar.root, tar.entry.path, tar.entry.mode);
			if (tar.file < 0) {
				tar.file = 0;
				return refuse_entry("cannot make the file");
			}
			/* The process's umask had its say, which is not the stream's. */
			fchmod(tar.file, tar.entry.mode);
			break;
		case '5':
			tar.entry.size = 0;
			if (below_directory(tar.root, tar.entry.path, tar.entry.mode | 0700))
				return refuse_entry("cannot make the directory");
			break;
		case '2':
			tar.entry.size = 0;
			if (below_symlink(tar.root, tar.entry.path, tar.entry.link))
				return refuse_entry("cannot make the symbolic link");
			break;
		default:
			return refuse(
				"%.300s: entries of type '%c' are not unpacked", tar.entry.path,
				tar.entry.kind >= ' ' && tar.entry.kind <= '~' ? tar.entry.kind
									       : '?');
		}
	}
	tar.remaining = tar.entry.size;
	tar.padding = (size_t)(-tar.entry.size & (TAR_BLOCK - 1));
	return 0;
}

/* An extended header's data is whole. */
static int end_extension(void)
{
	bool *has = tar.entry.kind == 'L' ? &tar.next.has_path : &tar.next.has_link;
	char *path = tar.entry.kind == 'L' ? tar.next.path : tar.next.link;
	const char *problem;

	switch (tar.entry.kind) {
	case 'x':
		problem = tar_extension_parse(tar.records, tar.records_fill, &tar.next);
		return problem ? refuse("the tar stream has %s", problem) : 0;
	case 'L':
	case 'K':
		if (tar.records_fill >= PATH_MAX)
			return refuse("the tar stream has a name of %zu bytes", tar.records_fill);
		memcpy(path, tar.records, tar.records_fill);
		path[tar.records_fill] = '\0';
		*has = true;
		return 0;
	default:
		/* 'g' speaks of all entries: nothing in it matters here. */
		return 0;
	}
}

static int end_entry(void)
{
	if (is_extension(tar.entry.kind))
		return end_extension();
	if (tar.file && close(tar.file)) {
		tar.file = 0;
		return refuse_entry("cannot write");
	}
	tar.file = 0;
	return 0;
}

static int take_data(const uint8_t *bytes, size_t length)
{
	if (is_extension(tar.entry.kind)) {
		/* begin_entry() has seen to it that this fits. */
		memcpy(tar.records + tar.records_fill, bytes, length);
		tar.records_fill += length;
		return 0;
	}
	while (length) {
		ssize_t written = write(tar.file, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return refuse_entry("cannot write");
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Takes some of the bytes, as many as belong together. Returns how many, or -1. */
static long take_some(const uint8_t *bytes, size_t length)
{
	size_t take;

	if (tar.remaining) {
		take = length < tar.remaining ? length : (size_t)tar.remaining;
		if (take_data(bytes, take))
			return -1;
		tar.remaining -= take;
		return !tar.remaining && end_entry() ? -1 : (long)take;
	}
	if (tar.padding) {
		take = length < tar.padding ? length : tar.padding;
		tar.padding -= take;
		return (long)take;
	}
	take = length < TAR_BLOCK - tar.fill ? length : TAR_BLOCK - tar.fill;
	memcpy(tar.block + tar.fill, bytes, take);
	tar.fill += take;
	if (tar.fill < TAR_BLOCK)
		return (long)take;
	tar.fill = 0;
	if (tar_block_is_zero(tar.block)) {
		tar.ended = true;
		return (long)take;
	}
	if (begin_entry() || (!tar.remaining && end_entry()))
		return -1;
	return (long)take;
}

int untar_data(const uint8_t *bytes, size_t length)
{
	/* Behind the end mark there is only filling. */
	while (length && !tar.ended) {
		long taken = take_some(bytes, length);

		if (taken < 0)
			return -1;
		bytes += taken;
		length -= (size_t)taken;
	}
	return 0;
}
