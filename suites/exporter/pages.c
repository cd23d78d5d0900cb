// SPDX-License-Identifier: MIT
/* What an importer may not look at. */
#include <stdlib.h>

#include "filling.h"
#include "heap.h"
#include "ktap.h"
#include "played-device.h"
#include "played-exporter.h"

CASE(hidden, "exporter.pages-hidden", CATALOGUE("IMP-21"), CLASS(ABI),
     STATEMENT(
	     "With CONFIG_DMABUF_DEBUG importers are shown no pages, and since 7.0 no lengths but "
	     "those for the device: one that uses nothing else does its work."),
     SOURCE("drivers/dma-buf/dma-buf.c: mangle_sg_table(), since 7.0 dma_buf_wrap_sg_table()"),
     NEEDS("device dmabuf-debug"), EXPECTED({"5.12", "6.19", 1}, {"7.0", NULL, 0}))
{
	const size_t bytes = 5 * page_size();
	struct exported buffer = exported_make(bytes, 0);
	unsigned char *copy = malloc(bytes), *at = buffer_map(buffer.fd, bytes);

	EXPECT_TRUE(copy);
	for (int i = 0; i < 2; i++) {
		uint32_t dynamic = i ? device_attach_dynamic(device_make(), buffer.fd)
				     : device_attach(device_make(), buffer.fd);
		struct fencepost_table table;

		fill(at, 0, bytes, 1 + i);
		EXPECT_OK(device_map(dynamic, FENCEPOST_BIDIRECTIONAL));
		table = device_table(dynamic);
		EXPECT_TRUE(table.entries > 0);
		EXPECT_EQ(table.pages, 0);
		EXPECT_EQ(table.lengths, fp_expected() ? table.entries : 0);
		device_read(dynamic, 0, copy, bytes);
		EXPECT_FILLED(copy, 0, bytes, 1 + i);
		device_unmap(dynamic);
		device_detach(dynamic);
	}
	EXPECT_EQ(exported_count(buffer, FENCEPOST_CALL_UNMAP), 2);
}

CASE(shown, "exporter.pages-shown", CATALOGUE("IMP-21"), CLASS(IMPL),
     STATEMENT(
	     "Without CONFIG_DMABUF_DEBUG the exporter's list of pages is what the importer gets: "
	     "what exporter.pages-hidden looks at is real."),
     SOURCE("drivers/dma-buf/dma-buf.c: dma_buf_map_attachment()"), NEEDS("device"))
{
	struct exported buffer = exported_make(5 * page_size(), 0);
	struct fencepost_table table;

	if (device_can(FENCEPOST_HIDES_PAGES))
		fp_skip("needs a kernel without CONFIG_DMABUF_DEBUG");
	if (device_bounces())
		fp_skip("needs mappings that are not bounced: the pages are others behind the "
			"addresses");
	table = device_table(device_with(buffer.fd, FENCEPOST_BIDIRECTIONAL));
	EXPECT_EQ(table.entries, 5);
	EXPECT_EQ(table.pages, 5);
	EXPECT_EQ(table.lengths, 5);
}
