/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * fencepost_exporter.h - the part of /dev/fencepost (fencepost_device.h) that sees what the DMA-BUF
 * core does: buffers of the module's own, which record what is asked of their exporter; importers
 * that can be told of a move; and heaps that are added.
 */
#ifndef FENCEPOST_DEVICE_EXPORTER_H
#define FENCEPOST_DEVICE_EXPORTER_H

#include "fencepost_device.h"

/* More of struct fencepost_info.features. */

/* Dynamic importers map what can move without a pin: with CONFIG_DMABUF_MOVE_NOTIFY, since 7.0
 * always. */
#define FENCEPOST_MOVES (1u << 8)
/* CONFIG_DMABUF_DEBUG: importers do not see pages. */
#define FENCEPOST_HIDES_PAGES (1u << 9)
/* The kernel lets modules add heaps. */
#define FENCEPOST_ADDS_HEAPS (1u << 10)
/* The core can be told to keep an attachment's first mapping (dma_buf_ops.cache_sgt_mapping). */
#define FENCEPOST_KEEPS_MAPPINGS (1u << 11)
/* Importers hold the reservation lock for map, unmap, vmap and vunmap. */
#define FENCEPOST_LOCKS (1u << 12)

#define FENCEPOST_MAX_EXPORTS 32
#define FENCEPOST_MAX_PINS    16
/* Of a buffer of the module's own, in bytes. */
#define FENCEPOST_MAX_EXPORTED (16u << 20)
#define FENCEPOST_MAX_WAIT_MS  1000

/* How the exporter is made; without any it is static, and can all that an exporter can. */
#define FENCEPOST_EXPORT_DYNAMIC (1u << 0) /* has pin and unpin: its buffers can move */
#define FENCEPOST_EXPORT_NO_MMAP (1u << 1)
#define FENCEPOST_EXPORT_NO_VMAP (1u << 2)
#define FENCEPOST_EXPORT_KEEPS	 (1u << 3) /* EOPNOTSUPP without FENCEPOST_KEEPS_MAPPINGS */

struct fencepost_export {
	__u32 flags;
	__s32 fd;     /* out: the dma-buf, O_RDWR and O_CLOEXEC */
	__u64 size;   /* whole pages, up to FENCEPOST_MAX_EXPORTED */
	__u32 export; /* out */
	__u32 pad;
};

/* What the core asks of an exporter (struct dma_buf_ops). */
enum fencepost_call_of {
	FENCEPOST_CALL_ATTACH,
	FENCEPOST_CALL_DETACH,
	FENCEPOST_CALL_PIN,
	FENCEPOST_CALL_UNPIN,
	FENCEPOST_CALL_MAP,
	FENCEPOST_CALL_UNMAP,
	FENCEPOST_CALL_BEGIN,
	FENCEPOST_CALL_END,
	FENCEPOST_CALL_MMAP,
	FENCEPOST_CALL_VMAP,
	FENCEPOST_CALL_VUNMAP,
	FENCEPOST_CALL_RELEASE,
	FENCEPOST_CALLS
};

struct fencepost_call {
	__u32 count;
	__u32 locked;	 /* of these, while somebody held the buffer's reservation lock */
	__u32 refused;	 /* of these, as FENCEPOST_IOC_EXPORT_FAIL wants it */
	__u32 direction; /* of the last one, enum fencepost_direction */
	__u32 last;	 /* the last one's place among all calls, from 1 on */
};

struct fencepost_calls {
	__u32 export;
	__u32 pad;
	struct fencepost_call of[FENCEPOST_CALLS]; /* out */
};

/* Instead of an errno, for MAP: the exporter returns NULL. */
#define FENCEPOST_FAIL_NULL 0

/* The exporter refuses the next calls of a kind. */
struct fencepost_fail {
	__u32 export;
	__u32 call;  /* ATTACH, PIN, MAP, BEGIN, END, MMAP or VMAP */
	__u32 error; /* errno, up to 4095 */
	__u32 times;
};

/* Moves that are told wrongly, as a bad exporter would. */
#define FENCEPOST_MOVE_UNLOCKED	 (1u << 0) /* without the reservation lock */
#define FENCEPOST_MOVE_LESS_LAST (1u << 1) /* not to the attachment that was made last */

/* The exporter tells all who can be told that the buffer moves. */
struct fencepost_move {
	__s32 fd; /* a buffer that FENCEPOST_IOC_EXPORT made */
	__u32 flags;
};

/* Flags of struct fencepost_attach: a dynamic importer, and one that cannot be told of moves. */
#define FENCEPOST_ATTACH_DYNAMIC   (1u << 0)
#define FENCEPOST_ATTACH_NO_NOTIFY (1u << 1)

struct fencepost_notified {
	__u32 attachment;
	__u32 count;  /* out: how often a move was told */
	__u32 locked; /* out: of these, while somebody held the reservation lock */
	__u32 pad;
};

struct fencepost_limit {
	__u32 device;
	__u32 pad;
	__u64 limit; /* as of struct fencepost_device */
};

/* The scatter list as the importer gets it, looked at where no importer may. */
struct fencepost_table {
	__u32 attachment;
	__u32 entries; /* out: pieces for the device */
	__u32 pages;   /* out: of these, that show the page behind the address */
	__u32 lengths; /* out: of these, that show a length besides the device's */
};

/*
 * Under one hold of the reservation lock: waits, maps in both directions and unmaps, and does so
 * with vmap where the exporter has it. EOPNOTSUPP without FENCEPOST_LOCKS.
 */
struct fencepost_locked {
	__u32 attachment; /* not mapped */
	__u32 wait_ms;	  /* up to FENCEPOST_MAX_WAIT_MS */
};

/* What is wrong with a heap that is added. */
#define FENCEPOST_HEAP_NO_NAME	   (1u << 0) /* NULL */
#define FENCEPOST_HEAP_NO_OPS	   (1u << 1) /* NULL */
#define FENCEPOST_HEAP_NO_ALLOCATE (1u << 2)

/* dma_heap_add(), whose error is passed on. A heap stays until the kernel ends. EOPNOTSUPP without
 * FENCEPOST_ADDS_HEAPS. */
struct fencepost_heap {
	__u32 flags;
	__u32 pad;
	char name[56]; /* ends with NUL */
};

#define FENCEPOST_IOC_EXPORT	   _IOWR(0xfe, 0x20, struct fencepost_export)
#define FENCEPOST_IOC_EXPORT_CALLS _IOWR(0xfe, 0x21, struct fencepost_calls)
#define FENCEPOST_IOC_EXPORT_FAIL  _IOW(0xfe, 0x22, struct fencepost_fail)
#define FENCEPOST_IOC_EXPORT_MOVE  _IOW(0xfe, 0x23, struct fencepost_move)
#define FENCEPOST_IOC_NOTIFIED	   _IOWR(0xfe, 0x24, struct fencepost_notified)
#define FENCEPOST_IOC_PIN	   _IOW(0xfe, 0x25, struct fencepost_one)
#define FENCEPOST_IOC_UNPIN	   _IOW(0xfe, 0x26, struct fencepost_one)
#define FENCEPOST_IOC_DEVICE_LIMIT _IOW(0xfe, 0x27, struct fencepost_limit)
#define FENCEPOST_IOC_TABLE	   _IOWR(0xfe, 0x28, struct fencepost_table)
#define FENCEPOST_IOC_LOCKED	   _IOW(0xfe, 0x29, struct fencepost_locked)
#define FENCEPOST_IOC_HEAP_ADD	   _IOW(0xfe, 0x2a, struct fencepost_heap)

#endif
