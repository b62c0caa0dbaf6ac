/**
 * Answers lock errors in the words of HTTP. Optional: without it they are 500s like any other
 * error. What goes out names neither lock nor owner; they are nobody's business outside.
 */
import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { throwError } from 'rxjs';

import { LockError } from './core/lock-errors.js';
import type { LockErrorCode } from './core/lock-errors.js';

/**
 * Maps a lock that is held, or was waited for in vain, to 423 with `Retry-After`; a store that
 * does not answer and a shutdown to 503; a lost lease to 409. Any other lock error is a mistake
 * in the program and stays a 500. Works on Express and Fastify. Microservices get `{ status:
 * 'error', message, code }`, gateways the same as an `exception`; elsewhere the error is thrown
 * on.
 *
 * @example
 * const everywhere: Provider = { provide: APP_FILTER, useClass: LockExceptionFilter };
 *
 * @example
 * @Controller('orders')
 * @UseFilters(LockExceptionFilter)
 * class OrdersController {}
 */
@Catch(LockError)
export class LockExceptionFilter extends BaseExceptionFilter<Error> {
  override catch(error: LockError, host: ArgumentsHost): unknown {
    const { code } = error;
    const [status, reason, message] = ANSWERS[code] ?? [500, 'Internal Server Error', 'Error'];
    switch (host.getType<string>()) {
      case 'http':
        if (status === 500) {
          super.catch(error, host);
          return undefined;
        }
        this.#tellWhenToRetry(error, host);
        super.catch(
          new HttpException({ statusCode: status, error: reason, message, code }, status),
          host,
        );
        return undefined;
      case 'rpc':
        // Thrown, it would be nobody's: the handlers of Nest's transports expect a stream.
        return throwError(() => ({ status: 'error', message, code }));
      case 'ws':
        host
          .switchToWs()
          .getClient<Emitter>()
          .emit?.('exception', { status: 'error', message, code });
        return undefined;
      default:
        throw error;
    }
  }

  #tellWhenToRetry(error: LockError, host: ArgumentsHost): void {
    if (!('remainingMs' in error) || typeof error.remainingMs !== 'number') return;
    const seconds = Math.max(1, Math.ceil(error.remainingMs / 1_000));
    const adapter = this.applicationRef ?? this.httpAdapterHost?.httpAdapter;
    const response: unknown = host.switchToHttp().getResponse();
    if (adapter === undefined || adapter.isHeadersSent(response)) return;
    adapter.setHeader(response, 'Retry-After', String(seconds));
  }
}

interface Emitter {
  readonly emit?: (event: string, payload: object) => unknown;
}

type Answer = readonly [status: number, reason: string, message: string];

const BUSY: Answer = [423, 'Locked', 'Somebody else is working on this; try again later.'];

const ANSWERS: Partial<Record<LockErrorCode, Answer>> = {
  LOCK_HELD: BUSY,
  LOCK_WAIT_TIMEOUT: BUSY,
  LOCK_LOST: [409, 'Conflict', 'Exclusive access was lost meanwhile; check, then try again.'],
  LOCK_STORE: [503, 'Service Unavailable', 'Locks are not to be had now; try again later.'],
  LOCK_SHUTDOWN: [503, 'Service Unavailable', 'This instance is shutting down; try again.'],
};
