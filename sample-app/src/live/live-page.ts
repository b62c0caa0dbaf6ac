/** The live page: buttons for the acts, the lanes as they grow, and the locks now held. */
import type { LockState } from 'nestjs-distributed-lock';
import { LEGEND } from '../race/picture.js';
import { escapeHtml, STYLE } from '../race/picture-style.js';
import { ACTS, type RaceConfig } from '../race/race.js';
import { STORES } from '../store.js';

export function drawLivePage(config: RaceConfig): string {
  const stores = STORES.map(
    (store) => `<option${store === config.store ? ' selected' : ''}>${store}</option>`,
  );
  const acts = ACTS.map(
    ({ id, title }) => `<button type="submit" name="act" value="${id}">${title}</button>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The race, live</title>
<link rel="icon" href="data:,">
<style>${STYLE}${LIVE_STYLE}</style>
</head>
<body>
<main>
<h1>The race, live</h1>
<form id="stage">
<fieldset>
<label>Store <select name="store">${stores.join('')}</select></label>
<label>Instances <input name="instances" type="number" min="2" max="50"
  value="${config.instances}"></label>
</fieldset>
<div class="acts">${acts.join('\n')}</div>
</form>
<p id="state" role="status">Choose an act.</p>
${LEGEND}
<div id="act"></div>
<h2 id="held">Locks now held</h2>
<div id="locks" role="region" aria-labelledby="held" tabindex="0">${drawLocks([])}</div>
<div id="earlier"></div>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

export function drawLocks(locks: readonly LockState[]): string {
  const rows = locks.map(
    ({ name, owner, token, heldForMs, remainingMs, waiting }) => `<tr>
<td>${escapeHtml(name)}</td><td>${escapeHtml(owner ?? '—')}</td><td>${token ?? '—'}</td>
<td>${seconds(heldForMs)}</td><td>${seconds(remainingMs)}</td><td>${waiting}</td></tr>`,
  );
  const none = '<tr><td colspan="6">none</td></tr>';
  return `<table>
<thead><tr><th>Name</th><th>Owner</th><th>Token</th><th>Since</th><th>Left</th><th>Line</th></tr>
</thead><tbody>${rows.length === 0 ? none : rows.join('')}</tbody></table>`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const LIVE_STYLE = `
fieldset { border: 0; padding: 0; margin: 0 0 .75rem; display: flex; flex-wrap: wrap; gap: 1rem; }
input { width: 5rem; }
button, select, input { font: inherit; padding: .3rem .6rem; color: inherit;
  background: var(--lane); border: 1px solid var(--edge); border-radius: 4px; }
button:hover { border-color: var(--working); }
:focus-visible { outline: 2px solid var(--working); outline-offset: 1px; }
.acts { display: flex; flex-wrap: wrap; gap: .5rem; }
#locks { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--edge); }
th { color: var(--quiet); font-weight: normal; }
@media (max-width: 40rem) { .acts button { flex: 1 1 100%; } }
`;

const SCRIPT = `
const form = document.getElementById('stage');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const wanted = new URLSearchParams(new FormData(form));
  const response = await fetch('play/' + event.submitter.value + '?' + wanted, { method: 'POST' });
  if (!response.ok) {
    // The stream brings what goes well; this is for what was refused.
    document.getElementById('state').textContent = (await response.json()).message;
  }
});
const stream = new EventSource('events');
for (const type of ['act', 'locks', 'earlier']) {
  stream.addEventListener(type, ({ data }) => {
    document.getElementById(type).innerHTML = data;
  });
}
stream.addEventListener('state', ({ data }) => {
  document.getElementById('state').textContent = data;
});
`;
