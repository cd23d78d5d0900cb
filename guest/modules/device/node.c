// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * /dev/fencepost: devices for dma-bufs to be mapped for, played by this module, and a look at what
 * they are given. fencepost_device.h says what can be asked.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "fence.h"
#include "holdings.h"
#include "importer.h"
#include "master.h"

/* Whether devices bounce, for whoever verifies the machine. */
static bool bounces;
module_param(bounces, bool, 0444);
MODULE_PARM_DESC(bounces, "whether devices' mappings are bounced (found out, not to be set)");

int holdings_add(struct xarray *things, void *thing, u32 most, u32 *id)
{
	int result = xa_alloc(things, id, thing, XA_LIMIT(1, most), GFP_KERNEL);

	return result == -EBUSY ? -ENOSPC : result;
}

static int node_open(struct inode *inode, struct file *file)
{
	struct holdings *holdings = kzalloc(sizeof(*holdings), GFP_KERNEL);

	if (!holdings)
		return -ENOMEM;
	mutex_init(&holdings->lock);
	xa_init_flags(&holdings->devices, XA_FLAGS_ALLOC1);
	xa_init_flags(&holdings->attachments, XA_FLAGS_ALLOC1);
	xa_init_flags(&holdings->buffers, XA_FLAGS_ALLOC1);
	xa_init_flags(&holdings->fences, XA_FLAGS_ALLOC1);
	xa_init_flags(&holdings->exports, XA_FLAGS_ALLOC1);
	file->private_data = holdings;
	return nonseekable_open(inode, file);
}

/* The last user is gone, so nobody else has the lock. What others stand on goes last. */
static int node_release(struct inode *inode, struct file *file)
{
	struct holdings *holdings = file->private_data;

	fences_release(holdings);
	mutex_lock(&holdings->lock);
	attachments_release(holdings);
	buffers_release(holdings);
	exports_release(holdings);
	played_release(holdings);
	mutex_unlock(&holdings->lock);
	xa_destroy(&holdings->fences);
	xa_destroy(&holdings->attachments);
	xa_destroy(&holdings->buffers);
	xa_destroy(&holdings->exports);
	xa_destroy(&holdings->devices);
	mutex_destroy(&holdings->lock);
	kfree(holdings);
	return 0;
}

union argument {
	struct fencepost_info info;
	struct fencepost_device device;
	struct fencepost_attach attach;
	struct fencepost_map map;
	struct fencepost_one one;
	struct fencepost_transfer transfer;
	struct fencepost_segments segments;
	struct fencepost_hold hold;
	struct fencepost_state state;
	struct fencepost_vmap vmap;
	struct fencepost_pages pages;
	struct fencepost_access access;
	struct fencepost_master master;
	struct fencepost_fence fence;
	struct fencepost_fence_add fence_add;
	struct fencepost_fence_signal fence_signal;
	struct fencepost_fence_export fence_export;
	struct fencepost_fence_state fence_state;
	struct fencepost_job job;
	struct fencepost_protection protection;
	struct fencepost_export export;
	struct fencepost_calls calls;
	struct fencepost_fail fail;
	struct fencepost_move move;
	struct fencepost_notified notified;
	struct fencepost_limit limit;
	struct fencepost_table table;
	struct fencepost_locked locked;
	struct fencepost_heap heap;
};

static void tell_info(struct fencepost_info *info)
{
	info->version = FENCEPOST_VERSION;
	info->features = (COHERENCE_CAN_BE_CHOSEN ? FENCEPOST_CAN_BE_INCOHERENT : 0) |
			 (bounces ? FENCEPOST_BOUNCES : 0) |
			 (masters_there() ? FENCEPOST_HAS_MASTERS : 0) |
			 (masters_translated() ? FENCEPOST_MASTERS_TRANSLATED : 0) |
			 import_features() | (heap_can_be_added() ? FENCEPOST_ADDS_HEAPS : 0);
}

static long with_one(struct holdings *holdings, const struct fencepost_one *one,
		     long (*work)(struct holdings *, u32))
{
	return one->pad ? -EINVAL : work(holdings, one->id);
}

static long perform_fence(struct holdings *holdings, unsigned int command, union argument *argument)
{
	switch (command) {
	case FENCEPOST_IOC_FENCE_CREATE:
		return fence_make(holdings, &argument->fence);
	case FENCEPOST_IOC_FENCE_ADD:
		return fence_add(holdings, &argument->fence_add);
	case FENCEPOST_IOC_FENCE_SIGNAL:
		return fence_signal(holdings, &argument->fence_signal);
	case FENCEPOST_IOC_FENCE_DROP:
		return with_one(holdings, &argument->one, fence_drop);
	case FENCEPOST_IOC_FENCE_EXPORT:
		return fence_export(holdings, &argument->fence_export);
	case FENCEPOST_IOC_FENCE_STATE:
		return fence_state(holdings, &argument->fence_state);
	case FENCEPOST_IOC_JOB:
		return job_make(holdings, &argument->job);
	case FENCEPOST_IOC_PROTECTION:
		return protection_of(&argument->protection);
	default:
		return -ENOTTY;
	}
}

