/**
 * The picture of a race: one page of HTML that needs nothing else, with a lane for each instance
 * and bars for what it did. The live page shows the same lanes while they grow.
 */
import type { FleetEvent } from './fleet.js';
import type { Played, RaceConfig } from './race.js';
import { escapeHtml, STYLE } from './picture-style.js';

/** An act that is over, or that is being played: without a verdict yet. */
export type Shown = Omit<Played, 'verdict'> & { readonly verdict: Played['verdict'] | null };

type Kind = 'waiting' | 'holding' | 'working';

interface Bar {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  readonly title: string;
}

interface Mark {
  readonly at: number;
  readonly sign: (typeof SIGNS)[keyof typeof SIGNS];
  readonly title: string;
}

/** U+FE0E asks for the black sign: some systems would draw a coloured face of another width. */
const SIGNS = {
  granted: { kind: 'granted', text: '⚑\uFE0E' },
  done: { kind: 'done', text: '✔\uFE0E' },
  error: { kind: 'error', text: '✖\uFE0E' },
  killed: { kind: 'killed', text: '☠\uFE0E' },
} as const;

const ENDS: ReadonlySet<FleetEvent['step']> = new Set(['created', 'reused', 'failed', 'killed']);

const COMPARED: ReadonlySet<Shown['id']> = new Set(['bare', 'locked']);

