/**
 * The rules that a file can break by itself. Each carries texts that break it: tidy first sees that
 * the rule bites, then that no file of the repository breaks it.
 */
import ts from 'typescript';
import { lineOf, nodesOf, type Source } from './source.js';

export interface Rule {
  readonly says: string;
  /** Which files it is about, by path. */
  readonly about: RegExp;
  /** What is wrong, one line each; empty when nothing is. */
  check(source: Source): readonly string[];
  /** Breaks the rule; at this path, which the rule must be about. */
  readonly broken: readonly { readonly path: string; readonly text: string }[];
}

const LIB = /^lib\/.*\.ts$/;
const CODE = /^(lib|test|sample-app|bench|scripts)\/.*\.(ts|mjs|cjs)$/;
const SPEC = /\.spec\.ts$/;

export const rules: readonly Rule[] = [
  {
    says: 'every file says first what it is for',
    about: CODE,
    check(source) {
      const start = source.text.replace(/^(#!.*\n|\/\/ @ts-check\n)*/, '');
      return /^\/(\/ \S|\*\*)/.test(start) ? [] : ['has no comment at its top'];
    },
    broken: [{ path: 'lib/a.ts', text: 'export const a = 1;\n' }],
  },
  {
    says: 'no file of the library is longer than 300 lines',
    about: LIB,
    check: ({ lines }) => (lines.length > 300 ? [`has ${lines.length} lines`] : []),
    broken: [{ path: 'lib/a.ts', text: '// x\n'.repeat(301) }],
  },
  {
    // Prettier breaks code at 100; what it leaves longer is one text or pattern.
    says: 'no comment goes beyond 100 columns, and no line beyond 120',
    about: CODE,
    check: ({ lines }) =>
      lines.flatMap((line, i) => {
        const most = /^\s*(\/\/|\/\*|\*)/.test(line) ? 100 : 120;
        const length = [...line].length;
        return length > most ? [`${i + 1}: ${length}`] : [];
      }),
    broken: [
      { path: 'test/a.ts', text: `// ${'x'.repeat(98)}\n` },
      { path: 'test/a.ts', text: `const a = '${'x'.repeat(110)}';\n` },
    ],
  },
  {
    says: 'every export has a name of its own',
    about: /^(lib|test|sample-app|bench)\/.*\.ts$/,
    check: found(
      (node) =>
        ts.isExportAssignment(node) ||
        (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)) ||
        (ts.isExportSpecifier(node) && node.name.text === 'default'),
    ),
    broken: [
      { path: 'lib/a.ts', text: 'export default 1;' },
      { path: 'lib/a.ts', text: 'export default class A {}' },
      { path: 'test/a.ts', text: 'const a = 1; export { a as default };' },
    ],
  },
  {
    says: 'nothing is `any`',
    about: /^(lib|test|sample-app|bench)\/.*\.ts$/,
    check: found((node) => node.kind === ts.SyntaxKind.AnyKeyword),
    broken: [{ path: 'lib/a.ts', text: 'export const a = (b: any) => b as any;' }],
  },
  {
    says: 'nothing is declared non-null with `!`',
    about: /^(lib|test|sample-app|bench)\/.*\.ts$/,
    check: found(
      (node) =>
        ts.isNonNullExpression(node) ||
        ((ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) &&
          node.exclamationToken !== undefined &&
          // TypeORM fills the columns of an entity, which have decorators.
          !(ts.canHaveDecorators(node) && (ts.getDecorators(node)?.length ?? 0) > 0)),
    ),
    broken: [
      { path: 'lib/a.ts', text: 'export const a = process.argv[0]!;' },
      { path: 'lib/a.ts', text: 'export class A { b!: string; }' },
    ],
  },
  {
    says: 'nothing is an enum',
    about: /^(lib|test|sample-app|bench)\/.*\.ts$/,
    check: found(ts.isEnumDeclaration),
    broken: [{ path: 'lib/a.ts', text: 'export enum A { B }' }],
  },
  {
    says: 'no rule of the linter or compiler is switched off in the library',
    about: LIB,
    check: matching(/eslint-disable|@ts-(ignore|expect-error|nocheck)/),
    broken: [{ path: 'lib/a.ts', text: '// eslint-disable-next-line\n// @ts-ignore\n' }],
  },
  {
    says: 'the wall clock decides nothing',
    // The memory store is a store: what it has for a clock is its own affair.
    about: /^lib\/(?!drivers\/memory\/memory-store\.ts)/,
    check: matching(/\bDate\.now\b|\bnew Date\(\)/),
    broken: [
      { path: 'lib/core/a.ts', text: 'export const a = Date.now();' },
      { path: 'lib/core/a.ts', text: 'export const a = new Date().getTime();' },
    ],
  },
  {
    says: 'chance comes from outside, so that a run can be replayed',
    about: /^lib\/core\//,
    // As a value, to be replaced (`random = Math.random`), it is fine.
    check: matching(/\bMath\.random\(/),
    broken: [{ path: 'lib/core/a.ts', text: 'export const a = Math.random();' }],
  },
  {
    says: 'the library reads no environment',
    about: LIB,
    check: matching(/\bprocess\.env\b/),
    broken: [{ path: 'lib/a.ts', text: 'export const a = process.env;' }],
  },
  {
    says: 'the library writes to no console',
    about: LIB,
    check: found(
      (node) => ts.isPropertyAccessExpression(node) && node.expression.getText() === 'console',
    ),
    broken: [{ path: 'lib/a.ts', text: 'console.log(1);' }],
  },
  {
    says: 'every test runs',
    about: SPEC,
    check: matching(
      /\b(it|test|describe)(\.concurrent)?\.(only|skip|todo|failing)\b|\b(xit|xtest|xdescribe|fit|fdescribe)\(/,
    ),
    broken: [
      { path: 'test/a.spec.ts', text: "it.only('a', () => {});" },
      { path: 'test/a.spec.ts', text: "describe.skip('a', () => {});" },
      { path: 'test/a.spec.ts', text: "xit('a', () => {});" },
    ],
  },
  {
    says: 'a title is a rule in the present tense, without "should"',
    about: SPEC,
    check: matching(/\b(it|test)(\.each\(.*\))?\(\s*['"`]should\b/),
    broken: [{ path: 'test/a.spec.ts', text: "it('should work', () => {});" }],
  },
  {
    says: 'no text names a folder of the machine that it was written on',
    about: /./,
    check: matching(
      new RegExp(`(^|[\\s'"\`(=:])/(${['tmp', 'work', 'root', 'home', 'Users'].join('|')})/`),
    ),
    broken: [{ path: 'README.md', text: `see ${['', 'tmp', 'a'].join('/')}\n` }],
  },
  {
    says: 'the change log has a place for what is not released',
    about: /^CHANGELOG\.md$/,
    check: ({ text }) => (/^## \[?Unreleased\]?$/m.test(text) ? [] : ['has no "## Unreleased"']),
    broken: [{ path: 'CHANGELOG.md', text: '# Changelog\n' }],
  },
];

/** A rule against nodes of the syntax: nothing in a comment or a string can break it. */
function found(isWrong: (node: ts.Node) => boolean): Rule['check'] {
  return (source) =>
    [...nodesOf(source)].filter(isWrong).map((node) => {
      const [first = ''] = node.getText(source.ast ?? undefined).split('\n');
      return `${lineOf(source, node)}: ${first}`;
    });
}

/** A rule against words, comments included. */
function matching(wrong: RegExp): Rule['check'] {
  return ({ lines }) =>
    lines.flatMap((line, i) => (wrong.test(line) ? [`${i + 1}: ${line.trim()}`] : []));
}
