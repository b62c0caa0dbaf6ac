/** A provider whose locked methods answer Observables, directly or as promises, of many kinds. */
import { Injectable } from '@nestjs/common';
import { NEVER, Observable, Subject, defer, from, of, throwError } from 'rxjs';

import { LockService, WithLock } from '../../../lib/index.js';

@Injectable()
export class Streams {
  source = new Subject<number>();
  opened = 0;
  closed = 0;

  constructor(private readonly locks: LockService) {}

  @WithLock('stream', { waitMs: 0 })
  direct(): Observable<number> {
    this.opened += 1;
    return this.counted();
  }

  @WithLock('stream', { waitMs: 0 })
  async promised(): Promise<Observable<number>> {
    return this.counted();
  }

  @WithLock('short', { ttlMs: 100, renew: false })
  shortDirect(): Observable<never> {
    return NEVER;
  }

  @WithLock('short', { ttlMs: 100, renew: false })
  async shortPromised(): Promise<Observable<never>> {
    return NEVER;
  }

  @WithLock('outer', { whenHeld: 'skip' })
  nesting(): Observable<number> {
    return this.direct();
  }

  @WithLock('stream')
  chainDirect(): Observable<boolean> {
    return defer(() => of(this.locks.current('stream') !== null));
  }

  @WithLock('stream')
  async chainPromised(): Promise<Observable<boolean>> {
    return defer(() => of(this.locks.current('stream') !== null));
  }

  @WithLock('stream', { waitMs: 0, whenHeld: 'skip' })
  skipping(): Observable<number> {
    return of(1);
  }

  @WithLock('stream', { waitMs: 0, whenHeld: () => from([7, 8]) })
  falling(): Observable<number> {
    return of(1);
  }

  @WithLock('stream', { waitMs: 0 })
  failing(): Observable<number> {
    return throwError(() => new Error('mine'));
  }

  @WithLock('stream', { waitMs: 0 })
  throwing(): Observable<number> {
    throw new Error('before the stream');
  }

  @WithLock('stream', { waitMs: 0 })
  endless(): Observable<number> {
    return from(naturals());
  }

  @WithLock('stream', { waitMs: 10_000 })
  waiting(): Observable<never> {
    this.opened += 1;
    return NEVER;
  }

  counted(): Observable<number> {
    return new Observable((subscriber) => {
      subscriber.add(() => {
        this.closed += 1;
      });
      subscriber.add(this.source.subscribe(subscriber));
    });
  }
}

function* naturals(): Iterable<number> {
  for (let n = 0; ; n += 1) yield n;
}
