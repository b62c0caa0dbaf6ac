/**
 * Each verb of the contract as the gatherer needs it: its script, how a request is packed for it,
 * and how an answer is read. The order of the fields is the one in the header of the script.
 */
import type { Ending, EndingError, JsonValue, LockPhase, LockState } from '../../core/lease.js';
import type {
  AcquireAnswer,
  AcquireRequest,
  ReleaseAnswer,
  ReleaseRequest,
  RenewRequest,
  WatchAnswer,
} from '../../core/lock-driver.js';
import type { Packer, Unpacker } from './packing.js';
import type { ScriptName } from './scripts/index.js';

export interface Verb<Request, Answer> {
  readonly script: ScriptName;
  /** For `LockStoreError`: what could not be done. */
  readonly action: string;
  /**
   * The most requests in one call: so many, and Redis is busy for less than about a millisecond.
   */
  readonly most: number;
  pack(packer: Packer, request: Request): void;
  /**
   * The fields as arguments of their own, for one that travels alone: ioredis takes twice as long
   * over bytes as over strings. `null` if it cannot; absent if the verb has no script for it.
   */
  spell?(request: Request): readonly string[] | null;
  unpack(reply: Unpacker, request: Request): Answer;
}

/** What a script answers in place of an answer: this request, and it alone, went wrong. */
export class RequestFailure extends Error {
  override readonly name = 'ReplyError';
}

const GRANTED_FIRST = 1;
const GRANTED = 2;
const REFUSED = 3;
const FAILED = 255;

/** Few enough, too, that a hundred requests are two calls, and both sides have something to do. */
const MOST = 64;

export const acquireVerb: Verb<AcquireRequest, AcquireAnswer> = {
  script: 'acquire',
  action: 'acquired',
  most: MOST,
  pack(packer, request) {
    packer.name(request.name);
    packAcquire(packer, request);
  },
  spell: ({ name, owner, ttlMs, atMostMs, tokens, line, note }) => [
    name,
    owner,
    String(ttlMs),
    String(atMostMs ?? Infinity),
    String(tokens),
    line === 'join' ? '1' : '0',
    note ?? '',
  ],
  unpack: (reply, request) => readAcquire(reply, reply.byte(), request),
};

const RELEASED: ReleaseAnswer = { released: true, rejoined: null };
const NOT_RELEASED: ReleaseAnswer = { released: false, rejoined: null };

export const releaseVerb: Verb<ReleaseRequest, ReleaseAnswer> = {
  script: 'release',
  action: 'released',
  most: MOST,
  pack(packer, { name, owner, token, atLeastMs, error, rejoin }) {
    packer.name(name);
    packer.text(owner);
    packer.number(token);
    packer.number(atLeastMs);
    packer.longText(error === null ? '' : JSON.stringify(error));
    packer.byte(rejoin === null ? 0 : 1);
    if (rejoin !== null) packAcquire(packer, rejoin);
  },
  spell({ name, owner, token, atLeastMs, error, rejoin }) {
    if (rejoin !== null) return null;
    const failure = error === null ? '' : JSON.stringify(error);
    return [name, owner, String(token), String(atLeastMs), failure];
  },
  unpack(reply, { rejoin }) {
    const released = readCode(reply);
    if (rejoin === null) return released ? RELEASED : NOT_RELEASED;
    return { released, rejoined: readAcquire(reply, reply.byte(), rejoin) };
  },
};

export const renewVerb: Verb<RenewRequest, boolean> = {
  script: 'renew',
  action: 'renewed',
  most: 250,
  pack(packer, { name, owner, ttlMs, atMostMs, note }) {
    packer.name(name);
    packer.text(owner);
    packer.number(ttlMs);
    packer.number(atMostMs ?? Infinity);
    packer.byte(note === undefined ? 0 : 1);
    packer.text(note ?? '');
  },
  unpack: (reply) => readCode(reply),
};

