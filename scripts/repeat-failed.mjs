// `node scripts/repeat-failed.mjs FILE`: the suites that failed, of what Jest wrote into FILE, run
// once more, alone and one after the other, and what they say then is written in their place. For a
// continuous integration on shared, noisy machines; what was repeated is said in plain words, so
// that a test that fails now and then is seen and mended. `npm test` itself repeats nothing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [file] = process.argv.slice(2);
const first = JSON.parse(readFileSync(file, 'utf8'));
const failed = first.testResults.filter(({ status }) => status !== 'passed');
const paths = [...new Set(failed.map(({ name }) => name))];
// Many failures are no noise.
if (paths.length === 0 || paths.length > 6) process.exit();

for (const path of paths) console.log(`failed, and is run once more, alone: ${path}`);
const folder = mkdtempSync(join(tmpdir(), 'repeat-failed-'));
const output = join(folder, 'tests.json');
const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
const flags = ['--runInBand', '--json', `--outputFile=${output}`, '--runTestsByPath', ...paths];
spawnSync(process.execPath, [...jest, ...flags], { stdio: 'inherit' });
const second = JSON.parse(readFileSync(output, 'utf8'));
rmSync(folder, { recursive: true, force: true });

// A path may belong to several projects: all of its results are replaced.
const again = new Set(second.testResults.map(({ name }) => name));
first.testResults = [
  ...first.testResults.filter(({ name }) => !again.has(name)),
  ...second.testResults,
];
const outcomes = first.testResults.flatMap(({ assertionResults }) => assertionResults);
const count = (status) => outcomes.filter((one) => one.status === status).length;
first.numPassedTests = count('passed');
first.numFailedTests = count('failed');
first.numPendingTests = count('pending');
first.numFailedTestSuites = first.testResults.filter(({ status }) => status !== 'passed').length;
first.numPassedTestSuites = first.testResults.length - first.numFailedTestSuites;
first.numRuntimeErrorTestSuites = first.testResults.filter(
  ({ status, assertionResults }) => status !== 'passed' && assertionResults.length === 0,
).length;
first.success = first.numFailedTestSuites === 0;
writeFileSync(file, JSON.stringify(first));
