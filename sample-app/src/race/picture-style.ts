/** How the picture looks, in light and in dark, from the width of a phone to that of a wall. */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --text: #1b1f24; --quiet: #57606a; --edge: #d0d7de; --lane: #f3f5f8;
  --waiting: #c9d1d9; --holding: #8cb8f0; --working: #1f6feb; --right: #1a7f37; --wrong: #cf222e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --text: #e6edf3; --quiet: #9aa4af; --edge: #30363d; --lane: #161b22;
    --waiting: #3a424c; --holding: #2b5486; --working: #4c9aff; --right: #3fb950; --wrong: #ff7b72;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
h2 small { color: var(--quiet); font-weight: normal; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0;
  color: var(--quiet); font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: .4rem; }
.legend .sample { position: relative; width: 1.75rem; height: 1.25rem; }
.legend .bar { left: 0; right: 0; }
.act { border: 1px solid var(--edge); border-left-width: 4px; border-radius: 6px;
  padding: .75rem 1rem; margin: 1rem 0; }
.act.right { border-left-color: var(--right); } .act.wrong { border-left-color: var(--wrong); }
.lane { display: flex; align-items: center; gap: .5rem; }
.lane .name { flex: 0 0 5.5rem; font-size: .8rem; color: var(--quiet); white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.lane .token { flex: 0 0 7.5rem; font-size: .75rem; color: var(--quiet); text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.track { position: relative; flex: 1; height: 1.5rem; margin: 1px 0; background: var(--lane);
  border-radius: 3px; border: solid var(--lane); border-width: 0 1.1rem; background-clip: border-box; }
.bar { position: absolute; top: .45rem; height: .6rem; border-radius: 2px; }
.bar.waiting { background: var(--waiting); }
.bar.holding { background: var(--holding); top: .2rem; height: 1.1rem; }
.bar.working { background: var(--working); }
.sign { font-size: .95rem; line-height: 1.5rem; color: var(--text); }
.mark { position: absolute; top: 0; padding: 0 1px;
  text-shadow: 0 0 3px var(--lane), 0 0 3px var(--lane); }
/* What begins stands before its moment, what ends behind it: both can be read in a short hold. */
.mark.granted { transform: translateX(-100%); }
.sign.done { color: var(--right); }
.sign.error, .sign.killed { color: var(--wrong); }
.sign.killed { font-size: 1.25rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: .5rem 0 0;
  font-size: .9rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.right .seen { color: var(--right); } .wrong .seen { color: var(--wrong); }
@media (max-width: 40rem) {
  main { padding: .75rem; }
  .act { padding: .5rem; }
  .lane { gap: .3rem; }
  .lane .name { flex-basis: 4.3rem; font-size: .7rem; }
  .lane .token { flex-basis: 3.4rem; font-size: .7rem; }
  .lane .token .high { display: none; }
  dl { grid-template-columns: 1fr; }
}
`;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.codePointAt(0) ?? 0)};`);
}
