// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

/* devkmsg_write() refuses more than about 1000 bytes (kernel/printk/printk.c). */
#define LINE_BYTES 900

static int kmsg = -1;

void log_open(void)
{
	/* Fails where printk.devkmsg= on the command line has settled it; both are fine. */
	write_text("/proc/sys/kernel/printk_devkmsg", "on\n");
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

/* `line` has room for a newline behind `length`. */
static int write_line(char *line, size_t prefix, size_t length)
{
	if (kmsg < 0) {
		errno = ENODEV;
		return -1;
	}
	for (size_t i = prefix; i < length; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	/* Without its newline a record stays open for more, and off the console, until the next one
	 * (vprintk_store()). */
	line[length] = '\n';
	return write(kmsg, line, length + 1) < 0 ? -1 : 0;
}

int log_line(const char *format, ...)
{
	char line[LINE_BYTES + 1];
	int prefix = snprintf(line, LINE_BYTES, "<4>fencepost: ");
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line + prefix, LINE_BYTES - (size_t)prefix, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -1;
	length += prefix;
	return write_line(line, (size_t)prefix,
			  length < LINE_BYTES ? (size_t)length : LINE_BYTES - 1);
}

int log_text(const char *text, size_t length)
{
	return log_line("%.*s", (int)(length < LINE_BYTES ? length : LINE_BYTES), text);
}
