// The library is held to the strictest type-checked rules; tests, bench, sample and scripts to
// those that find bugs: above all, no promise may float.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', 'coverage', 'sample-app/public', '**/.cache'] },
  js.configs.recommended,
  // Prettier breaks code but no comments; what code it leaves longer is one text or pattern.
  { rules: { 'max-len': ['error', { code: 120, comments: 100, ignoreUrls: true }] } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // A contract that returns promises is also met by code that has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['lib/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Nest modules are classes with a decorator and nothing in them.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/require-await': 'off',
      'max-lines': ['error', 300],
      'no-console': 'error',
    },
  },
  {
    // The kit hands the test runner's functions around; none of them has a `this`.
    files: ['lib/testing/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'sample-app/**/*.ts'],
    rules: {
      // Tests look at what libraries without types and JSON give them.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '**/*.js'],
    languageOptions: { globals: globalsOfNode() },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }] },
  },
);

/** The few that our scripts use; the package `globals` would bring a thousand. */
function globalsOfNode() {
  const names = [
    ...['console', 'process', 'performance', 'fetch', 'URL', 'Buffer', 'module', 'require'],
    ...['__dirname', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'],
    ...['AbortController', 'AbortSignal', 'structuredClone', 'TextEncoder', 'TextDecoder'],
    ...['queueMicrotask', 'URLSearchParams', 'WebSocket', 'document', 'window', 'EventSource'],
  ];
  return Object.fromEntries(names.map((name) => [name, 'readonly']));
}
