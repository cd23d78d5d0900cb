/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * fencepost_device.h - what programs may ask of /dev/fencepost; docs/device.md explains it.
 *
 * Whatever a descriptor of the node has made is its own, is known to it alone by a number from 1
 * on, and is taken back in order when the descriptor is closed. Fields called `pad`, and bits of
 * `flags` that are not named here, must be 0 (EINVAL).
 */
#ifndef FENCEPOST_DEVICE_H
#define FENCEPOST_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FENCEPOST_NODE "/dev/fencepost"

/* Raised whenever a program made for an older one would misunderstand something. */
#define FENCEPOST_VERSION 1

/* The most of each that one descriptor may have, and that one call may move. */
#define FENCEPOST_MAX_DEVICES	  32
#define FENCEPOST_MAX_ATTACHMENTS 128
#define FENCEPOST_MAX_BUFFERS	  64
#define FENCEPOST_MAX_VMAPS	  16
#define FENCEPOST_MAX_TRANSFER	  (64u << 20)
#define FENCEPOST_MAX_ENTRIES	  65536

/* enum dma_data_direction (include/linux/dma-direction.h). */
enum fencepost_direction {
	FENCEPOST_BIDIRECTIONAL = 0,
	FENCEPOST_TO_DEVICE = 1,
	FENCEPOST_FROM_DEVICE = 2,
};

/* Devices that are not coherent with the processors can be had. */
#define FENCEPOST_CAN_BE_INCOHERENT (1u << 0)
/* What an ordinary device maps is bounced: it was tried when the module was loaded. */
#define FENCEPOST_BOUNCES (1u << 1)
/* There are bus masters, and an IOMMU translates what they drive. */
#define FENCEPOST_HAS_MASTERS	     (1u << 16)
#define FENCEPOST_MASTERS_TRANSLATED (1u << 17)

struct fencepost_info {
	__u32 version;	/* out */
	__u32 features; /* out */
};

/* The device is coherent, or is not; without either it is what the platform makes of it. */
#define FENCEPOST_COHERENT   (1u << 0)
#define FENCEPOST_INCOHERENT (1u << 1)

struct fencepost_device {
	__u32 flags;
	__u32 max_segment; /* longest segment in bytes; 0 for no limit */
	__u64 mask;	   /* DMA mask, as dma_set_mask() takes it; 0 for 64 bits */
	__u64 limit;	   /* highest address that the bus to it can carry; 0 for no limit */
	__u64 boundary;	   /* segments cross no multiple of this + 1; 0 for no boundary */
	__u32 device;	   /* out */
	__u32 pad;
};

struct fencepost_attach {
	__s32 fd; /* a dma-buf */
	__u32 device;
	__u32 flags;	  /* FENCEPOST_ATTACH_... */
	__u32 attachment; /* out */
};

struct fencepost_map {
	__u32 attachment;
	__u32 direction; /* enum fencepost_direction */
};

/* What is destroyed, detached, unmapped or let go of. */
struct fencepost_one {
	__u32 id;
	__u32 pad;
};

/* A range of a mapping as the device reaches it, or of a buffer as the kernel does through vmap. */
struct fencepost_transfer {
	__u32 id; /* attachment, or buffer */
	__u32 pad;
	__u64 offset;
	__u64 length; /* 0 to FENCEPOST_MAX_TRANSFER */
	__u64 data;   /* address in the program */
};

/* A piece of a mapping as the device sees it. */
struct fencepost_segment {
	__u64 address;
	__u64 length;
};

struct fencepost_segments {
	__u32 attachment;
	__u32 count; /* in: how many there is room for; out: how many there are */
	__u64 data;  /* array of struct fencepost_segment */
	__u64 bytes; /* out: all their lengths together */
};

struct fencepost_hold {
	__s32 fd;     /* a dma-buf */
	__u32 buffer; /* out */
};

struct fencepost_state {
	__u32 buffer;
	__u32 vmaps;	   /* out: by this descriptor */
	__u64 size;	   /* out */
	__u64 references;  /* out: to the buffer's file, this holding among them */
	__u32 attachments; /* out: on the buffer's own list, everyone's */
	__u32 pad;
};

