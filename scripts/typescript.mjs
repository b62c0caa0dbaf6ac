// `node --import ./scripts/typescript.mjs program.ts`: runs TypeScript as it is, without a build
// and without checking it. For programs of this repository; the library itself is built.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
