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
.legend .bar { display: inline-block; position: static; width: 1.5rem; height: .7rem; }
.act { border: 1px solid var(--edge); border-left-width: 4px; border-radius: 6px;
  padding: .75rem 1rem; margin: 1rem 0; }
.act.right { border-left-color: var(--right); } .act.wrong { border-left-color: var(--wrong); }
.lane { display: flex; align-items: center; gap: .5rem; }
.lane .name { flex: 0 0 6.5rem; font-size: .8rem; color: var(--quiet); white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.track { position: relative; flex: 1; height: 1.25rem; margin: 1px 0; background: var(--lane);
  border-radius: 3px; }
.bar { position: absolute; top: .35rem; height: .55rem; border-radius: 2px; }
.bar.waiting { background: var(--waiting); } .bar.holding { background: var(--holding);
  top: .2rem; height: .85rem; } .bar.working { background: var(--working); }
.mark { position: absolute; top: -.05rem; transform: translateX(-50%); font-size: .8rem;
  line-height: 1.35rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: .5rem 0 0;
  font-size: .9rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.right .seen { color: var(--right); } .wrong .seen { color: var(--wrong); }
@media (max-width: 40rem) {
  .lane .name { flex-basis: 4.5rem; font-size: .7rem; }
  dl { grid-template-columns: 1fr; }
}
`;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.codePointAt(0) ?? 0)};`);
}
