// @ts-check
/**
 * Reads Jest's JSON report, says what was skipped, and prints `N passed, N failed` as its last
 * line. A suite that did not run, and a test that was skipped or is to do, count as failed.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [reportFile = '', ...folders] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportFile, 'utf8'));
const problems = [];

const ran = new Set(report.testResults.map((/** @type {{ name: string }} */ { name }) => name));
for (const folder of folders.filter((each) => existsSync(each))) {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.spec.ts') || file.includes('node_modules')) continue;
    if (!ran.has(resolve(join(folder, file)))) problems.push(`${join(folder, file)} did not run`);
  }
}
for (const suite of report.testResults) {
  if (suite.assertionResults.length === 0) problems.push(`${suite.name} ran no test`);
  for (const { status, fullName } of suite.assertionResults) {
    if (status !== 'passed' && status !== 'failed') problems.push(`${status}: ${fullName}`);
  }
}

for (const problem of problems) console.log(`not ok: ${problem}`);
const failed = report.numFailedTests + problems.length;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exitCode = failed === 0 && report.success ? 0 : 1;
