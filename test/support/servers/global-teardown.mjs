/** Jest's global teardown: stops the shared servers; the keeper removes the folder of the run. */
export default async function globalTeardown() {
  await globalThis.closeTestServers?.();
}
