/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_VOLUNTEER_H
#define FENCEPOST_VOLUNTEER_H

/* If memory runs out, this process is the one to be killed and no other. */
void volunteer_for_the_oom_killer(void);

#endif
