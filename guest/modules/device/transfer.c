// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Bytes moved by a device, or by the kernel. A device knows addresses of its bus and nothing else:
 * it reaches the memory that they stand for, which is a bounce buffer where the mapping is bounced,
 * and never looks at a scatter list's pages.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "holdings.h"
#include "importer.h"
#include "master.h"

static int copy(void *memory, void __user *user, size_t bytes, bool write)
{
	unsigned long left;

	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	left = write ? copy_from_user(memory, user, bytes) : copy_to_user(user, memory, bytes);
	return left ? -EFAULT : 0;
}

int device_reach(struct device *device, dma_addr_t address, size_t bytes, void **memory)
{
	const u64 limit = min_not_zero(dma_get_mask(device), device->bus_dma_limit);
	const phys_addr_t place = dma_to_phys(device, address);

	if (address > limit || bytes - 1 > limit - address)
		return -EREMOTEIO;
	if (!pfn_valid(PHYS_PFN(place)) || !pfn_valid(PHYS_PFN(place + bytes - 1)))
		return -EREMOTEIO;
	*memory = phys_to_virt(place);
	return 0;
}

static int transfer_piece(const struct device_played *player, dma_addr_t address, size_t bytes,
			  void __user *user, bool write)
{
	struct device *device = player->device;

	if (player->master)
		return master_transfer(player->master, address, bytes, user, write);
	/* Page by page, so that a kill need not wait, and no place is looked at that has no memory.
	 */
	while (bytes) {
		const size_t part = min_t(size_t, bytes, PAGE_SIZE - offset_in_page(address));
		void *memory;
		int result = device_reach(device, address, part, &memory);

		if (!result)
			result = copy(memory, user, part, write);
		if (result)
			return result;
		address += part;
		user += part;
		bytes -= part;
	}
	return 0;
}

static bool is_range(const struct fencepost_transfer *wanted, u64 size)
{
	return !wanted->pad && wanted->length <= FENCEPOST_MAX_TRANSFER && wanted->length <= size &&
	       wanted->offset <= size - wanted->length;
}

long transfer_device(struct holdings *holdings, const struct fencepost_transfer *wanted, bool write)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->id);
	u64 offset = wanted->offset, left = wanted->length;
	char __user *user = u64_to_user_ptr(wanted->data);
	struct scatterlist *piece;
	int i, result = 0;

	if (!held)
		return -ENOENT;
	if (!held->table || !is_range(wanted, held->dmabuf->size))
		return -EINVAL;
	if (held->device->master && left > FENCEPOST_MAX_MASTER_TRANSFER)
		return -EINVAL;
	/* What the processors did before is done when the device begins, and the other way round.
	 */
	mb();
	for_each_sgtable_dma_sg(held->table, piece, i)
	{
		const u64 length = sg_dma_len(piece);
		u64 part;

		if (!left || result)
			break;
		if (offset >= length) {
			offset -= length;
			continue;
		}
		part = min(left, length - offset);
		result = transfer_piece(held->device, sg_dma_address(piece) + offset, part, user,
					write);
		offset = 0;
		left -= part;
		user += part;
	}
	mb();
	/* A list that is shorter than its buffer. */
	return result ? result : left ? -EREMOTEIO : 0;
}

long transfer_stray(struct holdings *holdings, const struct fencepost_transfer *wanted, bool write)
{
	struct attachment_held *held = xa_load(&holdings->attachments, wanted->id);

	if (!held)
		return -ENOENT;
	if (!is_range(wanted, min_t(u64, held->last_bytes, PAGE_SIZE)) || !held->device->master)
		return -EINVAL;
	if (held->table)
		return -EBUSY;
	if (!master_is_translated(held->device->master))
		return -EPERM;
	return master_transfer(held->device->master, held->last_address + wanted->offset,
			       wanted->length, u64_to_user_ptr(wanted->data), write);
}

long transfer_kernel(struct holdings *holdings, const struct fencepost_transfer *wanted, bool write)
{
	struct buffer_held *held = xa_load(&holdings->buffers, wanted->id);
	char __user *user = u64_to_user_ptr(wanted->data);
	u64 done = 0;

	if (!held)
		return -ENOENT;
	if (!held->vmaps || !is_range(wanted, held->dmabuf->size))
		return -EINVAL;
	while (done < wanted->length) {
		const size_t part = min_t(u64, wanted->length - done, PAGE_SIZE);
		int result = copy(held->vaddr + wanted->offset + done, user + done, part, write);

		if (result)
			return result;
		done += part;
	}
	return 0;
}
