// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Devices: each is a platform device without a driver, with the limits that were asked for. */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "holdings.h"
#include "importer.h"
#include "master.h"

#define NAME "fencepost"

/* A device that reaches 64 bits, in segments of any length. */
static struct platform_device *register_device(void)
{
	const struct platform_device_info info = {
		.name = NAME,
		.id = PLATFORM_DEVID_AUTO,
		.dma_mask = DMA_BIT_MASK(64),
	};
	struct platform_device *platform = platform_device_register_full(&info);

	if (!IS_ERR(platform))
		dma_set_max_seg_size(&platform->dev, UINT_MAX);
	return platform;
}

static int set_limits(struct device *device, const struct fencepost_device *wanted)
{
	if (wanted->flags)
		import_set_coherent(device, wanted->flags & FENCEPOST_COHERENT);
	if (wanted->max_segment)
		dma_set_max_seg_size(device, wanted->max_segment);
	if (wanted->boundary)
		dma_set_seg_boundary(device, wanted->boundary);
	/* The bus first: what the mask is good for may depend on it. */
	device->bus_dma_limit = wanted->limit;
	return wanted->mask ? dma_set_mask_and_coherent(device, wanted->mask) : 0;
}

static int check_limits(const struct fencepost_device *wanted)
{
	const u32 both = FENCEPOST_COHERENT | FENCEPOST_INCOHERENT;

	if (wanted->pad || (wanted->flags & ~both) || (wanted->flags & both) == both)
		return -EINVAL;
	/* Segments of less than a page would be no use to a list of pages. */
	if (wanted->max_segment && wanted->max_segment < PAGE_SIZE)
		return -EINVAL;
	if (wanted->boundary &&
	    (wanted->boundary & (wanted->boundary + 1) || wanted->boundary < PAGE_SIZE - 1))
		return -EINVAL;
	if ((wanted->flags & FENCEPOST_INCOHERENT) && !COHERENCE_CAN_BE_CHOSEN)
		return -EOPNOTSUPP;
	return 0;
}

long played_create(struct holdings *holdings, struct fencepost_device *wanted)
{
	struct device_played *device;
	int result = check_limits(wanted);

	if (result)
		return result;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->platform = register_device();
	if (IS_ERR(device->platform)) {
		result = PTR_ERR(device->platform);
		goto free;
	}
	device->device = &device->platform->dev;
	result = set_limits(device->device, wanted);
	if (!result)
		result = holdings_add(&holdings->devices, device, FENCEPOST_MAX_DEVICES,
				      &wanted->device);
	if (!result)
		return 0;
	platform_device_unregister(device->platform);
free:
	kfree(device);
	return result;
}

long played_claim(struct holdings *holdings, struct fencepost_master *wanted)
{
	struct device_played *device;
	int result;

	if (wanted->flags)
		return -EINVAL;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->master = master_claim();
	if (IS_ERR(device->master)) {
		result = PTR_ERR(device->master);
		goto free;
	}
	device->device = master_device(device->master);
	wanted->mask = dma_get_mask(device->device);
	result = holdings_add(&holdings->devices, device, FENCEPOST_MAX_DEVICES, &wanted->device);
	if (!result)
		return 0;
	master_release(device->master);
free:
	kfree(device);
	return result;
}

static void destroy(struct device_played *device)
{
	if (device->master)
		master_release(device->master);
	else
		platform_device_unregister(device->platform);
	kfree(device);
}

long played_destroy(struct holdings *holdings, u32 id)
{
	struct device_played *device = xa_load(&holdings->devices, id);

	if (!device)
		return -ENOENT;
	if (device->attachments)
		return -EBUSY;
	xa_erase(&holdings->devices, id);
	destroy(device);
	return 0;
}

/* For later mappings: what is mapped stays as it is. */
long played_limit(struct holdings *holdings, const struct fencepost_limit *wanted)
{
	struct device_played *device = xa_load(&holdings->devices, wanted->device);

	if (wanted->pad)
		return -EINVAL;
	if (!device)
		return -ENOENT;
	/* A real device's bus is what it is. */
	if (device->master)
		return -EOPNOTSUPP;
	device->device->bus_dma_limit = wanted->limit;
	return 0;
}

void played_release(struct holdings *holdings)
{
	struct device_played *device;
	unsigned long id;

	xa_for_each(&holdings->devices, id, device) destroy(device);
}

bool played_bounces(void)
{
	struct platform_device *platform = register_device();
	bool bounces = false;
	dma_addr_t address;
	void *page;

	if (IS_ERR(platform))
		return false;
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (page) {
		address = dma_map_single(&platform->dev, page, PAGE_SIZE, DMA_TO_DEVICE);
		if (!dma_mapping_error(&platform->dev, address)) {
			bounces = dma_to_phys(&platform->dev, address) != virt_to_phys(page);
			dma_unmap_single(&platform->dev, address, PAGE_SIZE, DMA_TO_DEVICE);
		}
		free_page((unsigned long)page);
	}
	platform_device_unregister(platform);
	return bounces;
}