struct fencepost_vmap {
	__u32 buffer;
	/* out, of VUNMAP: is there still a page at the address? 2 where that cannot be told. */
	__u32 present;
	__u64 address; /* out */
};

/* Physical addresses of a buffer's pages, by the page tables of its vmap. */
struct fencepost_pages {
	__u32 buffer;
	__u32 count; /* pages to tell of, from the first on: up to FENCEPOST_MAX_ENTRIES */
	__u64 first;
	__u64 data; /* array of __u64 */
};

struct fencepost_access {
	__u32 buffer;
	__u32 direction; /* enum fencepost_direction */
};

/*
 * Fences. What is not signalled when its descriptor is closed, or after FENCEPOST_FENCE_LIFE_MS,
 * signals with -ECANCELED or -ETIMEDOUT: whoever waits for one, in the kernel too, waits no longer.
 */
#define FENCEPOST_MAX_FENCES	   256
#define FENCEPOST_MAX_DEPENDENCIES 64
#define FENCEPOST_FENCE_LIFE_MS	   60000
#define FENCEPOST_MAX_JOB	   (1u << 20)
#define FENCEPOST_MAX_DELAY_MS	   10000

/*
 * What a fence in a buffer's reservation is for (enum dma_resv_usage, since 5.19). Before that
 * there was one exclusive fence, which KERNEL and WRITE become, and shared ones; BOOKKEEP is
 * EOPNOTSUPP.
 */
enum fencepost_usage {
	FENCEPOST_KERNEL = 0,
	FENCEPOST_WRITE = 1,
	FENCEPOST_READ = 2,
	FENCEPOST_BOOKKEEP = 3,
};

struct fencepost_fence {
	__u32 flags; /* 0 */
	__u32 fence; /* out */
};

struct fencepost_fence_add {
	__u32 fence;
	__u32 buffer; /* as HOLD numbered it */
	__u32 usage;  /* enum fencepost_usage */
	__u32 pad;
};

struct fencepost_fence_signal {
	__u32 fence;
	__u32 error; /* an errno, or 0; with 0 the fence's job is done first */
};

/* A sync_file. EOPNOTSUPP on a kernel without these. */
struct fencepost_fence_export {
	__u32 fence;
	__s32 fd; /* out; close-on-exec */
};

struct fencepost_fence_state {
	__u32 fence;
	__s32 status; /* out: 0 pending, 1 signalled, a negative errno: signalled with an error */
};

/* Waits for the fences of both buffers, as a reader of one and a writer of the other, and adds its
 * own. */
#define FENCEPOST_JOB_IMPLICIT (1u << 0)
/* Maps both for as long as it moves bytes; else they have to be mapped then. */
#define FENCEPOST_JOB_MAPS (1u << 1)

/*
 * Bytes that devices move from one mapping to another when all that is waited for has signalled and
 * the delay is over; then the fence signals, with an error where they could not. A fence has one
 * job.
 */
struct fencepost_job {
	__u32 fence;
	__u32 flags;
	__u32 from; /* attachments */
	__u32 to;
	__u64 from_offset;
	__u64 to_offset;
	__u64 length;	/* up to FENCEPOST_MAX_JOB */
	__s32 wait;	/* a sync_file to wait for, or -1 */
	__u32 delay_ms; /* up to FENCEPOST_MAX_DELAY_MS */
	__u32 change;	/* each byte is combined with this one by exclusive or */
	__u32 pad;
};

/* How a page of the caller's is mapped. */
enum fencepost_kind {
	FENCEPOST_NOT_MAPPED = 0, /* or no file's, which is not looked into */
	FENCEPOST_CACHED = 1,
	FENCEPOST_WRITE_COMBINED = 2,
	FENCEPOST_UNCACHED = 3,
	FENCEPOST_OTHER_KIND = 4, /* none of these, or a huge page's */
};

struct fencepost_protection {
	__u64 address; /* of a page */
	__u64 data;    /* array of __u8: enum fencepost_kind of each */
	__u32 count;   /* pages, up to FENCEPOST_MAX_ENTRIES */
	__u32 pad;
};

/*
 * A bus master: a real device, which nobody else has then; for all other calls one like those that
 * are played. What it moves it moves by itself, FENCEPOST_MAX_MASTER_TRANSFER bytes a call at most.
 */
