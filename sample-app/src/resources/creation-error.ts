/** What goes wrong in a creation, and how it is told to who asked for it. */
import { Catch, type ArgumentsHost } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** An error that the next holder can do something about: it knows it by its code. */
export class CreationError extends Error {
  override readonly name = 'CreationError';

  constructor(
    readonly code: 'SUPPLIER_DOWN' | 'NO_LICENCE',
    message: string,
  ) {
    super(message);
  }
}

@Catch(CreationError)
export class CreationErrorFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch({ code, message }: CreationError, host: ArgumentsHost): void {
    const answer = { statusCode: 500, code, message };
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), answer, 500);
  }
}
