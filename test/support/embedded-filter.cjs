// Jest's --filter for `npm run test:embedded`: keeps the suites that need no server, which is to
// say those from which no chain of imports leads to test/support/servers. Who starts programs that
// need one says so: @needs-servers.
const { existsSync, readFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

const servers = join(__dirname, 'servers');
const verdicts = new Map();

module.exports = (paths) => ({ filtered: paths.filter((path) => !needsServer(path)) });

function needsServer(path) {
  if (path.startsWith(servers)) return true;
  if (verdicts.has(path)) return verdicts.get(path);
  // Imports may go round in a circle: this one counts as "no" while it is being looked at.
  verdicts.set(path, false);
  const needs = looksNeedy(path);
  verdicts.set(path, needs);
  return needs;
}

function looksNeedy(path) {
  const text = readFileSync(path, 'utf8');
  if (text.includes('@needs-servers')) return true;
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
  return imports
    .map(([, target]) => resolve(dirname(path), target))
    .map((target) => [target, target.replace(/\.js$/, '.ts')].find((file) => existsSync(file)))
    .some((target) => target !== undefined && needsServer(target));
}
