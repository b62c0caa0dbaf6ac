/** Jest's global setup: opens the broker of the shared servers, and one folder for the run. */
import { runFolder } from './keeper.mjs';
import { openBroker } from './shared.mjs';

export default async function globalSetup() {
  runFolder();
  globalThis.closeTestServers = await openBroker();
}
