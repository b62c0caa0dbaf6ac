/** Compiles snippets against the library as it is, and says what TypeScript has to say of each. */
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = process.cwd();

/**
 * One text for each diagnostic of each snippet, in the order of the snippets.
 *
 * @param folder where the snippets stand, as it were: what their relative imports start from.
 */
export function complaints(
  snippets: readonly string[],
  folder = 'test/types',
): readonly (readonly string[])[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) =>
    ts.sys.readFile(path),
  );
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const files = new Map(snippets.map((text, n) => [join(ROOT, folder, `snippet-${n}.ts`), text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, how, ...rest) => {
    const text = files.get(path);
    if (text === undefined) return getSourceFile.call(host, path, how, ...rest);
    return ts.createSourceFile(path, text, how, true);
  };
  const program = ts.createProgram({
    rootNames: [...files.keys()],
    // A snippet may leave names unused; all else is as strict as the repository.
    options: { ...options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
    host,
  });
  return [...files.keys()].map((path) => {
    const file = program.getSourceFile(path);
    return ts
      .getPreEmitDiagnostics(program, file)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}
