/**
 * Dresses a wrapper as the method that it wraps. Nest finds routes, guards, crons and listeners
 * by Reflect metadata on the function itself: a wrapper without it loses them silently.
 */
import 'reflect-metadata';

/** Any method: what it takes and answers does not matter here. */
export type Method = (this: object, ...args: unknown[]) => unknown;

/**
 * Gives `wrapper` the name, the length and all metadata of `method`, and answers it.
 *
 * Decorators placed above put theirs on the wrapper, which by then is the method. One that looks
 * the method up on the class instead still gets the original, so the wrapper also inherits from
 * that: Reflect looks there for what the wrapper does not have.
 */
export function carryOver(method: Method, wrapper: Method): Method {
  Object.setPrototypeOf(wrapper, method);
  for (const key of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, key, { value: method[key], configurable: true });
  }
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapper);
  }
  return wrapper;
}