struct fencepost_master {
	__u32 flags;  /* 0 */
	__u32 device; /* out */
	__u64 mask;   /* out: the DMA mask it has */
};

#define FENCEPOST_MAX_MASTER_TRANSFER 65536

#define FENCEPOST_IOC_INFO	     _IOR(0xfe, 0, struct fencepost_info)
#define FENCEPOST_IOC_DEVICE_CREATE  _IOWR(0xfe, 1, struct fencepost_device)
#define FENCEPOST_IOC_DEVICE_DESTROY _IOW(0xfe, 2, struct fencepost_one)
#define FENCEPOST_IOC_ATTACH	     _IOWR(0xfe, 3, struct fencepost_attach)
#define FENCEPOST_IOC_DETACH	     _IOW(0xfe, 4, struct fencepost_one)
#define FENCEPOST_IOC_MAP	     _IOW(0xfe, 5, struct fencepost_map)
#define FENCEPOST_IOC_UNMAP	     _IOW(0xfe, 6, struct fencepost_one)
#define FENCEPOST_IOC_DEVICE_READ    _IOW(0xfe, 7, struct fencepost_transfer)
#define FENCEPOST_IOC_DEVICE_WRITE   _IOW(0xfe, 8, struct fencepost_transfer)
#define FENCEPOST_IOC_SEGMENTS	     _IOWR(0xfe, 9, struct fencepost_segments)
#define FENCEPOST_IOC_HOLD	     _IOWR(0xfe, 10, struct fencepost_hold)
#define FENCEPOST_IOC_LET_GO	     _IOW(0xfe, 11, struct fencepost_one)
#define FENCEPOST_IOC_STATE	     _IOWR(0xfe, 12, struct fencepost_state)
#define FENCEPOST_IOC_VMAP	     _IOWR(0xfe, 13, struct fencepost_vmap)
#define FENCEPOST_IOC_VUNMAP	     _IOWR(0xfe, 14, struct fencepost_vmap)
#define FENCEPOST_IOC_KERNEL_READ    _IOW(0xfe, 15, struct fencepost_transfer)
#define FENCEPOST_IOC_KERNEL_WRITE   _IOW(0xfe, 16, struct fencepost_transfer)
#define FENCEPOST_IOC_PAGES	     _IOW(0xfe, 17, struct fencepost_pages)
#define FENCEPOST_IOC_BEGIN_ACCESS   _IOW(0xfe, 18, struct fencepost_access)
#define FENCEPOST_IOC_END_ACCESS     _IOW(0xfe, 19, struct fencepost_access)
#define FENCEPOST_IOC_FENCE_CREATE   _IOWR(0xfe, 0x30, struct fencepost_fence)
#define FENCEPOST_IOC_FENCE_ADD	     _IOW(0xfe, 0x31, struct fencepost_fence_add)
#define FENCEPOST_IOC_FENCE_SIGNAL   _IOW(0xfe, 0x32, struct fencepost_fence_signal)
#define FENCEPOST_IOC_FENCE_DROP     _IOW(0xfe, 0x33, struct fencepost_one)
#define FENCEPOST_IOC_FENCE_EXPORT   _IOWR(0xfe, 0x34, struct fencepost_fence_export)
#define FENCEPOST_IOC_FENCE_STATE    _IOWR(0xfe, 0x35, struct fencepost_fence_state)
#define FENCEPOST_IOC_JOB	     _IOW(0xfe, 0x36, struct fencepost_job)
#define FENCEPOST_IOC_PROTECTION     _IOW(0xfe, 0x40, struct fencepost_protection)

#define FENCEPOST_IOC_MASTER_CLAIM _IOWR(0xfe, 0x50, struct fencepost_master)
/*
 * A bus master reaches for where an attachment was mapped last, though it is mapped no longer
 * (EBUSY): within what was its first piece, up to a page. Only behind an IOMMU, which is to refuse
 * it (EPERM).
 */
#define FENCEPOST_IOC_STRAY_READ  _IOW(0xfe, 0x51, struct fencepost_transfer)
#define FENCEPOST_IOC_STRAY_WRITE _IOW(0xfe, 0x52, struct fencepost_transfer)

#endif