static long perform(struct holdings *holdings, unsigned int command, union argument *argument)
{
	switch (command) {
	case FENCEPOST_IOC_INFO:
		tell_info(&argument->info);
		return 0;
	case FENCEPOST_IOC_DEVICE_CREATE:
		return played_create(holdings, &argument->device);
	case FENCEPOST_IOC_DEVICE_DESTROY:
		return with_one(holdings, &argument->one, played_destroy);
	case FENCEPOST_IOC_ATTACH:
		return attachment_make(holdings, &argument->attach);
	case FENCEPOST_IOC_DETACH:
		return with_one(holdings, &argument->one, attachment_detach);
	case FENCEPOST_IOC_MAP:
		return attachment_map(holdings, &argument->map);
	case FENCEPOST_IOC_UNMAP:
		return with_one(holdings, &argument->one, attachment_unmap);
	case FENCEPOST_IOC_DEVICE_READ:
		return transfer_device(holdings, &argument->transfer, false);
	case FENCEPOST_IOC_DEVICE_WRITE:
		return transfer_device(holdings, &argument->transfer, true);
	case FENCEPOST_IOC_SEGMENTS:
		return attachment_segments(holdings, &argument->segments);
	case FENCEPOST_IOC_HOLD:
		return buffer_hold(holdings, &argument->hold);
	case FENCEPOST_IOC_LET_GO:
		return with_one(holdings, &argument->one, buffer_let_go);
	case FENCEPOST_IOC_STATE:
		return buffer_state(holdings, &argument->state);
	case FENCEPOST_IOC_VMAP:
		return buffer_vmap(holdings, &argument->vmap);
	case FENCEPOST_IOC_VUNMAP:
		return buffer_vunmap(holdings, &argument->vmap);
	case FENCEPOST_IOC_KERNEL_READ:
		return transfer_kernel(holdings, &argument->transfer, false);
	case FENCEPOST_IOC_KERNEL_WRITE:
		return transfer_kernel(holdings, &argument->transfer, true);
	case FENCEPOST_IOC_PAGES:
		return buffer_pages(holdings, &argument->pages);
	case FENCEPOST_IOC_BEGIN_ACCESS:
		return buffer_access(holdings, &argument->access, true);
	case FENCEPOST_IOC_END_ACCESS:
		return buffer_access(holdings, &argument->access, false);
	case FENCEPOST_IOC_MASTER_CLAIM:
		return played_claim(holdings, &argument->master);
	case FENCEPOST_IOC_STRAY_READ:
		return transfer_stray(holdings, &argument->transfer, false);
	case FENCEPOST_IOC_STRAY_WRITE:
		return transfer_stray(holdings, &argument->transfer, true);
	case FENCEPOST_IOC_EXPORT:
		return export_make(holdings, &argument->export);
	case FENCEPOST_IOC_EXPORT_CALLS:
		return export_calls(holdings, &argument->calls);
	case FENCEPOST_IOC_EXPORT_FAIL:
		return export_fail(holdings, &argument->fail);
	case FENCEPOST_IOC_EXPORT_MOVE:
		return export_move(holdings, &argument->move);
	case FENCEPOST_IOC_NOTIFIED:
		return attachment_notified(holdings, &argument->notified);
	case FENCEPOST_IOC_PIN:
		return with_one(holdings, &argument->one, attachment_pin);
	case FENCEPOST_IOC_UNPIN:
		return with_one(holdings, &argument->one, attachment_unpin);
	case FENCEPOST_IOC_DEVICE_LIMIT:
		return played_limit(holdings, &argument->limit);
	case FENCEPOST_IOC_TABLE:
		return attachment_table(holdings, &argument->table);
	case FENCEPOST_IOC_LOCKED:
		return attachment_locked(holdings, &argument->locked);
	case FENCEPOST_IOC_HEAP_ADD:
		return heap_add(holdings, &argument->heap);
	default:
		return perform_fence(holdings, command, argument);
	}
}

/*
 * What was made stays when the answer cannot be written: it is the descriptor's, and goes with it.
 */
static long node_ioctl(struct file *file, unsigned int command, unsigned long address)
{
	struct holdings *holdings = file->private_data;
	void __user *user = (void __user *)address;
	union argument argument = {};
	const size_t size = _IOC_SIZE(command);
	long result;

	if (_IOC_TYPE(command) != 0xfe || size > sizeof(argument))
		return -ENOTTY;
	if ((_IOC_DIR(command) & _IOC_WRITE) && copy_from_user(&argument, user, size))
		return -EFAULT;
	if (mutex_lock_interruptible(&holdings->lock))
		return -ERESTARTSYS;
	result = perform(holdings, command, &argument);
	mutex_unlock(&holdings->lock);
	if (result >= 0 && (_IOC_DIR(command) & _IOC_READ) && copy_to_user(user, &argument, size))
		return -EFAULT;
	return result;
}

static const struct file_operations node_operations = {
	.owner = THIS_MODULE,
	.open = node_open,
	.release = node_release,
	.unlocked_ioctl = node_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fencepost",
	.mode = 0600,
	.fops = &node_operations,
};

static int __init fencepost_device_init(void)
{
	int result = fences_prepare();

	if (result)
		return result;
	result = masters_register();
	if (result)
		goto fences;
	bounces = played_bounces();
	result = misc_register(&node);
	if (result)
		goto masters;
	return 0;
masters:
	masters_unregister();
fences:
	fences_finish();
	return result;
}
module_init(fencepost_device_init);

static void __exit fencepost_device_exit(void)
{
	misc_deregister(&node);
	masters_unregister();
	fences_finish();
}
module_exit(fencepost_device_exit);

MODULE_DESCRIPTION("Devices that import dma-bufs on request, and tell what they were given");
MODULE_LICENSE("Dual MIT/GPL");
IMPORT_NAMESPACE(DMA_BUF);
