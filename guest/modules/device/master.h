/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Bus masters: PCI devices that move data by themselves, QEMU's edu (docs/specs/edu.txt). Slow, 100
 * ms of the guest's time for 4 KiB one way, but what they reach is up to the hardware, not to this
 * module.
 */
#ifndef FENCEPOST_DEVICE_MASTER_H
#define FENCEPOST_DEVICE_MASTER_H

#include <linux/types.h>

struct device;
struct master;

int masters_register(void);
void masters_unregister(void);
/* Is there any? Does an IOMMU translate what they drive? */
bool masters_there(void);
bool masters_translated(void);

/* One that nobody has, or -ENODEV where there is none, -EBUSY where all are taken. */
struct master *master_claim(void);
void master_release(struct master *master);
struct device *master_device(struct master *master);
bool master_is_translated(const struct master *master);

/*
 * Moves bytes between the program and what the address stands for to the device. `write`: from the
 * program. What an IOMMU refuses the device does not notice. -EREMOTEIO beyond its mask,
 * -ETIMEDOUT, -EINTR, -EFAULT.
 */
int master_transfer(struct master *master, u64 address, size_t bytes, void __user *user,
		    bool write);

#endif
