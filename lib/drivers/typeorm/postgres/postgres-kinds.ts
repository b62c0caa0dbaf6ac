/** The kinds of steps, one letter each. */
export const KIND = {
  acquire: 'a',
  join: 'j',
  renew: 'n',
  renewWithNote: 'w',
  release: 'r',
  leave: 'l',
  force: 'f',
  watch: 'x',
} as const;
