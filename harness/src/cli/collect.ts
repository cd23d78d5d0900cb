// SPDX-License-Identifier: MIT

/** For an option that may be given several times: commander hands over each value with those before it. */
export const collect = (value: string, previous: string[] | undefined): string[] => [...(previous ?? []), value];
