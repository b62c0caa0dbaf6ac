import type { Change } from './compile.mjs';

export const mutants: readonly (Change & { readonly says: string; readonly from?: number })[];
