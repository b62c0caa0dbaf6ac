/**
 * How a decorated method gets at its lock service: Nest injects it into a property of each
 * instance that it makes, and does not start when it cannot.
 */
import { LockError } from './core/lock-errors.js';
import type { LockService } from './lock.service.js';
import { InjectLockService, getLockServiceToken } from './lock.tokens.js';

/**
 * Lets Nest put the service on every instance, under its token as the property's key. The
 * accessor keeps it out of sight: not enumerable, so that no serializer or comparison meets it.
 */
export function injectService(target: object, service: string): void {
  const key = getLockServiceToken(service);
  // Another method of the class, or of one that it inherits from, has asked for it already.
  if (key in target) return;
  Object.defineProperty(target, key, {
    configurable: true,
    get: () => undefined,
    set(this: object, value: unknown) {
      Object.defineProperty(this, key, { value, configurable: true, writable: true });
    },
  });
  InjectLockService(service)(target, key);
}

/**
 * The service that Nest has put on the instance.
 *
 * @param where for the message when there is none: `Reports.nightly()`.
 */
export function serviceOf(
  instance: object | undefined,
  service: string,
  where: string,
): LockService {
  const key = getLockServiceToken(service);
  const found = (instance as Record<symbol, LockService | undefined> | undefined)?.[key];
  if (found !== undefined) return found;
  const why =
    instance === undefined
      ? 'it was called without its instance (this is undefined)'
      : `Nest injects it, and Nest did not make this ${instance.constructor.name} (was it made with new?)`;
  throw new LockError(
    'LOCK_OPTIONS',
    '',
    `${where} did not run, for it has no lock service: ${why}. Make the class a provider or a ` +
      'controller of a module, or use LockService.withLock where you make it.',
  );
}
