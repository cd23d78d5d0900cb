// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Which bug the heap has, and what kind of heap it is. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "mutants.h"

static const struct {
	const char *number;
	unsigned int needs;
	const char *wrong;
} mutants[] = {[NO_MUTANT] = {"", ANY_HEAP, "nothing"},
#define MUTANT_RECORD(number, needs, wrong) [number] = {#number, needs, wrong},
	       MUTANTS(MUTANT_RECORD)
#undef MUTANT_RECORD
};

enum mutant_number chosen_mutant;
bool heap_contiguous;
bool heap_scattered;
bool heap_uncached;
bool heap_maps_by_fault;
bool heap_maps_refcounted;

static char *mutant = "";
module_param(mutant, charp, 0444);
MODULE_PARM_DESC(mutant, "what the heap does wrong, as M01 (default: nothing)");

static bool contiguous;
module_param(contiguous, bool, 0444);
MODULE_PARM_DESC(contiguous, "each buffer is one block of memory, of the default CMA area if any");

static bool scattered;
module_param(scattered, bool, 0444);
MODULE_PARM_DESC(scattered, "hardly any pages of a buffer are neighbours");

static bool fault;
module_param(fault, bool, 0444);
MODULE_PARM_DESC(fault, "mappings are filled as they are touched, not at once");

static bool uncached;
module_param(uncached, bool, 0444);
MODULE_PARM_DESC(uncached, "mappings are write-combined, and the heap is called so");

int mutants_choose(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mutants); i++)
		if (!strcmp(mutants[i].number, mutant))
			break;
	if (i == ARRAY_SIZE(mutants)) {
		pr_err("mutant_heap: mutant=%s is not known; %s to %s are, see mutants.h\n", mutant,
		       mutants[1].number, mutants[ARRAY_SIZE(mutants) - 1].number);
		return -EINVAL;
	}
	chosen_mutant = i;
	heap_contiguous = contiguous || (mutants[i].needs & IS_CONTIGUOUS);
	heap_scattered = scattered || (mutants[i].needs & IS_SCATTERED);
	heap_uncached = uncached || (mutants[i].needs & IS_UNCACHED);
	/* What is mapped by its frame alone is cached on x86 as the kernel's own mapping of it is.
	 */
	heap_maps_refcounted = heap_uncached || (mutants[i].needs & MAPS_REFCOUNTED);
	heap_maps_by_fault = fault || heap_maps_refcounted || (mutants[i].needs & MAPS_BY_FAULT);
	/* Only the first page of a block is counted. */
	if (heap_contiguous && heap_maps_refcounted) {
		pr_err("mutant_heap: mutant=%s is none of a contiguous heap\n", mutant);
		return -EINVAL;
	}
	if (chosen_mutant != NO_MUTANT)
		pr_info("mutant_heap: %s: %s\n", mutants[i].number, mutants[i].wrong);
	return 0;
}
