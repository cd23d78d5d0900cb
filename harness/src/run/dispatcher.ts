// SPDX-License-Identifier: MIT

/** Something that needs a guest. */
export interface Task {
	/** `prepare` makes a target ready and brings units; `unit` is work for one guest. */
	readonly kind: 'prepare' | 'unit';
	/** Memory that its guest may take, MiB. */
	readonly memoryMiB: number;
	/** How long it takes, by what is known of it: the longest go first. */
	readonly estimateMs: number;
	/** @param freeSlot gives the processor to the next task before this one has ended: its guest only waits */
	run(freeSlot: () => void): Promise<void>;
}

/** What a host has for guests. */
export interface Capacity {
	/** Guests that work at once. */
	readonly slots: number;
	/** Memory for all guests together, MiB. A task that needs more than all of it runs alone. */
	readonly memoryMiB: number;
}

/**
 * Fits tasks to processors and memory. Units go first, the longest of them foremost; another target is prepared only
 * when fewer units wait than could run, so that few templates are open at a time. After a failure, and after `drop`,
 * nothing new starts.
 */
export class Dispatcher {
	private readonly prepares: Task[] = [];
	private units: Task[] = [];
	private running = 0;
	private busySlots = 0;
	private usedMiB = 0;
	private preparing = 0;
	private dropped = 0;
	private stopped = false;
	private failure: { readonly error: unknown } | undefined;
	private waiters: (() => void)[] = [];

	constructor(private readonly capacity: Capacity) {}

	add(task: Task): void {
		if (this.stopped) {
			this.dropped++;
			return;
		}
		if (task.kind === 'prepare') this.prepares.push(task);
		else this.insert(task);
		this.start();
	}

	/** Starts nothing more. Returns how many tasks waited, or came later, and will not run. */
	drop(): number {
		this.stopped = true;
		this.dropped += this.prepares.length + this.units.length;
		this.prepares.length = 0;
		this.units = [];
		return this.dropped;
	}

	/** Counts memory that is held beside tasks, as an open template's. Call what comes back when it is given up. */
	hold(memoryMiB: number): () => void {
		this.usedMiB += memoryMiB;
		return () => {
			this.usedMiB -= memoryMiB;
			this.start();
		};
	}

	/** Waits until nothing runs and nothing waits. @throws what the first task that failed threw. */
	async idle(): Promise<void> {
		while (this.running > 0) await new Promise<void>((resolve) => this.waiters.push(resolve));
		if (this.failure) throw this.failure.error;
	}

	/** Ordered by length, so that taking the longest is taking the last. */
	private insert(task: Task): void {
		let [low, high] = [0, this.units.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			// Of equals the one that came first is nearer to the end.
			if ((this.units[middle]?.estimateMs ?? 0) < task.estimateMs) low = middle + 1;
			else high = middle;
		}
		this.units.splice(low, 0, task);
	}

	private start(): void {
		while (this.busySlots < this.capacity.slots) {
			const starved = this.units.length < this.capacity.slots && this.preparing === 0;
			const from = this.prepares.length > 0 && (this.units.length === 0 || starved) ? this.prepares : this.units;
			const next = from === this.prepares ? from[0] : from.at(-1);
			if (!next) return;
			const fits = this.usedMiB + next.memoryMiB <= this.capacity.memoryMiB;
			// What does not fit waits for all others, rather than be overtaken by small ones for ever.
			if (!fits && this.running > 0) return;
			if (from === this.prepares) from.shift();
			else from.pop();
			void this.execute(next);
		}
	}

	private async execute(task: Task): Promise<void> {
		this.running++;
		this.busySlots++;
		this.usedMiB += task.memoryMiB;
		if (task.kind === 'prepare') this.preparing++;
		let slotHeld = true;
		const freeSlot = () => {
			if (!slotHeld) return;
			slotHeld = false;
			this.busySlots--;
			if (task.kind === 'prepare') this.preparing--;
			this.start();
		};
		try {
			await task.run(freeSlot);
		} catch (error) {
			this.failure ??= { error };
			this.drop();
		} finally {
			this.running--;
			this.usedMiB -= task.memoryMiB;
			freeSlot();
			this.start();
			const waiters = this.waiters;
			this.waiters = [];
			for (const wake of waiters) wake();
		}
	}
}
