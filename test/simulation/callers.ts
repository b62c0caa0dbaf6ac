/**
 * What the applications in the simulated world do: take a lock in one of the ways that there are,
 * keep it for a while, and give it back, with rules for each of the ways that it may end.
 */
import type { HeldLock } from '../../lib/core/held-lock.js';
import type { HeldLocks } from '../../lib/core/held-locks.js';
import { describeError } from '../../lib/core/lease.js';
import type { LockOptions } from '../../lib/core/lock-options.js';
import type { Client } from './client.js';
import type { Wait } from './waits.js';
import type { World } from './world.js';

/** What a caller wants in one round. */
interface Wish {
  readonly names: readonly string[];
  readonly how: 'acquire' | 'try' | 'body';
  readonly options: LockOptions & { readonly ttlMs: number; readonly waitMs: number };
  readonly holdMs: number;
  readonly fails: boolean;
  /** Called off after so long; `null`: never. */
  readonly abortMs: number | null;
}

const CALLED_OFF = new Error('called off');
const BROKEN = Object.assign(new Error('the body broke'), { code: 'BROKEN' });

/** A caller's life: some rounds, with pauses. */
export async function live(world: World, client: Client, rounds: number): Promise<void> {
  const { random } = world;
  for (let round = 0; round < rounds; round += 1) {
    await client.sleep(random.chance(0.3) ? random.between(0, 5) : random.between(0, 1_000));
    await once(world, client, wish(world));
  }
}

function wish(world: World): Wish {
  const { random, plan } = world;
  const ttlMs = Math.round(random.pick(plan.ttls));
  const special = plan.special && random.chance(0.4);
  const several = plan.several && plan.names.length > 1 && random.chance(0.5);
  const how = random.chance(0.15) ? 'try' : plan.bodies && random.chance(0.5) ? 'body' : 'acquire';
  const waitMs = how === 'try' ? 0 : random.pick([300, 2_000, 10_000, 20_000]);
  return {
    names: several ? random.shuffle([...plan.names]) : [random.pick(plan.names)],
    how,
    options: {
      ttlMs,
      waitMs,
      ...(special && random.chance(0.3) ? { atLeastMs: random.whole(0, 1_000) } : {}),
      ...(special && random.chance(0.3) ? { atMostMs: ttlMs + random.whole(0, 1_000) } : {}),
      ...(special && random.chance(0.2) ? { renew: false } : {}),
      ...(special && random.chance(0.2) ? { note: { n: random.whole(0, 9) } } : {}),
    },
    holdMs: random.pick([
      0,
      random.between(0, 30),
      random.between(0, 300),
      random.between(0, 2_500),
    ]),
    fails: random.chance(0.2),
    abortMs: random.chance(0.15) ? random.between(0, 2_000) : null,
  };
}

async function once(world: World, client: Client, wish: Wish): Promise<void> {
  const { names, options, how, abortMs } = wish;
  const wait = world.waits.begin(client, names, options.waitMs);
  world.log(client.process, () => `caller ${wait.arrival} wants ${describe(wish)}`);
  const abort = abortMs === null ? null : callOff(world, client, wait, abortMs);
  const asked = abort === null ? options : { ...options, signal: abort.signal };
  try {
    if (how === 'body') await underBody(world, client, wait, wish, asked);
    else await inHand(world, client, wait, wish, asked);
  } catch (error) {
    judge(world, client, wait, wish, error, abort?.signal.aborted === true);
  }
  world.waits.end(wait);
}

async function inHand(
  world: World,
  client: Client,
  wait: Wait,
  wish: Wish,
  options: LockOptions,
): Promise<void> {
  const { locks } = client;
  const { names, how } = wish;
  const [name] = names;
  const wanted = names.length === 1 && name !== undefined ? name : names;
  const take = how === 'try' ? locks.tryAcquire(wanted as string, options) : null;
  const got: HeldLock | HeldLocks | null = await (take ?? locks.acquire(wanted, options));
  if (got === null) {
    world.waits.refused(wait);
    return;
  }
  const all = began(world, client, wait, got);
  await hold(world, client, all, wish);
  const error = wish.fails ? BROKEN : undefined;
  ended(world, all, error);
  const startedAt = client.now();
  await got.release(error);
  const took = client.now() - startedAt;
  if (took > 1_200 && world.timeline.now > client.thawedAt + 1_200) {
    world.fail('a release takes a second at most', `${client.process}: ${took} ms`);
  }
}

