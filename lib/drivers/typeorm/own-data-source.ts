/**
 * A second `DataSource` with the application's credentials and nothing else of it: no entities, no
 * migrations, no logging. Made by the class of the application's own, so that it is of the very
 * TypeORM that the application runs on, and this package imports TypeORM's types alone.
 */
import type { DataSource, DataSourceOptions, EntityManager, QueryRunner } from 'typeorm';

/** @param overrides what this database needs to be different, e.g. its pool size. */
export function cloneDataSource(
  application: DataSource,
  overrides: Readonly<Record<string, unknown>>,
): DataSource {
  const options = {
    ...application.options,
    entities: [],
    subscribers: [],
    migrations: [],
    synchronize: false,
    migrationsRun: false,
    dropSchema: false,
    cache: false,
    logging: false,
    logger: undefined,
    name: undefined,
    ...overrides,
  } as unknown as DataSourceOptions;
  return new (baseClass(application))(options);
}

/** TypeORM's own class, also where the application has made a subclass with another constructor. */
function baseClass(application: DataSource): new (options: DataSourceOptions) => DataSource {
  let prototype = Object.getPrototypeOf(application) as { constructor: unknown };
  for (;;) {
    const above = Object.getPrototypeOf(prototype) as { constructor: unknown } | null;
    if (above === null || above === Object.prototype) break;
    prototype = above;
  }
  return prototype.constructor as new (options: DataSourceOptions) => DataSource;
}

/** Whose it is: the property has another name in TypeORM 1 than in 0.3. */
export function dataSourceOf(part: EntityManager | QueryRunner): DataSource {
  const { dataSource, connection } = part as unknown as Readonly<Record<string, unknown>>;
  return (dataSource ?? connection) as DataSource;
}
