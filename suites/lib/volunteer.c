// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include "volunteer.h"

void volunteer_for_the_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1000", 4) != 4)
		_exit(255);
	close(fd);
}
