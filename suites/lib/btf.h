/* SPDX-License-Identifier: MIT */
/* btf.h - the kernel's own types, by name (/sys/kernel/btf/vmlinux; Documentation/bpf/btf.rst). */
#ifndef FENCEPOST_BTF_H
#define FENCEPOST_BTF_H

#include <stddef.h>
#include <stdint.h>

#define BTF_PATH "/sys/kernel/btf/vmlinux"

struct btf {
	const unsigned char *types; /* btf_type records */
	size_t types_bytes;
	const char *strings;
	size_t strings_bytes;
};

/* Reads it; the case fails when it is not as documented. */
void btf_read(struct btf *btf);
/* The id of a function; the case fails when there is none. */
uint32_t btf_function(const struct btf *btf, const char *name);
/* Where a member lies in a struct, in bytes; the case fails when there is none. */
int16_t btf_offset(const struct btf *btf, const char *structure, const char *member);

#endif
