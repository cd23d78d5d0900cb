// SPDX-License-Identifier: MIT
/* Importers and exporters that let a buffer move, with each other and with those that do not. */
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "played-exporter.h"

#define DYNAMIC_SOURCE                                                                             \
	SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_dynamic_attach(), dma_buf_map_attachment()")

CASE(static_exporter, "exporter.dynamic-importer", CATALOGUE("IMP-14"), CLASS(IMPL),
     STATEMENT("A dynamic importer maps a buffer that cannot move when it asks, in the direction "
	       "it asks for; up to 6.15 it was mapped in both when it was attached, once."),
     DYNAMIC_SOURCE, NEEDS("device"), EXPECTED({NULL, "6.15", 1}, {"6.16", NULL, 0}))
{
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t attachment = device_attach_dynamic(device_make(), buffer.fd),
		 at_once = (uint32_t)fp_expected();
	struct fencepost_call call;

	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_MAP), at_once);
	for (uint32_t i = 1; i <= 2; i++) {
		EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
		call = exported_call(buffer, FENCEPOST_CALL_MAP);
		EXPECT_EQ(call.count, at_once ? 1 : i);
		EXPECT_EQ(call.direction, at_once ? FENCEPOST_BIDIRECTIONAL : FENCEPOST_TO_DEVICE);
		device_unmap(attachment);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), at_once ? 0 : i);
	}
	device_detach(attachment);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), at_once ? 1 : 2);
}

CASE(attach_map_refused, "exporter.dynamic-importer-refused", CATALOGUE("IMP-14"), CLASS(IMPL),
     STATEMENT("A mapping that is made when a dynamic importer attaches, up to 6.15, and fails, "
	       "fails the attaching, and leaves nothing attached; later it is the mapping that "
	       "fails."),
     DYNAMIC_SOURCE, NEEDS("device"), EXPECTED({NULL, "6.15", 1}, {"6.16", NULL, 0}))
{
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t device = device_make(), held = kernel_hold(buffer.fd), attachment;
	static const int errors[] = {EIO, FENCEPOST_FAIL_NULL};

	for (int i = 0; i < 2; i++) {
		int error = errors[i] == FENCEPOST_FAIL_NULL ? ENOMEM : errors[i];

		exported_fail(buffer, FENCEPOST_CALL_MAP, errors[i], 1);
		if (fp_expected()) {
			EXPECT_ERRNO(device_try_attach(device, buffer.fd, FENCEPOST_ATTACH_DYNAMIC,
						       &attachment),
				     error);
		} else {
			attachment = device_attach_dynamic(device, buffer.fd);
			EXPECT_ERRNO(device_map(attachment, FENCEPOST_TO_DEVICE), error);
			device_detach(attachment);
		}
		EXPECT_EQ(kernel_state(held).attachments, 0);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), 0);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_DETACH), (uint32_t)i + 1);
	}
}

CASE(kept_direction, "exporter.kept-mapping", CATALOGUE("IMP-15"), CLASS(IMPL),
     STATEMENT("Where the core keeps an attachment's mapping for its exporter, the same direction "
	       "is given the same mapping again, and another is EBUSY until the device detaches."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_map_attachment(), dma_buf_ops.cache_sgt_mapping"),
     UNTIL("6.15"), NEEDS("device kept-mappings"))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_KEEPS);
	uint32_t device = device_make(), attachment = device_attach(device, buffer.fd);

	for (int i = 0; i < 2; i++) {
		EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
		device_unmap(attachment);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_MAP), 1);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), 0);
		EXPECT_ERRNO(device_map(attachment, FENCEPOST_FROM_DEVICE), EBUSY);
		EXPECT_ERRNO(device_map(attachment, FENCEPOST_BIDIRECTIONAL), EBUSY);
	}
	device_detach(attachment);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), 1);
	EXPECT_EQ(exported_call(buffer, FENCEPOST_CALL_UNMAP).direction, FENCEPOST_TO_DEVICE);
	/* A mapping in both directions is good for each. */
	attachment = device_attach(device, buffer.fd);
	EXPECT_OK(device_map(attachment, FENCEPOST_BIDIRECTIONAL));
	device_unmap(attachment);
	EXPECT_OK(device_map(attachment, FENCEPOST_FROM_DEVICE));
	device_unmap(attachment);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_MAP), 2);
}

