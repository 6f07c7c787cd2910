const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** How long to wait before the try that follows `failures` failed ones; `chance` (0 to 1) keeps pages from coming all at once. */
export function backoffMs(failures: number, chance: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(longest * (0.75 + chance / 4));
}
