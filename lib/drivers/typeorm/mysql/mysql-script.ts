/**
 * Several statements as one step, in the form that the server is best at.
 *
 * - MariaDB takes a block with `IF`, prepared once a connection: one command, nothing to parse, and
 *   the statements of other cases are not run at all.
 * - MySQL has no such blocks outside stored procedures, for which the user would need a right. It
 *   takes the statements one after the other in one packet; one that is not for the case at hand
 *   looks for the name NULL, and so touches nothing.
 */
import type { Lanes, MysqlResult } from './mysql-connections.js';
import { hex, int } from './mysql-text.js';

export type InputValue = number | Buffer | null;

/** A step for one name: its script, and what the script's session variables are set to. */
export interface Packet {
  readonly script: Script;
  readonly values: readonly InputValue[];
}

export interface ServerForm {
  /**
   * Statements for one case alone.
   *
   * @param statements `name` is the expression for the name to look for.
   */
  readonly when: (
    condition: string,
    statements: (name: string) => readonly string[],
  ) => readonly string[];
  /** Wakes the session that has the user lock `@bell`, if any has. */
  readonly ring: readonly string[];
  /** Runs a script; what its statements answered, without those that have nothing to say. */
  step(lanes: Lanes, packet: Packet): Promise<readonly MysqlResult[]>;
  /** Runs statements that are different every time. */
  run(lanes: Lanes, statements: readonly string[]): Promise<readonly MysqlResult[]>;
}

/** Statements that are always the same, and the session variables that they start from. */
export class Script {
  readonly block: string;
  readonly #inputs: readonly string[];
  readonly #statements: readonly string[];

  /** @param inputs without the `@`. */
  constructor(inputs: readonly string[], statements: readonly string[]) {
    this.#inputs = inputs;
    this.#statements = statements;
    this.block = blockOf([this.#setAll(inputs.map(() => '?')), ...statements]);
  }

  plain(values: readonly InputValue[]): readonly string[] {
    return [this.#setAll(values.map(literal)), ...this.#statements];
  }

  #setAll(values: readonly string[]): string {
    return `SET ${this.#inputs.map((input, at) => `@${input} = ${values[at] ?? 'NULL'}`).join(', ')}`;
  }
}

export const MARIADB_FORM: ServerForm = {
  when: (condition, statements) => [
    `IF ${condition} THEN ${statements('@name').join('; ')}; END IF`,
  ],
  ring: [
    "IF IS_USED_LOCK(COALESCE(@bell, '-')) IS NOT NULL THEN " +
      'KILL QUERY IS_USED_LOCK(@bell); END IF',
  ],
  step: (lanes, { script, values }) =>
    lanes.execute({ sql: script.block, values, mayLeaveOpen: true }),
  run: (lanes, statements) => lanes.run([blockOf(statements)], true),
};

export const MYSQL_FORM: ServerForm = {
  when: (condition, statements) => statements(`IF(${condition}, @name, NULL)`),
  ring: [
    "SET @ring = COALESCE(CONCAT('KILL QUERY ', IS_USED_LOCK(COALESCE(@bell, '-'))), 'DO 0')",
    'PREPARE ring FROM @ring',
    'EXECUTE ring',
  ],
  step: (lanes, { script, values }) => lanes.run(script.plain(values)),
  run: (lanes, statements) => lanes.run(statements),
};

/** The rows of the one statement among these that has any. */
export function rowsIn(results: readonly MysqlResult[]): MysqlResult['rows'] {
  return results.find(({ rows }) => rows.length > 0)?.rows ?? [];
}

function blockOf(statements: readonly string[]): string {
  return `BEGIN NOT ATOMIC ${statements.join('; ')}; END`;
}

function literal(value: InputValue): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? int(value) : hex(value);
}
