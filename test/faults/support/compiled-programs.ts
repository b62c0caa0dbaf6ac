/** The library and the programs of the fault tests as plain JavaScript, once a suite. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emit } from '../../processes/compiled.js';

let folder: string | null = null;

/** The folder with the programs. */
export function programs(): string {
  if (folder !== null) return folder;
  const made = join(process.cwd(), '.cache', `faults-${process.pid}`);
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'package.json'), '{"type":"module"}');
  emit(join(process.cwd(), 'lib'), join(made, 'esm'), 'module');
  emit(join(process.cwd(), 'test/faults/programs'), made, 'module');
  process.once('exit', () => {
    rmSync(made, { recursive: true, force: true });
  });
  folder = made;
  return made;
}
