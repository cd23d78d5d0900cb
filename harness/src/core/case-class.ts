// SPDX-License-Identifier: MIT

/**
 * What a case asserts: ABI, documented or long-stable; IMPL, what upstream does today, and a vendor's heap may do
 * otherwise; QUIRK, an oddity of upstream's worth pinning.
 */
export const CASE_CLASSES = ['ABI', 'IMPL', 'QUIRK'] as const;
export type CaseClass = (typeof CASE_CLASSES)[number];