async function underBody(
  world: World,
  client: Client,
  wait: Wait,
  wish: Wish,
  options: LockOptions,
): Promise<void> {
  const { locks } = client;
  const [name = ''] = wish.names;
  let held = false;
  const result = await locks.withLock(name, options, async (lock) => {
    const all = began(world, client, wait, lock);
    if (locks.current(name) !== lock) world.fail('a body knows its lock', lock.owner);
    await locks.withLock(name, { reentrant: true }, (inner) => {
      if (inner !== lock) world.fail('reentrant joins the outer hold', lock.owner);
    });
    if (lock.held) {
      const code = await locks.acquire(name).then(() => 'granted', codeOf);
      if (code !== 'LOCK_REENTRY' && code !== 'LOCK_SHUTDOWN') {
        world.fail('a call chain does not wait for itself', `${lock.owner}: ${code}`);
      }
    }
    await hold(world, client, all, wish);
    held = lock.held;
    ended(world, all, wish.fails ? BROKEN : undefined);
    if (wish.fails) throw BROKEN;
    return BROKEN.code;
  });
  if (result !== BROKEN.code) world.fail('the result of a body passes through', String(result));
  if (!held) world.fail('success means exclusion', `${client.process} on ${name}`);
}

/** It has what it wanted. */
function began(world: World, client: Client, wait: Wait, got: HeldLock | HeldLocks): HeldLock[] {
  world.waits.end(wait);
  const all = 'locks' in got ? [...got.locks] : [got];
  for (const lock of all) {
    world.log(client.process, () => `caller ${wait.arrival} has ${lock.name}, ${lock.token}`);
    world.beliefs.begin(client, lock);
    if (!lock.held) world.fail('what is handed out is held', `${lock.owner}, ${lock.token}`);
    if (all.length === 1) world.waits.served(wait, lock.name, lock.token);
  }
  return all;
}

/** Works for a while, and looks after the lock now and then. */
async function hold(
  world: World,
  client: Client,
  all: readonly HeldLock[],
  { holdMs, options }: Wish,
): Promise<void> {
  const { random, calm, ledger, plan } = world;
  const [lock] = all;
  if (lock === undefined) return;
  if (random.chance(0.5)) {
    lock.signal.addEventListener('abort', () => {
      world.log(client.process, () => `${lock.owner} is told: ${String(lock.signal.reason)}`);
    });
  }
  await client.sleep(holdMs / 2);
  if (plan.special && random.chance(0.2)) {
    const ms = Math.floor(options.ttlMs / 4);
    await lock.ensure(ms).then(() => {
      if (!lock.held) world.fail('what was ensured is held', lock.owner);
    }, codeOf);
    if (random.chance(0.5)) await lock.setNote('still at it').catch(codeOf);
  }
  await client.sleep(holdMs / 2);
  const lasts = options.renew !== false && options.atMostMs === undefined && !client.refusing;
  if (calm && lasts && !lock.held && !ledger.excused.has(lock.owner)) {
    world.fail('renewal keeps a lease', `${lock.owner} after ${Math.round(holdMs)} ms`);
  }
}

function ended(world: World, all: readonly HeldLock[], error: Error | undefined): void {
  for (const lock of all) {
    const { owner, token } = lock;
    world.log('app', () => `gives ${lock.name}, ${token}, back${error ? ' with an error' : ''}`);
    world.beliefs.end(
      lock,
      error === undefined
        ? { how: 'released', owner, token }
        : { how: 'failed', owner, token, error: describeError(error) },
    );
  }
}

function callOff(world: World, client: Client, wait: Wait, ms: number): AbortController {
  const controller = new AbortController();
  client.later(ms, 'timer', () => {
    world.log(client.process, `caller ${wait.arrival} calls it off`);
    const isWaiting = !wait.over;
    controller.abort(CALLED_OFF);
    // Once the lock is held, it means nothing; and several names are given back first.
    if (!isWaiting || wait.names.length > 1) return;
    client.later(0, 'timer', () => {
      if (!wait.over) world.fail('a wait that is called off ends at once', `${wait.arrival}`);
    });
  });
  return controller;
}

/** Whether an acquire, or a body, was right to fail like that. */
function judge(
  world: World,
  client: Client,
  wait: Wait,
  wish: Wish,
  error: unknown,
  aborted: boolean,
): void {
  const code = codeOf(error);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : 'no error at all';
  world.log(client.process, () => `caller ${wait.arrival}: ${text}`);
  const wasServed = wait.over;
  if (error === BROKEN) {
    if (!wish.fails || wish.how !== 'body') world.fail('no error but the own', text);
  } else if (error === CALLED_OFF) {
    if (!aborted) world.fail('only a signal calls a wait off', text);
  } else if (code === 'LOCK_WAIT_TIMEOUT' && !wasServed && wish.how !== 'try') {
    world.waits.timedOut(wait, wish.options.waitMs);
  } else if (code === 'LOCK_STORE' && !wasServed) {
    if (wish.how === 'try') world.waits.refused(wait);
    else world.waits.timedOut(wait, wish.options.waitMs);
    if (wait.since >= world.plan.calmFrom) world.fail('the store is well', text);
  } else if (code === 'LOCK_SHUTDOWN') {
    if (!client.refusing) world.fail('refused by a shutdown alone', text);
  } else if (code !== 'LOCK_LOST') {
    world.fail('every failure has its name', text);
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}

function describe({ names, how, options }: Wish): string {
  return `${names.join('+')} by ${how} ${JSON.stringify(options)}`;
}
