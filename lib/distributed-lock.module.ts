/**
 * The composition root: makes the engine of the options, provides it as `LockService`, opens it
 * with the application and closes it in good order.
 */
import { ConfigurableModuleBuilder, Inject, Logger, Module } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  DynamicModule,
  OnApplicationShutdown,
  OnModuleInit,
  Provider,
} from '@nestjs/common';

import { Locks } from './core/locks.js';
import { checkOptions, checkServiceName } from './distributed-lock.options.js';
import type {
  CheckedOptions,
  DistributedLockAsyncOptions,
  DistributedLockModuleExtras,
  DistributedLockOptions,
} from './distributed-lock.options.js';
import { LOG_CONTEXT, logEvents } from './lock-log.js';
import { LockService } from './lock.service.js';
import { DEFAULT_SERVICE, getLockServiceToken } from './lock.tokens.js';

const CHECKED = Symbol.for('nestjs-distributed-lock: checked options');
const ENGINE = Symbol.for('nestjs-distributed-lock: engine');

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<DistributedLockOptions>({
    optionsInjectionToken: Symbol.for('nestjs-distributed-lock: options'),
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createDistributedLockOptions')
    .setExtras({ isGlobal: true, name: DEFAULT_SERVICE }, (definition, { isGlobal, name }) => {
      const services = servicesOf(checkServiceName(name));
      return {
        ...definition,
        global: isGlobal,
        providers: [...(definition.providers ?? []), ...ENGINE_PROVIDERS, ...services],
        exports: services.map(({ provide }) => provide),
      };
    })
    .build();

/**
 * Gives an application its `LockService`. Global unless `isGlobal: false`; imported once more,
 * under another `name`, it makes a second service.
 */
@Module({})
export class DistributedLockModule
  extends ConfigurableModuleClass
  implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #logger = new Logger(LOG_CONTEXT);
  readonly #locks: Locks;
  readonly #options: CheckedOptions;

  constructor(@Inject(ENGINE) locks: Locks, @Inject(CHECKED) options: CheckedOptions) {
    super();
    this.#locks = locks;
    this.#options = options;
  }

  /**
   * @example
   * DistributedLockModule.forRoot({ driver: redisLocks({ url: 'redis://localhost:6379' }) });
   */
  static override forRoot(
    options: DistributedLockOptions & DistributedLockModuleExtras,
  ): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * With `useFactory`, `useClass` or `useExisting`; `name` and `isGlobal` stand beside them.
   *
   * @example
   * DistributedLockModule.forRootAsync({
   *   inject: [DataSource],
   *   useFactory: (dataSource: DataSource) => ({ driver: typeOrmLocks({ dataSource }) }),
   * });
   */
  static override forRootAsync(options: DistributedLockAsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }

  /**
   * Opens the store without waiting for it: one that is down must not keep the application down.
   * Until it answers, every lock is refused with a `LockStoreError`, and every try opens it
   * again.
   */
  onModuleInit(): void {
    this.#locks.open().catch(() => {
      // The log has it already, as an event; and the next lock tries again.
    });
  }

  /**
   * All that needs the store happens here: Nest runs this hook before any connection is closed in
   * `onApplicationShutdown`, whatever the order of the modules.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.#locks.refuse();
    await this.#locks.drain(this.#options.shutdownGraceMs);
  }

  async onApplicationShutdown(): Promise<void> {
    try {
      await this.#locks.close();
    } catch (error) {
      // The other modules have to be shut down all the same.
      this.#logger.warn(`The lock store could not be closed: ${String(error)}`);
    }
  }
}

const ENGINE_PROVIDERS: readonly Provider[] = [
  { provide: CHECKED, inject: [MODULE_OPTIONS_TOKEN], useFactory: checkOptions },
  {
    provide: ENGINE,
    inject: [CHECKED],
    useFactory: ({ driver, defaults, storeTimeoutMs, onEvent }: CheckedOptions) =>
      new Locks({
        driver,
        ...(defaults === undefined ? {} : { defaults }),
        ...(storeTimeoutMs === undefined ? {} : { storeTimeoutMs }),
        onEvent: logEvents(onEvent),
      }),
  },
];

/** The default service is the class itself; its token is an alias, so that tests override one. */
function servicesOf(
  name: string,
): (Provider & { readonly provide: symbol | typeof LockService })[] {
  const token = getLockServiceToken(name);
  const service = { inject: [ENGINE], useFactory: (locks: Locks) => new LockService(locks) };
  if (name !== DEFAULT_SERVICE) return [{ ...service, provide: token }];
  return [
    { ...service, provide: LockService },
    { provide: token, useExisting: LockService },
  ];
}
