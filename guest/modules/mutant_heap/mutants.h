/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The bugs that this heap can be given, by their numbers in the catalogue of mutants. A line each:
 * X(number, what the heap must be for it, what it does wrong). Where the code asks
 * mutant_is(NUMBER), a driver's author would have made the mistake.
 */
#ifndef MUTANT_HEAP_MUTANTS_H
#define MUTANT_HEAP_MUTANTS_H

#include <linux/types.h>

/* What a mutant needs the heap to be. */
#define ANY_HEAP	0
#define MAPS_BY_FAULT	1  /* mappings are filled page by page, as they are touched */
#define MAPS_REFCOUNTED 2  /* the same, with ordinary counted pages, as the heaps of 5.10 did */
#define IS_CONTIGUOUS	4  /* a buffer is one block */
#define IS_UNCACHED	8  /* mappings are write-combined, as the heap's name says */
#define IS_SCATTERED	16 /* hardly any pages of a buffer are neighbours */

#define MUTANTS(X)                                                                                 \
	X(M01, ANY_HEAP, "buffers are not cleared")                                                \
	X(M02, ANY_HEAP, "buffers are cleared in blocks of 64 KiB, and not what is left over")     \
	X(M03, ANY_HEAP, "only a buffer's first page is cleared")                                  \
	X(M05, ANY_HEAP, "freed pages are kept and handed out again as they are")                  \
	X(M06, ANY_HEAP, "the size told is the number of the last byte")                           \
	X(M07, ANY_HEAP, "the size told is a page more than there is")                             \
	X(M08, ANY_HEAP, "a page fewer is allocated than the size told")                           \
	X(M09, ANY_HEAP, "memory is taken in powers of two")                                       \
	X(M10, ANY_HEAP, "every mapping begins with the first page")                               \
	X(M11, ANY_HEAP, "every mapping is filled to the buffer's end, whatever its length")       \
	X(M12, MAPS_REFCOUNTED, "a fault at the page after the last one is served")                \
	X(M13, MAPS_REFCOUNTED, "mappings may be expanded and dumped, and count as resident")      \
	X(M14, MAPS_REFCOUNTED, "a private mapping is granted, and is a copy")                     \
	X(M15, MAPS_REFCOUNTED, "mappings are write-combined, and the name does not say so")       \
	X(M16, IS_UNCACHED, "mappings are cached, and the name says that they are not")            \
	X(M17, ANY_HEAP, "every descriptor can be read and written")                               \
	X(M18, ANY_HEAP, "close-on-exec is forgotten (5.10: later the core makes the descriptor)") \
	X(M19, ANY_HEAP, "without a free descriptor the buffer stays (5.10, likewise)")            \
	X(M20, ANY_HEAP, "begin_cpu_access does nothing")                                          \
	X(M21, ANY_HEAP, "end_cpu_access does nothing")                                            \
	X(M22, ANY_HEAP, "begin syncs for devices, and end for programs")                          \
	X(M23, ANY_HEAP, "every sync is one for writing")                                          \
	X(M24, ANY_HEAP, "only one of a buffer's devices is synced")                               \
	X(M25, IS_SCATTERED, "only a buffer's first piece is synced")                              \
	X(M26, ANY_HEAP, "what a device has not mapped is synced for it")                          \
	X(M27, ANY_HEAP, "a buffer counts as unmapped once an access has ended")                   \
	X(M28, ANY_HEAP, "a buffer is mapped for both directions, whatever was asked for")         \
	X(M29, ANY_HEAP, "mapping and unmapping leave the bytes to who syncs")                     \
	X(M30, ANY_HEAP, "a buffer is unmapped as if it had been for reading")                     \
	X(M31, ANY_HEAP, "unmapping a buffer leaves the device its addresses")                     \
	X(M32, ANY_HEAP, "all devices share a buffer's list of pieces")                            \
	X(M33, ANY_HEAP, "a device that is detached leaves its list of pieces")                    \
	X(M34, ANY_HEAP, "a device that is detached stays on the buffer's list")                   \
	X(M35, ANY_HEAP, "the list of a buffer's devices has no lock")                             \
	X(M36, ANY_HEAP, "an allocation that fails keeps its pages")                               \
	X(M37, ANY_HEAP, "a buffer that cannot be exported is freed twice")                        \
	X(M38, ANY_HEAP, "the last unmapping frees the pages, whoever has a descriptor")           \
	X(M39, ANY_HEAP, "pages are referenced once too often, and never freed")                   \
	X(M40, MAPS_REFCOUNTED, "pages are mapped without a reference, and freed when unmapped")   \
	X(M41, IS_SCATTERED, "pages are one piece where each lies somewhere after the last")       \
	X(M42, ANY_HEAP, "devices have a buffer's pages from the last to the first")               \
	X(M43, IS_CONTIGUOUS, "where there is no block left, single pages do")                     \
	X(M44, IS_CONTIGUOUS, "a buffer begins a page after its block does")                       \
	X(M46, IS_CONTIGUOUS, "a page fewer is given back than was taken")                         \
	X(M47, ANY_HEAP, "a mapping into the kernel is never given back")                          \
	X(M48, ANY_HEAP, "a mapping into the kernel repeats each fourth page")                     \
	X(M49, ANY_HEAP, "a mapping into the kernel that could not be made is NULL, and no error") \
	X(M50, ANY_HEAP, "the reservation lock is taken for a mapping")                            \
	X(M51, ANY_HEAP, "the reservation lock is waited for with the lock that mapping takes")    \
	X(M52, ANY_HEAP, "begin_cpu_access returns 1")                                             \
	X(M53, ANY_HEAP, "the length is cut to 32 bits")                                           \
	X(M54, ANY_HEAP, "room for a guard page is added to the length without a look")            \
	X(M55, ANY_HEAP, "an allocation goes on though its caller is being killed")                \
	X(M56, ANY_HEAP, "an allocation that fails returns NULL")                                  \
	X(M57, ANY_HEAP, "the exporter's name lies on the stack")                                  \
	X(M58, ANY_HEAP, "the heap's name tells the allocator, and is another each time")          \
	X(M59, ANY_HEAP, "the module can be unloaded, whoever has a buffer of it")                 \
	X(M60, ANY_HEAP, "a mapping does not tell how many pieces it has")                         \
	X(M61, ANY_HEAP, "all buffers share their fences")                                         \
	X(M62, ANY_HEAP, "freeing a buffer waits for its fences")                                  \
	X(M63, ANY_HEAP, "devices are given physical addresses, whatever they reach")              \
	X(M65, ANY_HEAP, "the module can be unloaded when nobody has a buffer, and the heap stays")

enum mutant_number {
	NO_MUTANT,
#define MUTANT_NUMBER(number, needs, wrong) number,
	MUTANTS(MUTANT_NUMBER)
#undef MUTANT_NUMBER
};

/* Which one this is: decided once, when the module is loaded. */
extern enum mutant_number chosen_mutant;

static inline bool mutant_is(enum mutant_number number)
{
	return chosen_mutant == number;
}

/* How the heap makes its buffers: by the module's parameters, and by what the mutant needs. */
extern bool heap_contiguous;
extern bool heap_scattered;
extern bool heap_uncached;
extern bool heap_maps_by_fault;
extern bool heap_maps_refcounted;

/* Reads the parameters; 0, or -EINVAL with a message that names what is accepted. */
int mutants_choose(void);

#endif
