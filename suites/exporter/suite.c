// SPDX-License-Identifier: MIT
/* What the DMA-BUF core asks of an exporter, when, and what it makes of the answers. */
#include "ktap.h"

const char fp_suite_name[] = "exporter";
