// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ktap.h"
#include "btf.h"
#include "dmabuf-iterator.h"

/* What is used here of include/uapi/linux/bpf.h. */
enum { BPF_PROG_LOAD = 5, BPF_LINK_CREATE = 28, BPF_ITER_CREATE = 33 };
enum { BPF_PROG_TYPE_TRACING = 26, BPF_TRACE_ITER = 28, BPF_FUNC_SEQ_WRITE = 127 };

#define LOAD64	0x79 /* dst = *(u64 *)(src + off) */
#define STORE64 0x7b /* *(u64 *)(dst + off) = src */
#define MOVE	0xbf /* dst = src */
#define SET	0xb7 /* dst = imm */
#define ADD	0x07 /* dst += imm */
#define IF_ZERO 0x15 /* if (dst == imm) skip off instructions */
#define CALL	0x85
#define EXIT	0x95

struct instruction {
	uint8_t code;
	uint8_t registers; /* dst in the lower half, src in the upper (both architectures are little
			      endian) */
	int16_t off;
	int32_t imm;
};

#define REGISTERS(dst, src) (uint8_t)((dst) | (src) << 4)

struct load {
	uint32_t prog_type, insn_cnt;
	uint64_t insns, license;
	uint32_t log_level, log_size;
	uint64_t log_buf;
	uint32_t kern_version, prog_flags;
	char prog_name[16];
	uint32_t prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size;
	uint64_t func_info;
	uint32_t func_info_cnt, line_info_rec_size;
	uint64_t line_info;
	uint32_t line_info_cnt, attach_btf_id;
};

struct link {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t iter_info;
	uint32_t iter_info_len;
};

struct open_iterator {
	uint32_t link_fd, flags;
};

static int bpf(int command, const void *attributes, size_t size)
{
	return (int)syscall(SYS_bpf, command, attributes, size);
}

/* Writes size and inode number of each dma-buf to the iterator's file. */
static int load_program(void)
{
	static char log[4096];
	struct btf btf;

	btf_read(&btf);

	const struct instruction program[] = {
		{LOAD64, REGISTERS(7, 1), 8, 0}, /* struct bpf_iter__dmabuf: dmabuf */
		{LOAD64, REGISTERS(6, 1), 0, 0}, /* and meta */
		/* After the last one there is a call without any. */
		{IF_ZERO, REGISTERS(7, 0), 11, 0},
		{LOAD64, REGISTERS(2, 7), btf_offset(&btf, "dma_buf", "size"), 0},
		{STORE64, REGISTERS(10, 2), -16, 0},
		{LOAD64, REGISTERS(2, 7), btf_offset(&btf, "dma_buf", "file"), 0},
		{LOAD64, REGISTERS(2, 2), btf_offset(&btf, "file", "f_inode"), 0},
		{LOAD64, REGISTERS(2, 2), btf_offset(&btf, "inode", "i_ino"), 0},
		{STORE64, REGISTERS(10, 2), -8, 0},
		{LOAD64, REGISTERS(1, 6), 0, 0}, /* struct bpf_iter_meta: seq */
		{MOVE, REGISTERS(2, 10), 0, 0},
		{ADD, REGISTERS(2, 0), 0, -16},
		{SET, REGISTERS(3, 0), 0, sizeof(struct iterated)},
		{CALL, 0, 0, BPF_FUNC_SEQ_WRITE},
		{SET, REGISTERS(0, 0), 0, 0},
		{EXIT, 0, 0, 0},
	};
	const struct load load = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.insns = (uintptr_t)program,
		.license = (uintptr_t) "GPL",
		.log_level = 1,
		.log_size = sizeof(log),
		.log_buf = (uintptr_t)log,
		.expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = btf_function(&btf, "bpf_iter_dmabuf"),
	};
	int fd = bpf(BPF_PROG_LOAD, &load, sizeof(load));

	if (fd < 0)
		fp_failf(__FILE__, __LINE__, "BPF_PROG_LOAD", "a program", "%s: %.300s",
			 fp_errno_name(errno), log);
	return fd;
}

int dmabuf_iterator_link(void)
{
	const struct link link = {.prog_fd = (uint32_t)load_program(),
				  .attach_type = BPF_TRACE_ITER};

	return MUST(bpf(BPF_LINK_CREATE, &link, sizeof(link)));
}

int dmabuf_iterate(int link, struct iterated *buffers, int room)
{
	const struct open_iterator open_iterator = {.link_fd = (uint32_t)link};
	int file = MUST(bpf(BPF_ITER_CREATE, &open_iterator, sizeof(open_iterator)));
	struct iterated some[32];
	int count = 0;
	ssize_t got;

	while ((got = EXPECT_OK(read(file, some, sizeof(some)))) > 0) {
		EXPECT_EQ(got % (ssize_t)sizeof(some[0]), 0);
		for (size_t i = 0; i < (size_t)got / sizeof(some[0]); i++, count++)
			if (count < room)
				buffers[count] = some[i];
	}
	MUST(close(file));
	return count;
}
