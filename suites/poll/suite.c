// SPDX-License-Identifier: MIT
/* poll() and epoll on a dma-buf: POLLIN says that it may be read, POLLOUT that it may be written.
 */
#include "ktap.h"

const char fp_suite_name[] = "poll";
