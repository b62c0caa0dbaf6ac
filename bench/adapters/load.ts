/**
 * Imports a peer by its name alone: TypeScript must not look for types that are only there once the
 * peers are installed. The adapters say themselves what they use of them.
 */
export async function load<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}
