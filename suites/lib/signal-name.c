// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdio.h>

#include "signal-name.h"

#define NAME(signal) [signal] = #signal

static const char *const names[] = {
	NAME(SIGHUP),  NAME(SIGINT),  NAME(SIGQUIT), NAME(SIGILL),  NAME(SIGTRAP), NAME(SIGABRT),
	NAME(SIGBUS),  NAME(SIGFPE),  NAME(SIGKILL), NAME(SIGUSR1), NAME(SIGSEGV), NAME(SIGUSR2),
	NAME(SIGPIPE), NAME(SIGALRM), NAME(SIGTERM), NAME(SIGCHLD), NAME(SIGSTOP), NAME(SIGTSTP),
	NAME(SIGXCPU), NAME(SIGXFSZ), NAME(SIGSYS),
};

const char *fp_signal_name(int signal)
{
	static char unnamed[32];

	if (signal > 0 && (size_t)signal < sizeof(names) / sizeof(names[0]) && names[signal])
		return names[signal];
	snprintf(unnamed, sizeof(unnamed), "signal %d", signal);
	return unnamed;
}