CASE(no_notify, "exporter.importer-without-notify", CATALOGUE("IMP-16"), CLASS(IMPL),
     STATEMENT("A dynamic importer that cannot be told of moves is refused with EINVAL; since 7.0 "
	       "it is attached, and not told."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_dynamic_attach(), dma_buf_invalidate_mappings()"),
     NEEDS("device"), EXPECTED({NULL, "6.19", EINVAL}, {"7.0", NULL, 0}))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t device = device_make(), held = kernel_hold(buffer.fd), attachment, other;
	int result = device_try_attach(device, buffer.fd,
				       FENCEPOST_ATTACH_DYNAMIC | FENCEPOST_ATTACH_NO_NOTIFY,
				       &attachment);

	EXPECT_EQ(result ? errno : 0, fp_expected());
	EXPECT_EQ(kernel_state(held).attachments, result ? 0 : 1);
	other = device_attach_dynamic(device, buffer.fd);
	exported_move(buffer, 0);
	EXPECT_EQ(device_notified(other).count, 1);
	if (!result)
		EXPECT_EQ(device_notified(attachment).count, 0);
}

CASE(notified, "exporter.move-notified", CATALOGUE("IMP-17"), CLASS(ABI),
     STATEMENT("A move is told to every dynamic importer, once and under the reservation lock, and "
	       "to nobody else; each can map the buffer again."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_move_notify(), since 7.0 "
	    "dma_buf_invalidate_mappings()"),
     NEEDS("device"))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t device = device_make(), dynamic[4], fixed = 0;

	/*
	 * One that is not told between others, and with and without a mapping: to the device, for
	 * the kernel's check of the DMA API wants no two that write.
	 */
	for (int i = 0; i < 4; i++) {
		dynamic[i] = device_attach_dynamic(device, buffer.fd);
		if (i < 2)
			EXPECT_OK(device_map(dynamic[i], FENCEPOST_TO_DEVICE));
		if (i == 1)
			fixed = device_attach(device, buffer.fd);
	}
	for (uint32_t moves = 1; moves <= 2; moves++) {
		exported_move(buffer, 0);
		for (int i = 0; i < 4; i++) {
			EXPECT_EQ(device_notified(dynamic[i]).count, moves);
			EXPECT_EQ(device_notified(dynamic[i]).locked, moves);
		}
		EXPECT_EQ(device_notified(fixed).count, 0);
		for (int i = 0; i < 2; i++) {
			device_unmap(dynamic[i]);
			EXPECT_OK(device_map(dynamic[i], FENCEPOST_TO_DEVICE));
		}
	}
	/* Who is gone is not told. */
	device_detach(dynamic[3]);
	exported_move(buffer, 0);
	EXPECT_EQ(device_notified(dynamic[2]).count, 3);
}

CASE(notified_live, "exporter.move-live", CATALOGUE("IMP-17"), CLASS(IMPL),
     STATEMENT("An exporter that leaves an importer out, or tells without the lock, is noticed: "
	       "what exporter.move-notified looks at is real."),
     SOURCE("Documentation/driver-api/dma-buf.rst: DMA-BUF locking convention"), NEEDS("device"))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t device = device_make(), first = device_attach_dynamic(device, buffer.fd),
		 last = device_attach_dynamic(device, buffer.fd);

	exported_move(buffer, FENCEPOST_MOVE_LESS_LAST);
	EXPECT_EQ(device_notified(first).count, 1);
	EXPECT_EQ(device_notified(first).locked, 1);
	EXPECT_EQ(device_notified(last).count, 0);
	exported_move(buffer, FENCEPOST_MOVE_UNLOCKED);
	EXPECT_EQ(device_notified(first).count, 2);
	EXPECT_EQ(device_notified(first).locked, 1);
	EXPECT_EQ(device_notified(last).count, 1);
	EXPECT_EQ(device_notified(last).locked, 0);
}

static void expect_pins(struct exported buffer, uint32_t pins, uint32_t unpins)
{
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_PIN), pins);
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNPIN), unpins);
}

CASE(pinned, "exporter.static-importer-pins", CATALOGUE("IMP-18"), CLASS(ABI),
     STATEMENT("A buffer that can move is pinned while an importer that cannot be told has it "
	       "mapped, before the mapping and until after its end; up to 6.15 while such an "
	       "importer "
	       "is attached."),
     DYNAMIC_SOURCE, NEEDS("device"), EXPECTED({NULL, "6.15", 1}, {"6.16", NULL, 0}))
{
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t attachment = device_attach(device_make(), buffer.fd),
		 at_once = (uint32_t)fp_expected();

	expect_pins(buffer, at_once, 0);
	for (uint32_t i = 1; i <= 2; i++) {
		EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
		expect_pins(buffer, at_once ? 1 : i, at_once ? 0 : i - 1);
		EXPECT_TRUE(exported_call(buffer, FENCEPOST_CALL_PIN).last <
			    exported_call(buffer, FENCEPOST_CALL_MAP).last);
		device_unmap(attachment);
		expect_pins(buffer, at_once ? 1 : i, at_once ? 0 : i);
	}
	device_detach(attachment);
	expect_pins(buffer, at_once ? 1 : 2, at_once ? 1 : 2);
	EXPECT_TRUE(exported_call(buffer, FENCEPOST_CALL_UNMAP).last <
		    exported_call(buffer, FENCEPOST_CALL_UNPIN).last);
}

