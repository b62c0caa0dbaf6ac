export interface Change {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

export interface Compiled {
  /** Where the compiled form of a file is. */
  readonly url: (file: string) => string;
  readonly remove: () => void;
}

export function compileCore(change?: Change | null): Promise<Compiled>;