export const leaveVerb: Verb<{ readonly name: string; readonly owner: string }, undefined> = {
  script: 'leave',
  action: 'left',
  most: MOST,
  pack(packer, { name, owner }) {
    packer.name(name);
    packer.text(owner);
  },
  unpack(reply) {
    readCode(reply);
    return undefined;
  },
};

export const forceVerb: Verb<{ readonly name: string }, boolean> = {
  script: 'force',
  action: 'forced free',
  most: MOST,
  pack(packer, { name }) {
    packer.name(name);
  },
  unpack: (reply) => readCode(reply),
};

export const inspectVerb: Verb<{ readonly name: string }, LockState> = {
  script: 'inspect',
  action: 'inspected',
  most: MOST,
  pack(packer, { name }) {
    packer.name(name);
  },
  unpack: (reply, { name }) => readState(reply, name),
};

export const watchVerb: Verb<{ readonly name: string; readonly process: string }, WatchAnswer> = {
  script: 'watch',
  action: 'watched',
  most: MOST,
  pack(packer, { name, process }) {
    packer.name(name);
    packer.text(process);
  },
  unpack(reply, { name }) {
    const state = readState(reply, name);
    return { state, retryInMs: reply.number() };
  },
};

function packAcquire(packer: Packer, request: AcquireRequest): void {
  packer.text(request.owner);
  packer.number(request.ttlMs);
  packer.number(request.atMostMs ?? Infinity);
  packer.short(request.tokens);
  packer.byte(request.line === 'join' ? 1 : 0);
  packer.text(request.note ?? '');
}

function readAcquire(reply: Unpacker, code: number, { tokens }: AcquireRequest): AcquireAnswer {
  switch (code) {
    case GRANTED_FIRST:
      return { granted: true, token: reply.number(), tokens, previous: null };
    case GRANTED:
      return {
        granted: true,
        token: reply.number(),
        tokens: reply.short(),
        previous: readEndingIfAny(reply),
      };
    case REFUSED:
      return {
        granted: false,
        owner: reply.text() || null,
        remainingMs: reply.number(),
        ahead: reply.long(),
        retryInMs: reply.number(),
      };
    default:
      throw failure(reply, code);
  }
}

const PHASES: readonly LockPhase[] = ['free', 'held', 'claimed', 'resting'];

function readState(reply: Unpacker, name: string): LockState {
  readCode(reply);
  const phase = PHASES[reply.byte()];
  if (phase === undefined) throw new RangeError('the reply names a phase that there is not');
  const owner = reply.text() || null;
  const token = reply.number() || null;
  const heldForMs = Math.floor(reply.number());
  const remainingMs = Math.ceil(reply.number());
  const waiting = reply.long();
  const note = reply.text();
  return {
    name,
    phase,
    owner,
    token,
    heldForMs,
    remainingMs,
    waiting,
    note: note === '' ? null : (JSON.parse(note) as JsonValue),
    ending: readEndingIfAny(reply),
  };
}

const HOW: readonly (Ending['how'] | undefined)[] = [
  undefined,
  'expired',
  'released',
  'failed',
  'forced',
];

function readEndingIfAny(reply: Unpacker): Ending | null {
  return reply.long() === 0 ? null : readEnding(reply);
}

function readEnding(reply: Unpacker): Ending {
  const how = HOW[reply.byte()];
  const token = reply.number();
  const owner = reply.text();
  const error = reply.longText();
  if (how === undefined) throw new RangeError('the reply names an ending that there is not');
  if (how !== 'failed') return { how, owner, token };
  return { how, owner, token, error: JSON.parse(error) as EndingError };
}

function readCode(reply: Unpacker): boolean {
  const code = reply.byte();
  if (code > 1) throw failure(reply, code);
  return code === 1;
}

function failure(reply: Unpacker, code: number): Error {
  return code === FAILED
    ? new RequestFailure(reply.text())
    : new RangeError('the reply has a code that there is not');
}