CASE(pin_refused, "exporter.static-importer-refused", CATALOGUE("IMP-18"), CLASS(ABI),
     STATEMENT("Where the pin is refused, or the mapping after it, who asked fails with that, and "
	       "pins and unpins are as many; up to 6.15 that is attaching, later mapping."),
     DYNAMIC_SOURCE, NEEDS("device"), EXPECTED({NULL, "6.15", 1}, {"6.16", NULL, 0}))
{
	static const enum fencepost_call_of calls[] = {FENCEPOST_CALL_PIN, FENCEPOST_CALL_MAP};
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t device = device_make(), held = kernel_hold(buffer.fd), attachment;

	for (uint32_t i = 0; i < 2; i++) {
		exported_fail(buffer, calls[i], ENOSPC, 1);
		if (fp_expected()) {
			EXPECT_ERRNO(device_try_attach(device, buffer.fd, 0, &attachment), ENOSPC);
		} else {
			attachment = device_attach(device, buffer.fd);
			EXPECT_ERRNO(device_map(attachment, FENCEPOST_TO_DEVICE), ENOSPC);
			device_detach(attachment);
		}
		/* The pin that was refused is counted as a call, and needs no unpin. */
		expect_pins(buffer, i + 1, i);
		EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), 0);
		EXPECT_EQ(kernel_state(held).attachments, 0);
	}
	attachment = device_attach(device, buffer.fd);
	EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
	device_unmap(attachment);
	device_detach(attachment);
	expect_pins(buffer, 3, 2);
}

CASE(dynamic_both, "exporter.dynamic-both", CATALOGUE("IMP-18"), CLASS(IMPL),
     STATEMENT("Between a dynamic exporter and a dynamic importer nothing is pinned that nobody "
	       "asks for; without CONFIG_DMABUF_MOVE_NOTIFY each mapping is."),
     DYNAMIC_SOURCE, NEEDS("device"))
{
	const uint32_t pins = device_can(FENCEPOST_MOVES) ? 0 : 1;
	struct exported buffer = exported_make(page_size(), FENCEPOST_EXPORT_DYNAMIC);
	uint32_t attachment = device_attach_dynamic(device_make(), buffer.fd);

	expect_pins(buffer, 0, 0);
	exported_fail(buffer, FENCEPOST_CALL_MAP, EIO, 1);
	EXPECT_ERRNO(device_map(attachment, FENCEPOST_TO_DEVICE), EIO);
	expect_pins(buffer, pins, pins);
	EXPECT_OK(device_map(attachment, FENCEPOST_TO_DEVICE));
	expect_pins(buffer, 2 * pins, pins);
	device_unmap(attachment);
	expect_pins(buffer, 2 * pins, 2 * pins);
	EXPECT_OK(device_pin(attachment));
	EXPECT_OK(device_pin(attachment));
	expect_pins(buffer, 2 * pins + 2, 2 * pins);
	device_unpin(attachment);
	device_unpin(attachment);
	expect_pins(buffer, 2 * pins + 2, 2 * pins + 2);
	exported_fail(buffer, FENCEPOST_CALL_PIN, EBUSY, 1);
	EXPECT_ERRNO(device_pin(attachment), EBUSY);
	device_detach(attachment);
	expect_pins(buffer, 2 * pins + 3, 2 * pins + 2);
}

CASE(pin_static, "exporter.pin-static", CATALOGUE("IMP-18"), CLASS(IMPL),
     STATEMENT("A buffer that cannot move has nothing to pin: a dynamic importer's pin succeeds."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_pin(), dma_buf_unpin()"), NEEDS("device"))
{
	struct exported buffer = exported_make(page_size(), 0);
	uint32_t attachment = device_attach_dynamic(device_make(), buffer.fd);

	EXPECT_OK(device_pin(attachment));
	device_unpin(attachment);
	expect_pins(buffer, 0, 0);
}
