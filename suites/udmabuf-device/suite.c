// SPDX-License-Identifier: MIT
/* udmabufs as devices and the kernel see them. */
#include "ktap.h"

const char fp_suite_name[] = "udmabuf-device";
