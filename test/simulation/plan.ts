/**
 * What a seed stands for: how many clients, how bad the weather is, and what may happen to whom.
 * Every run has a stormy part, which may be empty, and then a calm one with stricter rules.
 */
import { Random } from './random.js';

/** What the network, the store and the machines may do until `stormUntil`. */
export interface Weather {
  readonly lostRequest: number;
  readonly lostReply: number;
  /** Of the lost ones, so many are never answered at all; the others fail after a while. */
  readonly silence: number;
  readonly late: number;
  readonly lateMs: number;
  /** The client library sends it again after a cut, and the store applies it twice. */
  readonly resent: number;
  readonly lostPush: number;
  readonly stalls: number;
  readonly crashes: number;
  readonly outages: number;
  readonly restarts: number;
}

export interface Plan {
  readonly kind: string;
  readonly clients: number;
  readonly callersEach: number;
  readonly rounds: number;
  readonly names: readonly [string, ...string[]];
  /** A request and a reply take between 0.2 ms and this. */
  readonly delayMs: number;
  readonly storeTimeoutMs: number;
  readonly ttls: readonly [number, ...number[]];
  readonly weather: Weather;
  readonly stormUntil: number;
  /** From here on nothing of the storm is left in the world. */
  readonly calmFrom: number;
  /** A restart forgets everything. */
  readonly forgets: boolean;
  readonly forced: boolean;
  readonly shutdowns: boolean;
  /** Callers use `withLock`; costs more, because of the async context. */
  readonly bodies: boolean;
  readonly several: boolean;
  readonly special: boolean;
  readonly watchers: boolean;
}

const FAIR: Weather = {
  lostRequest: 0,
  lostReply: 0,
  silence: 0,
  late: 0,
  lateMs: 0,
  resent: 0,
  lostPush: 0,
  stalls: 0,
  crashes: 0,
  outages: 0,
  restarts: 0,
};

/** A ticket and every lease of the storm are over by then, and so is every late message. */
const AFTERMATH_MS = 8_000;

const KINDS: readonly [string, ...string[]] = [
  ...(['fair', 'fair', 'lossy', 'lossy', 'late'] as const),
  ...(['stalls', 'stalls', 'crashes', 'outage', 'mixed', 'mixed'] as const),
];

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const kind = random.pick(KINDS);
  const weather = weatherOf(kind, random);
  const stormUntil = kind === 'fair' ? 0 : random.whole(2_000, 6_000);
  const delayMs = random.pick([2, 5, 15, 40]);
  const longest = random.pick([300, 1_000, 3_000]);
  const slowest = 10 * delayMs + 100;
  const clients = random.pick([2, 2, 2, 3, 3, 4, 6]);
  const bodies = weather.crashes === 0 && random.chance(0.1);
  return {
    kind,
    clients,
    callersEach: clients > 3 ? random.whole(1, 2) : random.whole(1, 4),
    rounds: random.whole(1, 3),
    names: random.pick<readonly [string, ...string[]]>([['a'], ['a'], ['a', 'b'], ['a', 'b', 'c']]),
    delayMs,
    storeTimeoutMs: random.pick([200, 500, 2_000]) + 4 * delayMs,
    ttls: [slowest, slowest + longest / 3, slowest + longest],
    weather,
    stormUntil,
    calmFrom: stormUntil === 0 ? 0 : stormUntil + weather.lateMs + AFTERMATH_MS,
    forgets: weather.restarts > 0 && random.chance(0.3),
    forced: random.chance(0.1),
    shutdowns: random.chance(0.1),
    bodies,
    several: random.chance(0.25),
    special: random.chance(0.5),
    watchers: random.chance(0.1),
  };
}

function weatherOf(kind: string, random: Random): Weather {
  const lossy = {
    lostRequest: random.between(0, 0.15),
    lostReply: random.between(0, 0.15),
    silence: random.between(0, 1),
    resent: random.between(0, 0.1),
    lostPush: random.between(0, 0.5),
  };
  const late = { late: random.between(0.02, 0.3), lateMs: random.pick([100, 700, 4_000]) };
  switch (kind) {
    case 'fair':
      return FAIR;
    case 'lossy':
      return { ...FAIR, ...lossy };
    case 'late':
      return { ...FAIR, ...late };
    case 'stalls':
      return { ...FAIR, stalls: random.whole(1, 4), ...(random.chance(0.5) ? late : {}) };
    case 'crashes':
      return { ...FAIR, crashes: random.whole(1, 2), ...(random.chance(0.3) ? lossy : {}) };
    case 'outage':
      return { ...FAIR, outages: random.whole(1, 2), restarts: random.whole(0, 2) };
    default:
      return {
        ...lossy,
        ...late,
        stalls: random.whole(0, 2),
        crashes: random.whole(0, 1),
        outages: random.whole(0, 1),
        restarts: random.whole(0, 1),
      };
  }
}
