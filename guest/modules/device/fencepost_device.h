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

#endif
