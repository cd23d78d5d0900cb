// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* How a program's own pages are mapped: cached, write-combined or not cached, by its page tables.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "holdings.h"
#include "importer.h"

static u8 kind_of(pte_t entry)
{
	const u64 kind = pte_val(entry) & MEMORY_KIND_MASK;

	if (!pte_present(entry))
		return FENCEPOST_NOT_MAPPED;
	if (kind == MEMORY_KIND_CACHED)
		return FENCEPOST_CACHED;
	if (kind == (pgprot_val(pgprot_writecombine(__pgprot(0))) & MEMORY_KIND_MASK))
		return FENCEPOST_WRITE_COMBINED;
	if (kind == (pgprot_val(pgprot_noncached(__pgprot(0))) & MEMORY_KIND_MASK))
		return FENCEPOST_UNCACHED;
	return FENCEPOST_OTHER_KIND;
}

/* Tables go away only with the areas that they are for, and these stay while the lock is held. */
static u8 look_up(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return FENCEPOST_NOT_MAPPED;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d))
		return FENCEPOST_NOT_MAPPED;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud) || !pud_present(*pud))
		return FENCEPOST_NOT_MAPPED;
	if (pud_leaf(*pud))
		return FENCEPOST_OTHER_KIND;
	pmd = pmd_offset(pud, address);
	if (pmd_none(*pmd) || !pmd_present(*pmd))
		return FENCEPOST_NOT_MAPPED;
	if (pmd_leaf(*pmd))
		return FENCEPOST_OTHER_KIND;
	return kind_of(READ_ONCE(*pte_offset_kernel(pmd, address)));
}

long protection_of(const struct fencepost_protection *wanted)
{
	const unsigned long first = wanted->address;
	struct mm_struct *mm = current->mm;
	u8 *kinds;
	u32 i;
	int result;

	if (wanted->pad || !PAGE_ALIGNED(first) || first != wanted->address ||
	    wanted->count > FENCEPOST_MAX_ENTRIES || first >= TASK_SIZE ||
	    wanted->count > (TASK_SIZE - first) >> PAGE_SHIFT)
		return -EINVAL;
	kinds = kvzalloc(wanted->count, GFP_KERNEL);
	if (!kinds)
		return -ENOMEM;
	result = mmap_read_lock_killable(mm);
	if (result)
		goto free;
	for (i = 0; i < wanted->count; i++) {
		const unsigned long address = first + ((unsigned long)i << PAGE_SHIFT);
		struct vm_area_struct *area = find_vma(mm, address);

		/* Huge pages of these come and go without the lock; a driver's mapping has none. */
		if (area && area->vm_start <= address && area->vm_file)
			kinds[i] = look_up(mm, address);
	}
	mmap_read_unlock(mm);
	if (copy_to_user(u64_to_user_ptr(wanted->data), kinds, wanted->count))
		result = -EFAULT;
free:
	kvfree(kinds);
	return result;
}
