/** What an instance tells whoever watches the race: the process that started it, if one did. */
import { Injectable } from '@nestjs/common';

export type Step = 'asked' | 'waiting' | 'holding' | 'creating' | 'created' | 'reused' | 'failed';

export interface ProgressEvent {
  readonly step: Step;
  /** One request: the same number in all of its steps. */
  readonly request: number;
  readonly resourceId: string;
  /** Milliseconds since 1970: all instances of the race run on one machine. */
  readonly at: number;
  readonly token?: number;
  readonly previous?: string;
  readonly error?: string;
}

@Injectable()
export class Progress {
  #requests = 0;

  begin(resourceId: string): Request {
    this.#requests += 1;
    return new Request(this.#requests, resourceId);
  }
}

/** The steps of one request, told as they happen. */
export class Request {
  #token: number | undefined;

  constructor(
    private readonly request: number,
    private readonly resourceId: string,
  ) {}

  tell(step: Step, facts: Partial<ProgressEvent> = {}): void {
    const { request, resourceId } = this;
    // What happens after the lock was got happens under its token.
    this.#token = facts.token ?? this.#token;
    const token = this.#token === undefined ? {} : { token: this.#token };
    const event: ProgressEvent = { ...facts, ...token, step, request, resourceId, at: Date.now() };
    // Only an instance that was started by the race has somebody to tell.
    process.send?.({ type: 'progress', event });
  }
}
