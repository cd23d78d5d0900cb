// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "importer.h"
#include "master.h"

#define NAME	   "fencepost_edu"
#define VENDOR_ID  0x1234
#define DEVICE_ID  0x11e8
#define TIMEOUT_MS 5000

/* Registers of BAR 0. */
#define IDENTIFICATION 0x00
#define SOURCE	       0x80
#define DESTINATION    0x88
#define COUNT	       0x90
#define COMMAND	       0x98
#define RUN	       BIT(0)
#define TO_MEMORY      BIT(1)

/*
 * The device's own memory, as its addresses for transfers go. The device does not keep a transfer
 * within it; this driver does.
 */
#define OWN	  0x40000
#define OWN_BYTES 4096

static unsigned int edu_mask_bits = 32;
module_param(edu_mask_bits, uint, 0444);
MODULE_PARM_DESC(edu_mask_bits,
		 "bits of an address that QEMU's edu devices drive (their dma_mask)");

struct master {
	struct pci_dev *pci;
	void __iomem *registers;
	/* Where bytes stand between a program and the device. */
	void *stage;
	dma_addr_t stage_address;
	bool claimed;
	struct list_head node;
};

static LIST_HEAD(masters);
static unsigned int master_count;
static DEFINE_MUTEX(masters_lock);

/*
 * A guest that is a copy of another has the device as after a reset: QEMU does not save its state.
 * What the kernel has set is put back then, as after a sleep.
 */
static int wake(struct master *master)
{
	u16 command;

	pci_read_config_word(master->pci, PCI_COMMAND, &command);
	if (!(command & PCI_COMMAND_MEMORY) || !(command & PCI_COMMAND_MASTER)) {
		pci_restore_state(master->pci);
		pci_save_state(master->pci);
	}
	return (readl(master->registers + IDENTIFICATION) & 0xff) == 0xed ? 0 : -EIO;
}

/* Lets the device copy, and waits for it. Never more than its own memory holds. */
static int move(struct master *master, u64 address, size_t bytes, bool to_memory)
{
	const unsigned long until = jiffies + msecs_to_jiffies(TIMEOUT_MS);

	if (!bytes || bytes > OWN_BYTES)
		return -EINVAL;
	writeq(to_memory ? OWN : address, master->registers + SOURCE);
	writeq(to_memory ? address : OWN, master->registers + DESTINATION);
	writeq(bytes, master->registers + COUNT);
	writeq(RUN | (to_memory ? TO_MEMORY : 0), master->registers + COMMAND);
	while (readq(master->registers + COMMAND) & RUN) {
		if (time_after(jiffies, until))
			return -ETIMEDOUT;
		usleep_range(2000, 4000);
	}
	return 0;
}

static int transfer_part(struct master *master, u64 address, size_t bytes, void __user *user,
			 bool write)
{
	int result;

	if (write && copy_from_user(master->stage, user, bytes))
		return -EFAULT;
	/* What is not read is told from what is zero. */
	if (!write)
		memset(master->stage, 0xfe, OWN_BYTES);
	result = move(master, write ? master->stage_address : address, bytes, false);
	if (!result)
		result = move(master, write ? address : master->stage_address, bytes, true);
	if (result)
		return result;
	return !write && copy_to_user(user, master->stage, bytes) ? -EFAULT : 0;
}

int master_transfer(struct master *master, u64 address, size_t bytes, void __user *user, bool write)
{
	const u64 limit = dma_get_mask(&master->pci->dev);
	int result;

	/* The device would cut the address off, and go elsewhere. */
	if (bytes && (address > limit || bytes - 1 > limit - address))
		return -EREMOTEIO;
	result = wake(master);
	while (!result && bytes) {
		const size_t part = min_t(size_t, bytes, OWN_BYTES);

		if (fatal_signal_pending(current))
			return -EINTR;
		result = transfer_part(master, address, part, user, write);
		address += part;
		user += part;
		bytes -= part;
	}
	return result;
}

struct master *master_claim(void)
{
	struct master *master, *free = ERR_PTR(-ENODEV);

	mutex_lock(&masters_lock);
	list_for_each_entry(master, &masters, node)
	{
		free = ERR_PTR(-EBUSY);
		if (master->claimed)
			continue;
		master->claimed = true;
		free = master;
		break;
	}
	mutex_unlock(&masters_lock);
	return free;
}

void master_release(struct master *master)
{
	mutex_lock(&masters_lock);
	master->claimed = false;
	mutex_unlock(&masters_lock);
}

struct device *master_device(struct master *master)
{
	return &master->pci->dev;
}

bool master_is_translated(const struct master *master)
{
	return import_is_translated(&master->pci->dev);
}

bool masters_there(void)
{
	return READ_ONCE(master_count) > 0;
}

bool masters_translated(void)
{
	struct master *master;
	bool translated;

	mutex_lock(&masters_lock);
	translated = !list_empty(&masters);
	list_for_each_entry(master, &masters, node) translated &= master_is_translated(master);
	mutex_unlock(&masters_lock);
	return translated;
}

static int prepare(struct master *master)
{
	struct device *device = &master->pci->dev;
	int result = dma_set_mask_and_coherent(device, DMA_BIT_MASK(edu_mask_bits));

	if (result)
		return result;
	dma_set_max_seg_size(device, UINT_MAX);
	master->stage = dma_alloc_coherent(device, OWN_BYTES, &master->stage_address, GFP_KERNEL);
	if (!master->stage)
		return -ENOMEM;
	pci_set_master(master->pci);
	pci_save_state(master->pci);
	return wake(master);
}

static void forget(struct master *master)
{
	pci_clear_master(master->pci);
	if (master->stage)
		dma_free_coherent(&master->pci->dev, OWN_BYTES, master->stage,
				  master->stage_address);
	pci_iounmap(master->pci, master->registers);
	pci_disable_device(master->pci);
	kfree(master);
}

static int probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct master *master = kzalloc(sizeof(*master), GFP_KERNEL);
	int result;

	if (!master)
		return -ENOMEM;
	master->pci = pci;
	result = pci_enable_device(pci);
	if (result)
		goto free;
	result = -ENOMEM;
	master->registers = pci_iomap(pci, 0, 0);
	if (!master->registers)
		goto disable;
	result = prepare(master);
	if (result) {
		forget(master);
		return result;
	}
	pci_set_drvdata(pci, master);
	mutex_lock(&masters_lock);
	list_add_tail(&master->node, &masters);
	master_count++;
	mutex_unlock(&masters_lock);
	return 0;
disable:
	pci_disable_device(pci);
free:
	kfree(master);
	return result;
}

/* Nobody has one any more: who does holds the module. */
static void leave(struct pci_dev *pci)
{
	struct master *master = pci_get_drvdata(pci);

	mutex_lock(&masters_lock);
	list_del(&master->node);
	master_count--;
	mutex_unlock(&masters_lock);
	forget(master);
}

static const struct pci_device_id ids[] = {{PCI_DEVICE(VENDOR_ID, DEVICE_ID)}, {}};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = NAME,
	.id_table = ids,
	.probe = probe,
	.remove = leave,
	/* A device that is taken away by hand would take what others hold with it. */
	.driver.suppress_bind_attrs = true,
};

int masters_register(void)
{
	if (edu_mask_bits < 20 || edu_mask_bits > 64)
		return -EINVAL;
	return pci_register_driver(&driver);
}

void masters_unregister(void)
{
	pci_unregister_driver(&driver);
}
