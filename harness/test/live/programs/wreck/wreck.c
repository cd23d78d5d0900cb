// SPDX-License-Identifier: GPL-2.0
/* A module that does what its parameter says: what only a kernel can do to itself. */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/pid.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/wait.h>
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

/* Asleep, and nothing may wake it, so that the host is spared: no interrupts, and no timer to send one. */
static void wreck_halt(void *unused)
{
	local_irq_disable();
#if defined(CONFIG_ARM64)
	asm volatile("msr cntv_ctl_el0, xzr; msr cntp_ctl_el0, xzr; isb");
#endif
	for (;;)
#if defined(CONFIG_X86)
		asm volatile("hlt");
#elif defined(CONFIG_ARM64)
		asm volatile("wfi");
#endif
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

/* Something nobody survives, not even the kernel: the machine is gone without a word. */
static void wreck_vanish(void)
{
#if defined(CONFIG_X86)
	static const struct {
		u16 size;
		unsigned long address;
	} __packed nothing;

	/* No interrupt can be delivered, nor the fault for that, nor the one for that. */
	asm volatile("lidt %0; int3" : : "m"(nothing));
#elif defined(CONFIG_ARM64)
	/* Arm DEN0022, 5.10: SYSTEM_OFF, past everything that would say so. */
	register unsigned long x0 asm("x0") = 0x84000008;

	asm volatile("hvc #0" : : "r"(x0) : "memory");
#endif
}

static void wreck_sleep(void)
{
	static DECLARE_WAIT_QUEUE_HEAD(queue);

	wait_event(queue, false);
}

/* Nobody may kill PID 1, but it may lose its way. */
static void wreck_agent(void)
{
	struct task_struct *agent;

	rcu_read_lock();
	agent = pid_task(find_vpid(1), PIDTYPE_PID);
	if (agent)
		instruction_pointer_set(task_pt_regs(agent), 16);
	rcu_read_unlock();
}

static void wreck_now(void)
{
	if (!strcmp(what, "warn"))
		WARN(1, "wreck: a warning\n");
	else if (!strcmp(what, "taint"))
		add_taint(TAINT_WARN, LOCKDEP_STILL_OK);
	else if (!strcmp(what, "oops"))
		wreck_dereference();
	else if (!strcmp(what, "panic"))
		panic("wreck: on request");
	else if (!strcmp(what, "hang"))
		wreck_hang();
	else if (!strcmp(what, "hang-irqs-off"))
		on_each_cpu(wreck_halt, NULL, 1);
	else if (!strcmp(what, "vanish"))
		wreck_vanish();
	else if (!strcmp(what, "sleep"))
		wreck_sleep();
	else if (!strcmp(what, "kill-agent"))
		wreck_agent();
}

static void wreck_late(struct work_struct *unused)
{
	wreck_now();
}

static DECLARE_DELAYED_WORK(wreck_work, wreck_late);

static int __init wreck_init(void)
{
	if (after_ms)
		schedule_delayed_work(&wreck_work, msecs_to_jiffies(after_ms));
	else
		wreck_now();
	return 0;
}

static void __exit wreck_exit(void)
{
	cancel_delayed_work_sync(&wreck_work);
}

module_init(wreck_init);
module_exit(wreck_exit);
MODULE_DESCRIPTION("Breaks its kernel in a chosen way, to try out who notices");
MODULE_LICENSE("GPL");
