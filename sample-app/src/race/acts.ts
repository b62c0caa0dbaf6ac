/**
 * The five acts of the race: what is asked of the instances, what is expected, and what was seen.
 */
import type { LockState } from 'nestjs-distributed-lock';
import type { FleetEvent } from './fleet.js';

export type ActId = 'bare' | 'locked' | 'killed' | 'failed' | 'hung';

/** What a run of an act may use. */
export interface Stage {
  /** How many instances there are. */
  readonly instances: number;
  readonly createMs: number;
  readonly ttlMs: number;
  readonly waitMs: number;
  /** A name that no act used before. */
  resourceId(act: string): string;
  /** One request through the balancer. */
  post(id: string, query?: string): Promise<Reply>;
  /** How many creations of it are in the log. */
  creations(id: string): Promise<number>;
  kill(instance: string): void;
  /** Resolves with the next event that fits; rejects after a while. */
  next(fits: (event: FleetEvent) => boolean): Promise<FleetEvent>;
  /** The locks as an instance lists them. */
  locks(): Promise<readonly LockState[]>;
  /** All that happened since the act began. */
  readonly events: readonly FleetEvent[];
}

export interface Reply {
  readonly status: number;
  readonly instance: string;
  readonly body: { readonly supplier?: string; readonly code?: string; readonly message?: string };
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

export interface Verdict {
  readonly expected: string;
  readonly seen: string;
  readonly right: boolean;
  /** How long the last of the others waited beyond what no lock could spare it. */
  readonly overIdealMs: number | null;
}

export interface Act {
  readonly id: ActId;
  readonly title: string;
  play(stage: Stage): Promise<Verdict>;
}

/** All instances at the same moment. */
function postAll(stage: Stage, id: string, query = ''): Promise<Reply[]> {
  const all = Promise.all(Array.from({ length: stage.instances }, () => stage.post(id, query)));
  // As in `Stage.post`: whoever fails before he awaits this one has his own error to tell.
  all.catch(() => undefined);
  return all;
}

const count = (replies: readonly Reply[], status: number): number =>
  replies.filter((reply) => reply.status === status).length;

/** Clocks are read one after the other: what looks like less than nothing is nothing. */
const over = (tookMs: number, idealMs: number): number => Math.max(0, tookMs - idealMs);

const slowest = (replies: readonly Reply[]): number =>
  Math.max(...replies.map((reply) => reply.tookMs));

const GAP_MS = 200;

export const ACTS: readonly Act[] = [
  {
    id: 'bare',
    title: 'Without a lock',
    async play(stage) {
      const id = stage.resourceId('bare');
      await postAll(stage, id, '?lock=off');
      const creations = await stage.creations(id);
      return {
        expected: 'several creations: the bug',
        seen: `${creations} creations`,
        right: creations > 1,
        overIdealMs: null,
      };
    },
  },
  {
    id: 'locked',
    title: 'With @WithLock',
    async play(stage) {
      const id = stage.resourceId('locked');
      const replies = await postAll(stage, id);
      const creations = await stage.creations(id);
      const ok = count(replies, 200);
      return {
        expected: `1 creation, ${stage.instances} good answers`,
        seen: `${creations} creation${creations === 1 ? '' : 's'}, ${ok} good answers`,
        right: creations === 1 && ok === stage.instances,
        overIdealMs: over(slowest(replies), stage.createMs),
      };
    },
  },
  {
    id: 'killed',
    title: 'The holder is killed (kill -9) half-way',
    async play(stage) {
      const id = stage.resourceId('killed');
      const creating = stage.next((event) => event.resourceId === id && event.step === 'creating');
      const answers = postAll(stage, id);
      const victim = await creating;
      await new Promise((resolve) => setTimeout(resolve, stage.createMs / 2));
      const killedAt = Date.now();
      stage.kill(victim.instance);
      const left = (await stage.locks()).find(({ name }) => name === `resource:${id}`);
      const replies = await answers;
      const doneMs = Date.now() - killedAt;
      const ok = count(replies, 200);
      const creations = await stage.creations(id);
      const heirs = stage.events.filter(
        ({ resourceId, step, previous }) =>
          resourceId === id && step === 'holding' && previous === 'expired',
      );
      const heldAgainMs = (heirs[0]?.at ?? Infinity) - killedAt;
      const others = stage.instances - 1;
      return {
        expected:
          '1 creation, by the one who sees "expired", within ttl + 1 s ' +
          `(${stage.ttlMs + 1_000} ms); ${others} good answers`,
        seen:
          `${creations} creation${creations === 1 ? '' : 's'}, "expired" seen by ${heirs.length} ` +
          `after ${Math.round(heldAgainMs)} ms; ${ok} good answers`,
        right:
          creations === 1 &&
          heirs.length === 1 &&
          heldAgainMs <= stage.ttlMs + 1_000 &&
          ok === others,
        // Nobody can be spared the rest of the lease, nor the creation that follows.
        overIdealMs: left === undefined ? null : over(doneMs, left.remainingMs + stage.createMs),
      };
    },
  },
  {
    id: 'failed',
    title: 'The holder fails: once recoverably, once for good',
    async play(stage) {
      const mendable = stage.resourceId('recoverable');
      const hopeless = stage.resourceId('fatal');
      const mended = await postAll(stage, mendable, '?mishap=recoverable');
      // A gap between the two in the picture.
      await new Promise((resolve) => setTimeout(resolve, GAP_MS));
      const failed = await postAll(stage, hopeless, '?mishap=fatal');
      const spare = mended.filter(({ body }) => body.supplier === 'spare').length;
      const works = stage.events.filter(
        ({ resourceId, step }) => resourceId === hopeless && step === 'creating',
      ).length;
      const [made, madeHopeless] = [
        await stage.creations(mendable),
        await stage.creations(hopeless),
      ];
      const failures = count(failed, 500);
      return {
        expected:
          `1 error, then 1 creation by another way and ${stage.instances - 1} good answers; ` +
          `for good: ${stage.instances} errors and 1 try`,
        seen:
          `${count(mended, 500)} error, then ${made} creation by another way and ${spare} good ` +
          `answers; for good: ${failures} errors and ${works} tr${works === 1 ? 'y' : 'ies'}`,
        right:
          count(mended, 500) === 1 &&
          made === 1 &&
          spare === stage.instances - 1 &&
          failures === stage.instances &&
          works === 1 &&
          madeHopeless === 0,
        overIdealMs: over(slowest(mended), 1.5 * stage.createMs),
      };
    },
  },
  {
    id: 'hung',
    title: 'The holder hangs',
    async play(stage) {
      const id = stage.resourceId('hung');
      const holding = stage.next((event) => event.resourceId === id && event.step === 'holding');
      const hung = stage.post(id, '?mishap=hang');
      const holder = await holding;
      const replies = await Promise.all(
        Array.from({ length: stage.instances - 1 }, () => stage.post(id)),
      );
      const locked = replies.filter(
        ({ status, retryAfter }) => status === 423 && retryAfter !== null,
      );
      stage.kill(holder.instance);
      await hung;
      const early = replies.filter(({ tookMs }) => tookMs < stage.waitMs - 1).length;
      return {
        expected: `${stage.instances - 1} answers 423 with Retry-After, none before waitMs`,
        seen: `${locked.length} answers 423 with Retry-After, ${early} before waitMs`,
        right: locked.length === stage.instances - 1 && early === 0,
        overIdealMs: over(slowest(replies), stage.waitMs),
      };
    },
  },
];
