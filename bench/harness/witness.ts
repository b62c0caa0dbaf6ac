/**
 * The witness of exclusion: a number in a file that all processes read and write without any care.
 * As long as the lock works, it ends at the sum of all updates.
 */
import { openSync, closeSync, readSync, writeSync } from 'node:fs';
import type { Witness } from './contract.js';

const EMPTY = Buffer.alloc(8);

export interface WitnessFile extends Witness {
  close(): void;
}

export function openWitness(path: string): WitnessFile {
  const file = openSync(path, 'r+');
  const bytes = Buffer.alloc(8);
  return {
    read() {
      readSync(file, bytes, 0, 8, 0);
      return bytes.readDoubleLE(0);
    },
    write(value) {
      bytes.writeDoubleLE(value, 0);
      writeSync(file, bytes, 0, 8, 0);
    },
    close() {
      closeSync(file);
    },
  };
}

/** Makes the file, at zero. */
export function createWitness(path: string): void {
  const file = openSync(path, 'w');
  writeSync(file, EMPTY, 0, 8, 0);
  closeSync(file);
}
