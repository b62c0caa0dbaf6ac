/** The documents as the tests see them: pages, their links, and their blocks of code. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = process.cwd();

export interface Page {
  /** From the root of the repository: `docs/errors.md`. */
  readonly path: string;
  readonly text: string;
}

export interface Block {
  /** `docs/recipes.md:12`: the line of the opening fence. */
  readonly where: string;
  readonly code: string;
  /** Marked `ts run`: it runs to its end, and prints what its comments `// →` say. */
  readonly runs: boolean;
}

/** Whatever a reader of the repository may open. */
export function pages(): readonly Page[] {
  const inDocs = readdirSync(join(ROOT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`);
  const paths = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', ...inDocs];
  return paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** Every block of TypeScript. */
export function blocksOf({ path, text }: Page): readonly Block[] {
  return [...text.matchAll(/^( *)```ts( run)?\n([^]*?)^ *```$/gm)].map((match) => ({
    where: `${path}:${text.slice(0, match.index).split('\n').length}`,
    // Those in a list stand further in.
    code: (match[3] ?? '').replaceAll(new RegExp(`^${match[1] ?? ''}`, 'gm'), ''),
    runs: match[2] !== undefined,
  }));
}

/** The targets of all links and pictures. */
export function linksOf({ text }: Page): readonly string[] {
  return [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
}

/** What a link may have after its `#`: the headings, as GitHub turns them into anchors. */
export function anchorsOf({ text }: Page): ReadonlySet<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^ *```[^]*?^ *```$/gm, '');
}
