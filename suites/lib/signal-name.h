/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_SIGNAL_NAME_H
#define FENCEPOST_SIGNAL_NAME_H

/* "SIGSEGV" for 11; "signal 40" style text for one without a name. */
const char *fp_signal_name(int signal);

#endif
