// SPDX-License-Identifier: MIT
/* udmabuf - buffers made of memfds' pages: what may become one, what it shows, what it holds on to.
 */
#include "ktap.h"

const char fp_suite_name[] = "udmabuf";
