// SPDX-License-Identifier: GPL-2.0
/* A module that does what its parameter says: what only a kernel can do to itself. */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static char *what = "nothing";
module_param(what, charp, 0);
static unsigned int after_ms;
module_param(after_ms, uint, 0);

static noinline void wreck_dereference(void)
{
	int *volatile nowhere = NULL;

	*nowhere = 1;
}

static noinline void wreck_spin(void *unused)
{
	for (;;)
		cpu_relax();
}

static int wreck_spin_with_interrupts(void *unused)
{
	preempt_disable();
	wreck_spin(NULL);
	return 0;
}

static void wreck_hang(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
	{
		struct task_struct *task;

		task = kthread_create(wreck_spin_with_interrupts, NULL, "wreck/%u", cpu);
		if (IS_ERR(task))
			return;
		kthread_bind(task, cpu);
		sched_set_fifo(task);
		wake_up_process(task);
	}
}

static void wreck_now(void)
{
	if (!strcmp(what, "warn"))
		WARN(1, "wreck: a warning\n");
	else if (!strcmp(what, "oops"))
		wreck_dereference();
	else if (!strcmp(what, "panic"))
		panic("wreck: on request");
	else if (!strcmp(what, "hang"))
		wreck_hang();
	else if (!strcmp(what, "hang-irqs-off"))
		on_each_cpu(wreck_spin, NULL, 1);
	else if (!strcmp(what, "stuck"))
		wreck_spin(NULL);
}

static void wreck_late(struct timer_list *unused)
{
	wreck_now();
}

static DEFINE_TIMER(wreck_timer, wreck_late);

static int __init wreck_init(void)
{
	if (after_ms)
		mod_timer(&wreck_timer, jiffies + msecs_to_jiffies(after_ms));
	else
		wreck_now();
	return 0;
}

static void __exit wreck_exit(void)
{
	del_timer_sync(&wreck_timer);
}

module_init(wreck_init);
module_exit(wreck_exit);
MODULE_DESCRIPTION("Breaks its kernel in a chosen way, to try out who notices");
MODULE_LICENSE("GPL");
