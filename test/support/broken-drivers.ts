/**
 * Drivers with one defect each, made of the memory driver: mistakes that a real driver could make.
 * The conformance kit must catch them all.
 */
import type {
  AcquireRequest,
  LockDriver,
  ReleaseRequest,
  Wake,
} from '../../lib/core/lock-driver.js';
import type { Ending } from '../../lib/core/lease.js';
import type { RuleGroup } from '../../lib/testing/index.js';

/** What the broken store remembers beside the right one; the same for all of its drivers. */
export interface Beside {
  readonly joined: AcquireRequest[];
  readonly failures: Map<string, Ending>;
  readonly ends: Map<string, number>;
}

/** What a defect changes of a driver; the rest stays right. */
export type Defect = (right: LockDriver, beside: Beside) => Partial<LockDriver>;

export interface BrokenDriver {
  readonly mistake: string;
  readonly group: RuleGroup;
  /** The rule that must catch it. */
  readonly rule: string;
  readonly defect: Defect;
}

/** The right driver with one defect in it. */
export function withDefect(right: LockDriver, defect: Defect, beside: Beside): LockDriver {
  const changed = defect(right, beside);
  return {
    storeName: right.storeName,
    open: (process) => right.open(process),
    acquire: (request) => right.acquire(request),
    renew: (requests) => right.renew(requests),
    release: (request) => right.release(request),
    leave: (name, owner) => right.leave(name, owner),
    inspect: (name) => right.inspect(name),
    list: (query) => right.list(query),
    watch: (name) => right.watch(name),
    forceRelease: (name) => right.forceRelease(name),
    onWake: (listener) => {
      right.onWake(listener);
    },
    close: () => right.close(),
    ...changed,
  };
}

