/**
 * What may be shown of a failure of Redis. ioredis hangs the command with its arguments on its
 * errors: for AUTH that is the password. Nobody who prints a `cause` is to print that.
 */

/** @param secrets passwords, in case a server or a url repeats one in a text */
export function cleanCause(error: unknown, secrets: readonly string[]): Error {
  const { name, message, code } = facts(lastNodeError(error));
  const text = secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), message);
  const cause = new Error(text);
  Object.defineProperty(cause, 'name', { value: name, configurable: true, writable: true });
  if (code !== undefined) Object.assign(cause, { code });
  return cause;
}

/** "Failed to refresh slots cache" says nothing; what the last node said is kept beside it. */
function lastNodeError(error: unknown): unknown {
  const inner = (error as { readonly lastNodeError?: unknown } | null | undefined)?.lastNodeError;
  return inner instanceof Error ? inner : error;
}

interface Facts {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

function facts(error: unknown): Facts {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { code } = error as Error & { readonly code?: unknown };
  // Some errors of Node's sockets (several addresses tried) have no message of their own.
  const message = error.message === '' && typeof code === 'string' ? code : error.message;
  const kept = { name: error.name, message };
  return typeof code === 'string' ? { ...kept, code } : kept;
}

/** Passwords in what the user gave, written every way that they may come back. */
export function secretsIn(url: string | null, options: object): readonly string[] {
  const found = new Set<string>();
  const look = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 3) return;
    for (const [key, inner] of Object.entries(value)) {
      if (/password/i.test(key) && typeof inner === 'string') found.add(inner);
      else look(inner, depth + 1);
    }
  };
  look(options, 0);
  if (url !== null) {
    const { password } = new URL(url);
    found.add(password);
    found.add(decode(password));
  }
  // A very short one would turn every other word into stars.
  return [...found].filter((secret) => secret.length > 2);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
