/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_MODULE_JOB_H
#define FENCEPOST_MODULE_JOB_H

/*
 * The agent's program as an ordinary job, for modules that came by PUT:
 *
 *   insmod FILE [NAME=VALUE]...   loads a module
 *   rmmod NAME [HEAP]...          unloads a module; the heaps that it brought must be gone then
 *
 * With "--case ID" they speak KTAP, as a suite with this one case does: comments `heap: NAME` say
 * which heaps came with a module, `kernel: TEXT` what the kernel logged meanwhile when it failed.
 * Without, a failure is a line on standard error and status 1 (rmmod of a module without an exit
 * function: 3).
 *
 * Returns the exit status, or -1 when the arguments are neither.
 */
int module_job(int argc, char **argv);

#endif
