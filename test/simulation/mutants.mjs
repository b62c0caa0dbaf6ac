// Ways to break the core, each one change to one file. The checker must see every one of them.
// `from`: where to begin to look, for those that show in one world of a thousand only.
const STEPS = 'lib/core/lock-steps.ts';
const LOOP = 'lib/core/acquire-lock.ts';
const RENEWER = 'lib/core/lease-renewer.ts';

/** @type {readonly { says: string, file: string, find: string, put: string, from?: number }[]} */
export const mutants = [
  {
    says: 'a release that does not look who holds',
    file: STEPS,
    find: "const released = hold?.phase === 'held' && hold.owner === request.owner;",
    put: "const released = hold?.phase === 'held';",
  },
  {
    from: 800,
    says: 'a deadline stamped after the reply',
    file: LOOP,
    find: '{ sentAt, notBefore: this.#notBefore }',
    put: '{ sentAt: now, notBefore: now }',
  },
  {
    says: 'a renewal that brings an expired lease back',
    file: STEPS,
    find: `const state = settle(before, now);
  const { hold } = state;
  if (hold?.phase !== 'held' || hold.owner !== request.owner) return [state, false];`,
    put: `const state = before;
  const { hold } = state;
  if (hold?.phase !== 'held' || hold.owner !== request.owner) return [state, false];`,
  },
  {
    says: 'a ticket left in the line by a cancelled wait',
    file: LOOP,
    find: 'if (!this.#spotless) this.#leave();',
    put: '',
  },
  {
    says: 'a token that starts again with every hold',
    file: STEPS,
    find: 'const token = Math.max(state.highestToken + 1, tokenTime);',
    put: 'const token = tokenTime - (tokenTime % 1_000_000) + 1;',
  },
  {
    says: 'a token that forgets the block before it',
    file: STEPS,
    find: 'highestToken: token + request.tokens - 1,',
    put: 'highestToken: token - 1_000_000,',
  },
  {
    from: 1_300,
    says: 'a turn that is passed on after its lease was lost',
    file: 'lib/core/turns.ts',
    find: `kept.live &&
    !kept.isNoted &&
    now < kept.grantedAt + TURNS_MS &&
    now < kept.deadline &&`,
    put: '',
  },
  {
    says: 'a late grant that is kept by nobody',
    file: LOOP,
    find: "if (answer.granted || request.line === 'join') this.#leave();",
    put: '',
  },
  {
    says: 'a late refusal whose ticket stays',
    file: LOOP,
    find: "if (answer.granted || request.line === 'join') this.#leave();",
    put: 'if (answer.granted) this.#leave();',
  },
  {
    from: 1_400,
    says: 'a late answer that gives up the lease in hand',
    file: LOOP,
    find: 'answer.token > this.#wonToken',
    put: 'answer.token !== this.#wonToken',
  },
  {
    says: 'a push that is forgotten because it came before the answer',
    file: LOOP,
    find: "if (this.#state === 'asking') this.#woken = true;",
    put: '',
  },
  {
    says: 'a second try under another owner',
    file: LOOP,
    find: `      owner: this.owner,
      ttlMs`,
    put: `      owner: this.#try === 0 ? this.owner : (this.owner = this.#engine.nextOwner()),
      ttlMs`,
  },
  {
    says: 'a clock that is trusted without a margin',
    file: RENEWER,
    find: 'const DRIFT = 0.1;',
    put: 'const DRIFT = 0;',
  },
  {
    from: 254_800,
    says: 'a request that went astray and shortens the lease in hand',
    file: LOOP,
    find: 'if (this.#astray !== null && !isAsAsked(this.#astray, terms)) {',
    put: 'if (false) {',
  },
  {
    says: 'atMostMs counted from the answer',
    file: LOOP,
    find: '{ sentAt, notBefore: this.#notBefore }',
    put: '{ sentAt, notBefore: now }',
  },
  {
    says: 'a renewal that outlives the release',
    file: 'lib/core/local-line.ts',
    find: `this.#engine.renewer.drop(turn.kept);
    if (this.#waiting.size === 0) {`,
    put: 'if (this.#waiting.size === 0) {',
  },
  {
    says: 'a loss that is noticed at the next renewal only',
    file: RENEWER,
    find: `      kept.renewAt = now + Math.max(2 * GRID_MS, kept.lease.ttlMs / 6);
    this.#alarms.set(kept, Math.min(kept.renewAt, kept.deadline));`,
    put: `      kept.renewAt = now + Math.max(2 * GRID_MS, kept.lease.ttlMs / 6);
    this.#alarms.set(kept, kept.renewAt);`,
  },
  {
    says: 'a store error read as a loss',
    file: RENEWER,
    find: "const first = due[0]?.lease.name ?? '';",
    put: "const first = due[0]?.lease.name ?? ''; due.forEach((kept) => this.#lose(kept, 'refused'));",
  },
  {
    says: 'a refused renewal that is ignored',
    file: RENEWER,
    find: 'if (!renewed) {',
    put: 'if (false) {',
  },
  {
    says: 'a lease that is given to the last of the line',
    file: STEPS,
    find: 'const next = state.line.findIndex((ticket) => listens(ticket.owner));',
    put: 'const next = state.line.findLastIndex((ticket) => listens(ticket.owner));',
  },
  {
    says: 'a local caller who jumps the local line',
    file: 'lib/core/waiting.ts',
    find: `    waiting.ahead = this.#last;
    if (this.#last === null) this.#first = waiting;
    else this.#last.behind = waiting;
    this.#last = waiting;`,
    put: `    waiting.behind = this.#first;
    if (this.#first === null) this.#last = waiting;
    else this.#first.ahead = waiting;
    this.#first = waiting;`,
  },
  {
    says: 'a crash that shows the ending before it',
    file: STEPS,
    find: "hold.phase === 'held' ? { how: 'expired', owner: hold.owner, token: hold.token } : state.ending;",
    put: 'state.ending;',
  },
  {
    says: 'a driver whose opening is waited for ever',
    file: 'lib/core/engine.ts',
    find: 'const OPENING_TAKES = 3;',
    put: 'const OPENING_TAKES = Infinity;',
  },
  {
    says: 'a refused try that leaves its wait loop behind',
    file: 'lib/core/local-line.ts',
    find: `  gaveUp(): void {
    this.#loop = null;`,
    put: '  gaveUp(): void {',
  },
  {
    says: 'a rest that ends with the release',
    file: STEPS,
    find: 'const restsUntil = hold.since + atLeastMs;',
    put: 'const restsUntil = 0;',
  },
];
