/**
 * Under which token Nest finds a lock service. `Symbol.for`, because the package ships as ESM and
 * as CommonJS: should one process load both, they must still mean the same token. Nest prints a
 * missing token in its error at start, hence its wording.
 */
import { Inject } from '@nestjs/common';

/** The name of the service that `forRoot` makes when it is given none. */
export const DEFAULT_SERVICE = 'default';

/**
 * The injection token of a lock service; for tests that override it, and for factories that
 * inject it. The service without a name is also found under its class, `LockService`.
 *
 * @example
 * const billing: FactoryProvider = {
 *   provide: Billing,
 *   inject: [getLockServiceToken('critical')],
 *   useFactory: (locks: LockService) => new Billing(locks),
 * };
 */
export function getLockServiceToken(name: string = DEFAULT_SERVICE): symbol {
  const given = name === DEFAULT_SERVICE ? '' : `{ name: ${JSON.stringify(name)} }`;
  return Symbol.for(`LockService of DistributedLockModule.forRoot(${given})`);
}

/**
 * Injects a lock service by the name that its `forRoot` was given.
 *
 * @example
 * class Payments {
 *   constructor(@InjectLockService('critical') private readonly locks: LockService) {}
 * }
 */
export function InjectLockService(
  name: string = DEFAULT_SERVICE,
): PropertyDecorator & ParameterDecorator {
  return Inject(getLockServiceToken(name));
}
