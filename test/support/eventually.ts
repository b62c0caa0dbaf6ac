/** Waits for something to become true, without guessing how long it takes. */

/** Resolves as soon as `check` holds or stops throwing; rejects with its last failure. */
export async function eventually(
  check: () => unknown,
  { withinMs = 5_000, everyMs = 5 }: { withinMs?: number; everyMs?: number } = {},
): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      if ((await check()) !== false) return;
      if (performance.now() > until) throw new Error(`still not true after ${withinMs} ms`);
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
