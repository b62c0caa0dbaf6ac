/**
 * Runs one world from its first moment to its last, and says which rules were broken.
 */
import { settled } from '../support/fake-clock.js';
import { catchEngines, checkLeftovers } from './aftermath.js';
import { live } from './callers.js';
import { Client } from './client.js';
import { planOf } from './plan.js';
import { brewStorm, intervene } from './storm.js';
import type { Core, Violation } from './world.js';
import { World } from './world.js';

export interface Report {
  readonly seed: number;
  readonly kind: string;
  readonly violations: readonly Violation[];
  /** How much happened: a run in which nothing does proves nothing. */
  readonly steps: number;
  readonly grants: number;
  readonly lastsMs: number;
}

/** A world in which so much happens is one that never comes to rest. */
const MOST_STEPS = 30_000;
const LONGEST_MS = 600_000;

export async function simulate(
  core: Core,
  seed: number,
  trace: ((line: string) => void) | null = null,
): Promise<Report> {
  const plan = planOf(seed);
  const world = new World(core, plan, seed, trace);
  trace?.(`seed ${seed}: ${JSON.stringify(plan)}`);
  const stop = catchUnhandled(world);
  catchEngines(core);
  for (let number = 1; number <= plan.clients; number += 1) {
    world.clients.push(new Client(world, number));
  }
  if (plan.stormUntil > 0) {
    brewStorm(world);
    for (const client of world.clients) populate(world, client, 0, plan.rounds);
  }
  const rounds = plan.stormUntil > 0 ? 1 : plan.rounds + 1;
  for (const client of world.clients) populate(world, client, plan.calmFrom, rounds);
  intervene(world);

  let steps = await run(world);
  world.waits.finish();
  checkLeftovers(world);
  steps += await close(world);
  stop();
  return {
    ...{ seed, kind: plan.kind, violations: world.violations, steps, grants: world.grants },
    lastsMs: world.timeline.now,
  };
}

/** Lets everything happen that is going to happen. */
async function run(world: World): Promise<number> {
  const { timeline, beliefs } = world;
  let steps = 0;
  await settled();
  for (let next = timeline.next(); next !== null; next = timeline.next()) {
    steps += 1;
    next.run();
    await settled();
    beliefs.check();
    if (steps > MOST_STEPS || timeline.now > LONGEST_MS) {
      world.fail('a world comes to rest', `not after ${steps} steps`);
      break;
    }
  }
  return steps;
}

function populate(world: World, client: Client, from: number, rounds: number): void {
  for (let caller = 0; caller < world.plan.callersEach; caller += 1) {
    client.later(from + world.random.between(0, 500), 'timer', () => {
      void live(world, client, rounds);
    });
  }
}

/** Everybody who lives closes, which has nothing to wait for any more. */
async function close(world: World): Promise<number> {
  for (const client of world.clients) {
    if (client.dead) continue;
    let isIdle = false;
    const startedAt = world.timeline.now;
    const closing = client.locks.drain(0).then(() => {
      isIdle = true;
      return client.locks.close();
    });
    closing.catch((error: unknown) => world.fail('close never fails', String(error)));
    await settled();
    if (!isIdle) world.fail('nothing is left to wait for', `${client.process} at ${startedAt}`);
  }
  return run(world);
}

/** A rejection that nobody sees is a defect of the core wherever it comes from. */
function catchUnhandled(world: World): () => void {
  const hear = (reason: unknown): void => {
    world.fail('every rejection is seen', String(reason));
  };
  process.on('unhandledRejection', hear);
  return () => {
    process.off('unhandledRejection', hear);
  };
}
