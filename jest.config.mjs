// One project on Nest 12. The second project runs the Nest tests again on Nest 11,
// by pointing every @nestjs import at the copy installed in test/nest-11.
const shared = {
  globalSetup: '<rootDir>/test/support/servers/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/servers/global-teardown.mjs',
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, tsconfig: 'tsconfig.json' }] },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/bench'],
};
const relative = { '^(\\.{1,2}/.*)\\.js$': '$1' };

export default {
  // Two: the suites share the machine with the servers that they talk to.
  maxWorkers: 2,
  // For hooks that start servers, on a slow and busy machine.
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'main',
      moduleNameMapper: relative,
      testMatch: ['<rootDir>/test/**/*.spec.ts', '<rootDir>/sample-app/test/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'nest-11',
      moduleNameMapper: {
        ...relative,
        '^@nestjs/(.*)$': '<rootDir>/test/nest-11/node_modules/@nestjs/$1',
      },
      testMatch: ['<rootDir>/test/e2e/**/*.spec.ts'],
    },
  ],
};
