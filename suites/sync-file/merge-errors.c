// SPDX-License-Identifier: MIT
/* SYNC_IOC_MERGE refused: each error leaves the descriptor table and the inputs as they were. */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptors.h"
#include "fence.h"
#include "heap.h"
#include "ktap.h"

struct pair {
	int timelines[2];
	int a, b;
	int open; /* descriptors open after all of these were */
};

static struct pair make_pair(void)
{
	struct pair pair;

	for (int i = 0; i < 2; i++)
		pair.timelines[i] = MUST(timeline_open());
	pair.a = MUST(timeline_fence(pair.timelines[0], 1));
	pair.b = MUST(timeline_fence(pair.timelines[1], 1));
	pair.open = descriptors_open();
	return pair;
}

static void expect_untouched(const struct pair *pair)
{
	EXPECT_EQ(descriptors_open(), pair->open);
	EXPECT_EQ(fence_status(pair->a), 0);
	EXPECT_EQ(fence_status(pair->b), 0);
	EXPECT_EQ(fence_count(MUST(fence_merge("", pair->a, pair->b))), 2);
}

CASE(merge_flags, "fence.file.merge-flags", CATALOGUE("SF-02"), CLASS(ABI),
     STATEMENT("MERGE with flags or pad set is EINVAL."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge()"), NEEDS("sw_sync"))
{
	struct pair pair = make_pair();

	for (unsigned int bit = 0; bit < 32; bit++) {
		struct sync_merge_data flags = {.fd2 = pair.b, .fence = -1, .flags = 1u << bit};
		struct sync_merge_data pad = {.fd2 = pair.b, .fence = -1, .pad = 1u << bit};

		EXPECT_ERRNO(ioctl(pair.a, SYNC_IOC_MERGE, &flags), EINVAL);
		EXPECT_ERRNO(ioctl(pair.a, SYNC_IOC_MERGE, &pad), EINVAL);
	}
	expect_untouched(&pair);
}

CASE(merge_enoent, "fence.file.merge-not-a-fence", CATALOGUE("SF-03"), CLASS(ABI),
     STATEMENT("MERGE with something that is no sync_file is ENOENT."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge()"), NEEDS("sw_sync"))
{
	int null = MUST(open("/dev/null", O_RDWR)), ends[2];
	struct pair pair;

	MUST(pipe(ends));
	pair = make_pair();
	/* The first free number: the very one that MERGE has reserved for its result by then. */
	EXPECT_ERRNO(fence_merge("", pair.a, next_descriptor()), ENOENT);
	EXPECT_ERRNO(fence_merge("", pair.a, next_descriptor() + 1), ENOENT);
	EXPECT_ERRNO(fence_merge("", pair.a, -1), ENOENT);
	EXPECT_ERRNO(fence_merge("", pair.a, null), ENOENT);
	EXPECT_ERRNO(fence_merge("", pair.a, ends[0]), ENOENT);
	EXPECT_ERRNO(fence_merge("", pair.a, pair.timelines[0]), ENOENT);
	expect_untouched(&pair);
}

CASE(merge_efault, "fence.file.merge-bad-pointer", CATALOGUE("SF-04"), CLASS(ABI),
     STATEMENT("MERGE with a pointer that cannot be read, or not written, is EFAULT and leaks no "
	       "descriptor."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge()"), NEEDS("sw_sync"))
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two = MUST(
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct sync_merge_data *read_only = (void *)two;
	struct pair pair = make_pair();

	*read_only = (struct sync_merge_data){.fd2 = pair.b, .fence = -1};
	MUST(mprotect(two, page, PROT_READ));
	MUST(munmap(two + page, page));
	EXPECT_ERRNO(ioctl(pair.a, SYNC_IOC_MERGE, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(pair.a, SYNC_IOC_MERGE, two + page - sizeof(*read_only) / 2), EFAULT);
	EXPECT_ERRNO(ioctl(pair.a, SYNC_IOC_MERGE, read_only), EFAULT);
	expect_untouched(&pair);
}

CASE(merge_emfile, "fence.file.merge-full-table", CATALOGUE("SF-04"), CLASS(ABI),
     STATEMENT("MERGE when no descriptor is free is EMFILE."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl_merge()"), NEEDS("sw_sync"))
{
	struct pair pair = make_pair();
	unsigned long limit = descriptors_forbid();

	EXPECT_ERRNO(fence_merge("", pair.a, pair.b), EMFILE);
	descriptors_allow(limit);
	expect_untouched(&pair);
}

CASE(unknown, "fence.file.unknown-ioctl", CATALOGUE("SF-15"), CLASS(ABI),
     STATEMENT("Ioctls that sync_file does not know, the retired numbers 0 to 2 among them, are "
	       "ENOTTY."),
     SOURCE("drivers/dma-buf/sync_file.c: sync_file_ioctl(); include/uapi/linux/sync_file.h: "
	    "opcodes"),
     NEEDS("sw_sync"))
{
	struct pair pair = make_pair();
	char space[256] = {0};

	for (unsigned int number = 0; number <= 2; number++) {
		EXPECT_ERRNO(ioctl(pair.a, _IO(SYNC_IOC_MAGIC, number), space), ENOTTY);
		EXPECT_ERRNO(ioctl(pair.a, _IOW(SYNC_IOC_MAGIC, number, __s32), space), ENOTTY);
		EXPECT_ERRNO(
			ioctl(pair.a, _IOWR(SYNC_IOC_MAGIC, number, struct sync_merge_data), space),
			ENOTTY);
	}
	/* Right number, wrong size or direction. */
	EXPECT_ERRNO(ioctl(pair.a, _IOWR(SYNC_IOC_MAGIC, 3, __u64), space), ENOTTY);
	EXPECT_ERRNO(ioctl(pair.a, _IOW(SYNC_IOC_MAGIC, 4, struct sync_file_info), space), ENOTTY);
	EXPECT_ERRNO(ioctl(pair.a, _IO(SYNC_IOC_MAGIC, 255), space), ENOTTY);
	EXPECT_ERRNO(ioctl(pair.a, _IO('W', 1), space), ENOTTY);
	expect_untouched(&pair);
}
