// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "iommu-fault.h"
#include "ktap.h"

#define PATIENCE_MS 5000

/*
 * How each driver begins: drivers/iommu/intel/dmar.c: dmar_fault_do_one(); virtio-iommu.c:
 * viommu_fault_handler(); arm/arm-smmu-v3/arm-smmu-v3.c: arm_smmu_evtq_thread(), whose addresses
 * stand in lines of their own up to 6.12.
 */
static const char *const heads[] = {"[DMA Read", "[DMA Write", " fault from EP ", "event 0x",
				    "event: F_"};

static int kernel_log = -1;

void iommu_watch(void)
{
	if (kernel_log < 0)
		kernel_log = MUST(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	MUST(lseek(kernel_log, 0, SEEK_END));
}

/* The next record's text; false when there is none within this time. */
static bool next_record(char *text, size_t size, int patience_ms)
{
	struct pollfd ready = {.fd = kernel_log, .events = POLLIN};

	for (;;) {
		ssize_t length = read(kernel_log, text, size - 1);

		if (length >= 0) {
			text[length] = '\0';
			return true;
		}
		/* Records were written over that nobody has read. */
		if (errno == EPIPE || errno == EINTR)
			continue;
		if (errno != EAGAIN || poll(&ready, 1, patience_ms) <= 0)
			return false;
	}
}

static bool is_head(const char *text)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strstr(text, heads[i]))
			return true;
	return false;
}

void check_iommu_fault(const char *file, int line, uint64_t address)
{
	char text[2048], digits[24], expected[80];
	bool head = false, found = false;

	snprintf(digits, sizeof(digits), "%llx", (unsigned long long)address);
	snprintf(expected, sizeof(expected), "a report of an access at 0x%s", digits);
	while (!found && next_record(text, sizeof(text), PATIENCE_MS)) {
		head = head || is_head(text);
		found = head && strstr(text, digits);
	}
	if (!found)
		fp_fail(file, line, "what the IOMMU reported", expected,
			head ? "a report of another" : "nothing");
}