/** The whole page. */
export function drawPicture(
  played: readonly Shown[],
  names: readonly string[],
  { store, createMs }: Pick<RaceConfig, 'store' | 'createMs'>,
): string {
  // The race with and without a lock on one scale, or the eye would compare different seconds.
  const spanOf = ({ startedAt, endedAt }: Shown): number => endedAt - startedAt;
  const common = Math.max(0, ...played.filter(({ id }) => COMPARED.has(id)).map(spanOf));
  const acts = played
    .map((act) => drawAct(act, names, COMPARED.has(act.id) ? common : spanOf(act)))
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The race of ${names.length} instances</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>The race of ${names.length} instances</h1>
<p>All are asked for the same resource at the same moment; creating it takes ${createMs} ms.
The locks are kept in ${escapeHtml(store)}. At the end of a lane: the fencing token of its hold.</p>
${LEGEND}
${acts}
</main>
</body>
</html>
`;
}

const legend = (kind: string, text: string): string =>
  `<li><span class="sample"><span class="bar ${kind}"></span></span> ${text}</li>`;
const sign = ({ kind, text }: (typeof SIGNS)[keyof typeof SIGNS], meaning: string): string =>
  `<li><span class="sign ${kind}">${text}</span> ${meaning}</li>`;

export const LEGEND = `<ul class="legend">
${legend('waiting', 'waits')}
${legend('holding', 'holds the lock')}
${legend('working', 'creates')}
${sign(SIGNS.granted, 'gets the lock')}
${sign(SIGNS.done, 'done')}
${sign(SIGNS.error, 'error')}
${sign(SIGNS.killed, 'killed')}
</ul>`;

/** One act: its lanes, and what was expected and seen. `spanMs`: how long its lanes are. */
export function drawAct(
  act: Shown,
  names: readonly string[],
  spanMs: number = act.endedAt - act.startedAt,
): string {
  const span = Math.max(1, spanMs);
  const percent = (at: number): string =>
    (Math.max(0, Math.min(1, (at - act.startedAt) / span)) * 100).toFixed(2);
  const lanes = names.map((name) => {
    const events = act.events.filter(({ instance }) => instance === name);
    const bars = barsOf(events, act.endedAt).map(({ kind, from, to, title }) => {
      const width = (Number(percent(to)) - Number(percent(from))).toFixed(2);
      const style = `left:${percent(from)}%;width:max(2px,${width}%)`;
      return `<span class="bar ${kind}" style="${style}" title="${escapeHtml(title)}"></span>`;
    });
    const marks = marksOf(events).map(
      ({ at, sign: { kind, text }, title }) =>
        `<span class="sign mark ${kind}" style="left:${percent(at)}%" title="${escapeHtml(title)}">` +
        `${text}</span>`,
    );
    const said = escapeHtml(sentence(events));
    return `<div class="lane" data-instance="${escapeHtml(name)}">
<span class="name">${escapeHtml(name)}</span>
<span class="track" role="img" aria-label="${said}">${bars.join('')}${marks.join('')}</span>
<span class="token">${drawToken(events)}</span>
</div>`;
  });
  const { verdict } = act;
  const right = verdict === null ? 'running' : verdict.right ? 'right' : 'wrong';
  return `<section class="act ${right}" data-act="${act.id}" data-verdict="${right}">
<h2>${escapeHtml(act.title)} <small>${((act.endedAt - act.startedAt) / 1_000).toFixed(1)} s</small></h2>
<div class="lanes">${lanes.join('\n')}</div>
${verdict === null ? '' : drawVerdict(verdict)}
</section>`;
}

/** Of the latest hold. The first digits are the same in all lanes: a narrow screen hides them. */
function drawToken(events: readonly FleetEvent[]): string {
  const token = events.filter((event) => event.token !== undefined).at(-1)?.token;
  if (token === undefined) return '–';
  const digits = String(token);
  return `<span class="high">${digits.slice(0, -7)}</span>${digits.slice(-7)}`;
}

function drawVerdict({ expected, seen, right, overIdealMs }: Played['verdict']): string {
  const over =
    overIdealMs === null
      ? ''
      : `<dt>waited</dt><dd>${Math.round(overIdealMs)} ms over the ideal</dd>`;
  return `<dl>
<dt>expected</dt><dd>${escapeHtml(expected)}</dd>
<dt>seen</dt><dd class="seen">${right ? '✔' : '✖'} ${escapeHtml(seen)}</dd>${over}
</dl>`;
}

/** What an instance did, as stretches of time. One that goes on ends at `now`. */
function barsOf(events: readonly FleetEvent[], now: number): readonly Bar[] {
  const killedAt = events.find(({ step }) => step === 'killed')?.at ?? Infinity;
  const requests = new Set(events.map(({ request }) => request).filter((request) => request > 0));
  return [...requests].flatMap((request) => {
    const own = events.filter((event) => event.request === request);
    const at = (step: FleetEvent['step']): number | undefined =>
      own.find((event) => event.step === step)?.at;
    const end = Math.min(own.find(({ step }) => ENDS.has(step))?.at ?? now, killedAt);
    const [waiting, holding, creating] = [at('waiting'), at('holding'), at('creating')];
    const bars: Bar[] = [];
    const add = (kind: Kind, from: number | undefined, to: number): void => {
      if (from === undefined) return;
      bars.push({ kind, from, to, title: `${kind}: ${to - from} ms` });
    };
    add('waiting', waiting, holding ?? end);
    add('holding', holding, end);
    add('working', creating, end);
    return bars;
  });
}

function marksOf(events: readonly FleetEvent[]): readonly Mark[] {
  return events.flatMap((event): Mark[] => {
    const { at, step, token = 0, previous = 'none', error = '' } = event;
    switch (step) {
      case 'holding':
        return [{ at, sign: SIGNS.granted, title: `token ${token}; the hold before: ${previous}` }];
      case 'created':
        return [{ at, sign: SIGNS.done, title: 'created it' }];
      case 'reused':
        return [{ at, sign: SIGNS.done, title: 'found it' }];
      case 'failed':
        return [{ at, sign: SIGNS.error, title: error }];
      case 'killed':
        return [{ at, sign: SIGNS.killed, title: 'killed' }];
      default:
        return [];
    }
  });
}

/** The lane in words, for those who do not see it. */
function sentence(events: readonly FleetEvent[]): string {
  if (events.length === 0) return 'nothing';
  return events
    .map(({ step, error, token }) => {
      if (step === 'holding') return `holding with token ${token ?? ''}`;
      return error === undefined ? step : `${step}: ${error}`;
    })
    .join(', then ');
}
