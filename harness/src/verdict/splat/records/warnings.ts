// SPDX-License-Identifier: MIT
import { IN, type SplatRecord } from '../record.js';

/** WARN() and what is told through it: kernel/panic.c, lib/refcount.c, lib/list_debug.c, kernel/dma/debug.c. */
export const WARNINGS: readonly SplatRecord[] = [
	{
		id: 'refcount',
		kind: 'refcount',
		severity: 'severe',
		pattern: /^refcount_t: /,
		end: 'end-trace',
		source: 'lib/refcount.c: refcount_warn_saturate()',
		continues: ['warning'],
		retitles: true,
	},
	{
		id: 'list',
		kind: 'list-corruption',
		severity: 'severe',
		pattern: /^list_(?:add|del)(?:_tail)? (?:corruption|double add)/,
		end: 'end-trace',
		source: 'lib/list_debug.c, through CHECK_DATA_CORRUPTION(): a WARN() or a BUG()',
		continues: ['warning'],
		retitles: true,
	},
	{
		id: 'dma-api',
		kind: 'dma-api',
		severity: 'warning',
		pattern:
			/^DMA-API: .*(?:: device driver |: mapping sg segment |: cacheline tracking EEXIST|exceeded \d+ overlapping mappings)/,
		end: 'end-trace',
		source: 'kernel/dma/debug.c: err_printk()',
		continues: ['warning'],
		retitles: true,
		tail: /^DMA-API: Mapped at:|^\s/,
	},
	{
		id: 'warning',
		kind: 'warning',
		severity: 'warning',
		pattern: new RegExp(
			`^WARNING: (?:CPU: \\d+ PID: \\d+ at (?:.*:\\d+ )?${IN}|(?:.*:\\d+ )?at ${IN.replace('<function>', '<function2>')}.*, CPU#\\d+: )`,
		),
		end: 'end-trace',
		source: 'kernel/panic.c: __warn(), of 6.12 and, other words, of 7.x',
		continues: ['refcount', 'list', 'dma-api', 'slab', 'usercopy', 'cfi', 'bug'],
	},
];
