/** The errors of `docs/errors.md`, made with the values that stand there. */
import { StaleTokenError } from '../../lib/drivers/typeorm/index.js';
import {
  LockHeldError,
  LockLostError,
  LockOptionsError,
  LockReentryError,
  LockShutdownError,
  LockStoreError,
  LockWaitTimeoutError,
} from '../../lib/index.js';
import type { LockError, LossReason } from '../../lib/index.js';

const NAME = 'billing:nightly';
const OWNER = 'web-2:4121:8f2c1a:7';
const HELD = { owner: OWNER, remainingMs: 12_000, ahead: 0 };
const IN_LINE = { owner: OWNER, remainingMs: 12_000, ahead: 2 };
const LEFT_TO_OTHERS = { owner: null, remainingMs: 0, ahead: 1 };
const UNHEARD = { owner: null, remainingMs: 0, ahead: 0 };

const refusedConnection = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), {
  code: 'ECONNREFUSED',
});

const missingTables = new LockOptionsError(
  'createTable',
  false,
  'true, or the tables must be made first',
);

const lost = (reason: LossReason): LockError =>
  new LockLostError(NAME, OWNER, 1_764_000_000_000_000, 30_000, reason);

/** Every error of the library once, in each of its forms. */
export const ERRORS: readonly LockError[] = [
  new LockHeldError(NAME, HELD),
  new LockHeldError(NAME, LEFT_TO_OTHERS),
  new LockWaitTimeoutError(NAME, 5_000, IN_LINE),
  new LockWaitTimeoutError(NAME, 20, UNHEARD),
  lost('unrenewed'),
  lost('refused'),
  lost('at-most'),
  lost('released'),
  new LockStoreError(NAME, 'acquired', refusedConnection),
  new LockStoreError('', 'opened', refusedConnection),
  new LockStoreError('', 'opened', missingTables),
  new LockReentryError(NAME, OWNER),
  new LockOptionsError('ttlMs', 10, 'a whole number of milliseconds from 50 to 2147483647'),
  new LockShutdownError(NAME),
  new StaleTokenError('account:42', 1_001, 1_002),
];
