import type { Change } from './compile.mjs';

export interface Caught {
  readonly seed: number;
  readonly rules: readonly string[];
}

export function hunt(
  mutant: (Change & { readonly from?: number }) | null,
  seeds: number,
): Promise<Caught | null>;
