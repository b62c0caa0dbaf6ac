/** The few numbers that the tables are made of. */

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Nearest rank, with the mean of the two middle ones for an even count at 50. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  if (percent === 50 && sorted.length % 2 === 0) {
    return ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2;
  }
  const rank = Math.ceil((percent / 100) * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? Number.NaN;
}

/** Jain's fairness index: 1 when all got the same, 1/n when one got everything. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? Number.NaN : (sum * sum) / (shares.length * squares);
}

export interface HandOvers {
  /** From the end of one body to the start of the next. */
  readonly gapsMs: readonly number[];
  /** How often the next body was the same process's again. */
  readonly sameAgain: number;
  /** Bodies that began before the one before had ended: exclusion was broken. */
  readonly overlaps: number;
}

/** Puts the bodies of all processes in one order, and looks at what lies between them. */
export function handOvers(
  spansOfEach: readonly (readonly (readonly [number, number])[])[],
): HandOvers {
  const all = spansOfEach.flatMap((spans, process) =>
    spans.map(([start, end]) => ({ start, end, process })),
  );
  all.sort((a, b) => a.start - b.start);
  const gapsMs: number[] = [];
  let sameAgain = 0;
  let overlaps = 0;
  for (let i = 1; i < all.length; i++) {
    const before = all[i - 1];
    const after = all[i];
    if (before === undefined || after === undefined) continue;
    if (after.start < before.end) overlaps++;
    else gapsMs.push(after.start - before.end);
    if (after.process === before.process) sameAgain++;
  }
  return { gapsMs, sameAgain: all.length < 2 ? 0 : sameAgain / (all.length - 1), overlaps };
}
