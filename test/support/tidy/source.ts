/** The files of this repository, read once and parsed once, for the rules of tidy. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** `null` for what is not TypeScript or JavaScript. */
  readonly ast: ts.SourceFile | null;
}

export interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', '.cache']);
const TEXTS = /\.(ts|mjs|cjs|js|json|md|sh|yml|yaml|html|css|txt)$|^\.ci\/run$/;

export function readTree(): readonly Source[] {
  const paths = readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !path.split('/').some((part) => NOT_OURS.has(part)) && TEXTS.test(path));
  return paths.sort().map((path) => sourceOf(path, readFileSync(join(ROOT, path), 'utf8')));
}

export function sourceOf(path: string, text: string): Source {
  const ast = /\.(ts|mjs|cjs|js)$/.test(path)
    ? ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    : null;
  return { path, text, lines: text.replace(/\n$/, '').split('\n'), ast };
}

/** Every node of a file, parents first. */
export function* nodesOf(source: Source): Generator<ts.Node> {
  if (source.ast === null) return;
  const open: ts.Node[] = [source.ast];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    yield node;
    open.push(...[...node.getChildren(source.ast)].reverse());
  }
}

/** What a file imports or re-exports, also by `import()` and `import('…').Type`. */
export function importsOf(source: Source): readonly Import[] {
  const imports: Import[] = [];
  for (const node of nodesOf(source)) {
    const module = moduleOf(node);
    if (module !== undefined && ts.isStringLiteral(module)) {
      imports.push({ target: module.text, typeOnly: isTypeOnly(node) });
    }
  }
  return imports;
}

function moduleOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return node.argument.literal;
  if (!ts.isCallExpression(node)) return undefined;
  const isImport =
    node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require';
  return isImport ? node.arguments[0] : undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return false;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

export function lineOf(source: Source, node: ts.Node): number {
  const at = source.ast?.getLineAndCharacterOfPosition(node.getStart(source.ast));
  return (at?.line ?? 0) + 1;
}