/** Lets the steps of others come between. */
function elsewhere(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export const brokenDrivers: readonly BrokenDriver[] = [
  {
    mistake: 'reads whether the name is free, then writes',
    group: 'Contract',
    rule: 'grants exactly one of fifty simultaneous attempts',
    defect: (right) => ({
      async acquire(request) {
        const { phase, waiting } = await right.inspect(request.name);
        if (phase !== 'free' || waiting > 0) return right.acquire(request);
        await elsewhere();
        await right.forceRelease(request.name);
        return right.acquire(request);
      },
    }),
  },
  {
    mistake: 'makes a new grant for the owner that asks again',
    group: 'Contract',
    rule: 'answers the same grant to the owner that asks again',
    defect: (right) => ({
      async acquire(request) {
        const { owner, phase } = await right.inspect(request.name);
        if (phase === 'held' && owner === request.owner) await right.leave(request.name, owner);
        return right.acquire(request);
      },
    }),
  },
  {
    mistake: 'releases whoever holds the name',
    group: 'Contract',
    rule: 'refuses the release of a stranger, and leaves the lock untouched',
    defect: (right) => ({
      async release(request) {
        const { owner } = await right.inspect(request.name);
        return right.release({ ...request, owner: owner ?? request.owner });
      },
    }),
  },
  {
    mistake: 'compares owners without case',
    group: 'Contract',
    rule: 'refuses the release and the renewal of an owner that differs in case or white space alone',
    defect: (right) => {
      const like = async (request: ReleaseRequest): Promise<ReleaseRequest> => {
        const { owner } = await right.inspect(request.name);
        const same = owner?.toLowerCase() === request.owner.toLowerCase();
        return same ? { ...request, owner: owner ?? '' } : request;
      };
      return { release: async (request) => right.release(await like(request)) };
    },
  },
  {
    mistake: 'leaves a timer behind of every refusal',
    group: 'Contract',
    rule: 'leaves nothing behind of a refused attempt',
    defect: (right) => {
      const timers = new Set<NodeJS.Timeout>();
      return {
        async acquire(request) {
          const answer = await right.acquire(request);
          if (!answer.granted) timers.add(setTimeout(() => undefined, 60_000));
          return answer;
        },
        close() {
          for (const timer of timers) clearTimeout(timer);
          return right.close();
        },
      };
    },
  },
  {
    mistake: 'throws its own kind of error when it is closed',
    group: 'Contract',
    rule: 'throws a LockStoreError for everything once it is closed',
    defect: (right) => ({
      list: (query) => right.list(query).catch(() => Promise.reject(new Error('Socket closed'))),
    }),
  },
  {
    mistake: 'lets the database fold the case of names',
    group: 'Names',
    rule: 'tells apart names that differ in one byte',
    defect: (right) => ({
      acquire: (request) => right.acquire({ ...request, name: request.name.toLowerCase() }),
    }),
  },
  {
    mistake: 'cuts names at a NUL',
    group: 'Names',
    rule: 'runs every verb on a name made of characters that mean something elsewhere',
    defect: (right) => ({
      leave: (name, owner) => right.leave(name.split('\0')[0] ?? '', owner),
    }),
  },
  {
    mistake: 'renews a lease back to life',
    group: 'Leases',
    rule: 'never renews a lease that ran out, even if nobody took it',
    defect: (right) => ({
      async renew(requests) {
        const answers = [...(await right.renew(requests))];
        for (const [n, { name, owner, ttlMs, atMostMs, note = null }] of requests.entries()) {
          const { ending } = await right.inspect(name);
          if (ending?.how !== 'expired' || ending.owner !== owner) continue;
          const fixed = { name, owner, ttlMs, atMostMs, note, line: 'none', tokens: 1 } as const;
          answers[n] = (await right.acquire(fixed)).granted;
        }
        return answers;
      },
    }),
  },
  {
    mistake: 'answers renewals in an order of its own',
    group: 'Leases',
    rule: 'answers renewals in the order of the request, each for itself',
    defect: (right) => ({
      renew: async (requests) => [...(await right.renew(requests))].sort(),
    }),
  },
  {
    mistake: 'forgets atMostMs when it renews',
    group: 'Leases',
    rule: 'ends a lease atMostMs after the grant, whatever is asked later',
    defect: (right) => ({
      renew: (requests) => right.renew(requests.map((each) => ({ ...each, atMostMs: null }))),
    }),
  },
  {
    mistake: 'counts atLeastMs from the release',
    group: 'Leases',
    rule: 'lets a name rest that is released before its atLeastMs',
    defect: (right) => ({
      async release(request) {
        const { heldForMs } = await right.inspect(request.name);
        const atLeastMs = request.atLeastMs === 0 ? 0 : request.atLeastMs + heldForMs;
        return right.release({ ...request, atLeastMs });
      },
    }),
  },
  {
    mistake: 'ignores atLeastMs',
    group: 'Leases',
    rule: 'lets a name rest that is released before its atLeastMs',
    defect: (right) => ({ release: (request) => right.release({ ...request, atLeastMs: 0 }) }),
  },
  {
    mistake: 'reserves one token where a block was asked for',
    group: 'Tokens',
    rule: 'reserves blocks that never overlap, however the hold before ended',
    defect: (right) => ({
      async acquire(request) {
        const answer = await right.acquire({ ...request, tokens: 1 });
        // Grants so close to each other that time alone does not keep their blocks apart.
        if (!answer.granted) return answer;
        const token = Math.floor(answer.token / 4_000) * 4_000;
        return { ...answer, token, tokens: request.tokens };
      },
    }),
  },
  {
    mistake: 'starts its tokens anew in every process',
    group: 'Tokens',
    rule: 'reserves blocks that never overlap when many take the name in turn at once',
    defect: (right) => {
      let last = 2_000_000_000_000_000;
      return {
        async acquire(request) {
          const answer = await right.acquire(request);
          if (!answer.granted) return answer;
          last += 1_000;
          return { ...answer, token: last };
        },
      };
    },
  },
  {
    mistake: 'loses the data and the empty message of an error',
    group: 'Endings',
    rule: 'carries the error of a failed hold unchanged: name, message, code and data',
    defect: (right) => ({
      release({ error, ...request }) {
        const { name = '', message = '' } = error ?? {};
        const kept = error === null ? null : { name, message: message || 'unknown error' };
        return right.release({ ...request, error: kept });
      },
    }),
  },
  {
    mistake: 'tells every holder of the last failure',
    group: 'Endings',
    rule: 'tells it to the next holder only',
    defect: (right, { failures }) => ({
      async acquire(request) {
        const answer = await right.acquire(request);
        if (!answer.granted) return answer;
        if (answer.previous?.how === 'failed') failures.set(request.name, answer.previous);
        return { ...answer, previous: failures.get(request.name) ?? answer.previous };
      },
    }),
  },
  {
    mistake: 'says nothing of the ending to the holder that asks again',
    group: 'Endings',
    rule: 'repeats it to the holder that asks again, also after a renewal',
    defect: (right) => ({
      async acquire(request) {
        const { owner } = await right.inspect(request.name);
        const answer = await right.acquire(request);
        return answer.granted && owner === request.owner ? { ...answer, previous: null } : answer;
      },
    }),
  },
  {
    mistake: 'takes the ending of a holder that leaves for the last one',
    group: 'Endings',
    rule: 'hands it on when a holder leaves as if it had never been granted',
    defect: (right) => ({
      async leave(name, owner) {
        const { phase, token } = await right.inspect(name);
        if (phase !== 'held') return right.leave(name, owner);
        const fixed = { error: null, token: token ?? 1, atLeastMs: 0, rejoin: null };
        const { released } = await right.release({ name, owner, ...fixed });
        return released ? undefined : right.leave(name, owner);
      },
    }),
  },
  {
    mistake: 'sends a waiter that asks again to the end of the line',
    group: 'The line',
    rule: 'keeps the place of a waiter that asks again, and counts who is ahead',
    defect: (right) => ({
      async acquire(request) {
        const answer = await right.acquire(request);
        if (answer.granted || request.line === 'none' || answer.ahead > 0) return answer;
        await right.leave(request.name, request.owner);
        return right.acquire(request);
      },
    }),
  },
  {
    mistake: 'lets one that will not wait pass the line',
    group: 'The line',
    rule: 'never lets one that will not wait pass the line',
    defect: (right, { joined }) => ({
      async acquire(request) {
        if (request.line === 'join') joined.push(request);
        const answer = await right.acquire(request);
        if (answer.granted || answer.owner !== null || request.line === 'join') return answer;
        for (const { name, owner } of joined) await right.leave(name, owner);
        return right.acquire(request);
      },
    }),
  },
  {
    mistake: 'tells waiters to come back after the lease has run out',
    group: 'The line',
    rule: 'tells waiters to come back in time: within two seconds, the first before the lease runs out',
    defect: (right) => ({
      async acquire(request) {
        const answer = await right.acquire(request);
        return answer.granted ? answer : { ...answer, retryInMs: 2_000 };
      },
    }),
  },
  {
    mistake: 'keeps a ticket alive for whoever inspects the name',
    group: 'Seen from outside',
    rule: 'changes nothing by inspecting, listing and watching',
    defect: (right, { joined }) => ({
      acquire(request) {
        if (request.line === 'join') joined.push(request);
        return right.acquire(request);
      },
      async inspect(name) {
        for (const request of joined) if (request.name === name) await right.acquire(request);
        return right.inspect(name);
      },
    }),
  },
  {
    mistake: 'leaves the ticket of one that gave up',
    group: 'Leaving the line',
    rule: 'leaves no orphan of a cancelled waiter',
    defect: (right) => ({
      async leave(name, owner) {
        const state = await right.inspect(name);
        if (state.owner === owner) await right.leave(name, owner);
      },
    }),
  },
  {
    mistake: 'lets the claim of one that gave up run out',
    group: 'Leaving the line',
    rule: 'hands the lease on when the claimant leaves, and frees it when nobody is left',
    defect: (right) => ({
      async leave(name, owner) {
        const state = await right.inspect(name);
        if (state.owner !== owner) await right.leave(name, owner);
      },
    }),
  },
  {
    mistake: 'joins the line before it releases',
    group: 'Leaving the line',
    rule: 'grants the lease anew to one that rejoins when nobody waits',
    defect: (right) => ({
      async release({ rejoin, ...request }) {
        const rejoined = rejoin === null ? null : await right.acquire(rejoin);
        const { released } = await right.release({ ...request, rejoin: null });
        return { released, rejoined };
      },
    }),
  },
  {
    mistake: 'does not rejoin when there was nothing to release',
    group: 'Leaving the line',
    rule: 'rejoins the line whatever became of the release',
    defect: (right) => ({
      async release({ rejoin, ...request }) {
        const answer = await right.release({ ...request, rejoin: null });
        if (rejoin === null || !answer.released) return answer;
        return { ...answer, rejoined: await right.acquire(rejoin) };
      },
    }),
  },
  {
    mistake: 'takes a prefix for a pattern',
    group: 'Seen from outside',
    rule: 'takes a prefix byte by byte: nothing in it is a pattern',
    defect: (right) => ({
      async list({ prefix, limit }) {
        const escaped = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
        const like = new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}`, 'su');
        const all = await right.list({ prefix: '', limit: 100_000 });
        return all.filter(({ name }) => like.test(name)).slice(0, limit);
      },
    }),
  },
  {
    mistake: 'lists in the order of UTF-16',
    group: 'Seen from outside',
    rule: 'lists what is held, claimed, resting or waited for, in the order of its bytes',
    defect: (right) => ({
      async list({ prefix, limit }) {
        const all = await right.list({ prefix, limit: 100_000 });
        return [...all].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit);
      },
    }),
  },
  {
    mistake: 'drops the note at a renewal that does not speak of it',
    group: 'Seen from outside',
    rule: 'shows the note of the holder while it holds, and no other',
    defect: (right) => ({
      renew: (requests) => right.renew(requests.map((each) => ({ note: null, ...each }))),
    }),
  },
  {
    mistake: 'pushes no changes',
    group: 'Seen from outside',
    rule: 'tells every process that watches of every change',
    defect: (right) => ({
      onWake(listener) {
        right.onWake((wake) => {
          if (wake.kind !== 'changed') listener(wake);
        });
      },
    }),
  },
  {
    mistake: 'wakes all waiters of the process that is handed the lease',
    group: 'Contention',
    rule: 'wakes exactly the one that is handed the lease',
    defect: (right, { joined }) => ({
      acquire(request) {
        if (request.line === 'join') joined.push(request);
        return right.acquire(request);
      },
      onWake(listener: (wake: Wake) => void) {
        right.onWake((wake) => {
          if (wake.kind !== 'granted') listener(wake);
          else for (const { owner } of joined) listener({ kind: 'granted', owner });
        });
      },
    }),
  },
  {
    mistake: 'releases in two steps, the check and the deed',
    group: 'Contention',
    rule: 'does one of a release and a forced release that come at once',
    defect: (right) => ({
      async release(request) {
        const { owner, phase } = await right.inspect(request.name);
        if (owner !== request.owner || phase !== 'held') return right.release(request);
        await elsewhere();
        const answer = await right.release(request);
        return { ...answer, released: true };
      },
    }),
  },
  {
    mistake: 'hands over to a waiter that it read before, though it has left',
    group: 'Contention',
    rule: 'loses no hand-over to a waiter that leaves meanwhile',
    defect: (right) => ({
      async leave(name, owner) {
        const state = await right.inspect(name);
        await elsewhere();
        // By now it may have been handed the lease, which nobody hands on.
        if (state.owner === owner) await right.leave(name, owner);
        else if ((await right.inspect(name)).owner !== owner) await right.leave(name, owner);
      },
    }),
  },
  {
    mistake: 'asks about every waiter at each hand-over',
    group: 'Contention',
    rule: 'hands over for the same number of commands before twelve waiters and before five hundred',
    defect: (right) => ({
      async release(request) {
        const { waiting } = await right.inspect(request.name);
        for (let n = 0; n < waiting; n += 1) await right.inspect(request.name);
        return right.release(request);
      },
    }),
  },
  {
    mistake: 'judges by the clock of the client',
    group: 'Leases',
    rule: 'does not care what the wall clock of the client says',
    defect: (right, { ends }) => ({
      async acquire(request) {
        const isOver = Date.now() >= (ends.get(request.name) ?? Infinity);
        if (isOver) await right.forceRelease(request.name);
        const answer = await right.acquire(request);
        if (answer.granted) ends.set(request.name, Date.now() + request.ttlMs);
        return answer;
      },
    }),
  },
  {
    mistake: 'lets a claim that ran out swallow the ending',
    group: 'The reference',
    rule: 'answers as the reference does, step by step, on random walks',
    defect: (right) => {
      const claimed = new Set<string>();
      return {
        async acquire(request) {
          const before = await right.inspect(request.name);
          if (before.phase === 'claimed') claimed.add(request.name);
          const answer = await right.acquire(request);
          if (!answer.granted) return answer;
          const lost = before.phase === 'free' && claimed.delete(request.name);
          return lost ? { ...answer, previous: null } : answer;
        },
      };
    },
  },
];
