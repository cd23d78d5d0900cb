// SPDX-License-Identifier: MIT
/* What an exporter refuses leaves nothing behind, and can be asked for again. */
#include "heap.h"
#include "ktap.h"
#include "buffer-fence.h"
#include "played-device.h"
#include "played-exporter.h"

CASE(attach_refused, "exporter.attach-refused", CATALOGUE("IMP-06"), CLASS(ABI),
     STATEMENT("What the exporter refuses a device with is what attaching fails with; nothing is "
	       "attached, nor detached, and it can be tried again."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_dynamic_attach()"), NEEDS("device"))
{
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t device = device_make(), held = kernel_hold(buffer.fd), attachment;

	for (int i = 0; i < 2; i++) {
		exported_fail(buffer, FENCEPOST_CALL_ATTACH, ENXIO, 1);
		EXPECT_ERRNO(device_try_attach(device, buffer.fd, i ? FENCEPOST_ATTACH_DYNAMIC : 0,
					       &attachment),
			     ENXIO);
		EXPECT_EQ(kernel_state(held).attachments, 0);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_DETACH), 0);
	}
	attachment = device_attach(device, buffer.fd);
	EXPECT_EQ(kernel_state(held).attachments, 1);
	device_detach(attachment);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_DETACH), 1);
}

CASE(map_refused, "exporter.map-refused", CATALOGUE("IMP-06"), CLASS(ABI),
     STATEMENT("What the exporter refuses a mapping with is what mapping fails with, ENOMEM for "
	       "none at all; nothing is unmapped, and it can be tried again."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_map_attachment()"), NEEDS("device"))
{
	static const int errors[] = {EIO, FENCEPOST_FAIL_NULL, EINTR};
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t attachment = device_attach(device_make(), buffer.fd);

	for (uint32_t i = 0; i < 3; i++) {
		exported_fail(buffer, FENCEPOST_CALL_MAP, errors[i], 1);
		EXPECT_ERRNO(device_map(attachment, FENCEPOST_TO_DEVICE),
			     errors[i] == FENCEPOST_FAIL_NULL ? ENOMEM : errors[i]);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), i);
		EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
		EXPECT_OK(buffer_sync(buffer.fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
		EXPECT_OK(device_map(attachment, FENCEPOST_FROM_DEVICE));
		EXPECT_EQ(exported_call(buffer, FENCEPOST_CALL_MAP).direction,
			  FENCEPOST_FROM_DEVICE);
		device_unmap(attachment);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), i + 1);
	}
}

CASE(vmap_refused, "exporter.vmap-refused", CATALOGUE("IMP-11"), CLASS(ABI),
     STATEMENT("A mapping into the kernel that the exporter cannot make is an error for who asked, "
	       "and can be asked for again. Up to 5.10 the error has no number."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap()"), NEEDS("device"),
     EXPECTED({NULL, "5.10", ENOMEM}, {"5.11", NULL, ENXIO}))
{
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t held = kernel_hold(buffer.fd);

	for (int i = 0; i < 2; i++) {
		struct fencepost_vmap wanted = {.buffer = held};

		exported_fail(buffer, FENCEPOST_CALL_VMAP, ENXIO, 1);
		EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_VMAP, &wanted), (int)fp_expected());
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_VUNMAP), (uint32_t)i);
		EXPECT_TRUE(kernel_vmap(held) != 0);
		kernel_vunmap(held);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_VUNMAP), (uint32_t)i + 1);
	}
}

CASE(no_vmap, "exporter.no-vmap", CATALOGUE("IMP-11"), CLASS(ABI),
     STATEMENT("A buffer whose exporter has no mapping into the kernel refuses one with EINVAL. Up "
	       "to 5.10 the error has no number."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap()"), NEEDS("device"),
     EXPECTED({NULL, "5.10", ENOMEM}, {"5.11", NULL, EINVAL}))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_NO_VMAP);
	struct fencepost_vmap wanted = {.buffer = kernel_hold(buffer.fd)};

	EXPECT_ERRNO(device_ioctl(FENCEPOST_IOC_VMAP, &wanted), (int)fp_expected());
}

CASE(vmap_once, "exporter.vmap-once", CATALOGUE("IMP-10"), CLASS(ABI),
     STATEMENT("The exporter makes one mapping into the kernel for all who want it, and takes it "
	       "back with the last of them."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_vmap(), dma_buf_vunmap()"), NEEDS("device"))
{
	struct exported buffer = exported_make(2 * page_size(), 0);
	uint32_t one = kernel_hold(buffer.fd), other = kernel_hold(buffer.fd);
	uint64_t address = kernel_vmap(one);

	for (int i = 0; i < 3; i++)
		EXPECT_EQ(kernel_vmap(other), address);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_VMAP), 1);
	kernel_vunmap(one);
	kernel_vunmap(other);
	kernel_vunmap(other);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_VUNMAP), 0);
	kernel_vunmap(other);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_VUNMAP), 1);
}
