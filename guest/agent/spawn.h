/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_SPAWN_H
#define FENCEPOST_SPAWN_H

#include <sys/types.h>

#include "frame.h"

/*
 * Starts the program of a RUN frame: a session of its own, standard input /dev/null, standard
 * output and error two pipes, whose reading ends go to pipes[0] and pipes[1]. Returns its process
 * id; -1 with errno and *problem set when the frame makes no sense or the program cannot be
 * executed.
 */
pid_t spawn(const struct frame *run, int pipes[2], const char **problem);

#endif
