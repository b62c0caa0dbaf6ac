/** An open driver: one gatherer a verb, all on one connection and one layout of keys. */
import type { Buckets } from './buckets.js';
import type { Connection } from './connection.js';
import { Gatherer } from './gatherer.js';
import { makeScripts, type ScriptSettings } from './scripts/index.js';
import {
  acquireVerb,
  forceVerb,
  inspectVerb,
  leaveVerb,
  releaseVerb,
  renewVerb,
  watchVerb,
  type Verb,
} from './verbs.js';

type GathererOf<V> =
  V extends Verb<infer Request extends { name: string }, infer Answer>
    ? Gatherer<Request, Answer>
    : never;

export class Session {
  readonly acquire: GathererOf<typeof acquireVerb>;
  readonly release: GathererOf<typeof releaseVerb>;
  readonly renew: GathererOf<typeof renewVerb>;
  readonly leave: GathererOf<typeof leaveVerb>;
  readonly force: GathererOf<typeof forceVerb>;
  readonly inspect: GathererOf<typeof inspectVerb>;
  readonly watch: GathererOf<typeof watchVerb>;

  constructor(
    connection: Connection,
    readonly buckets: Buckets,
    readonly process: string,
    settings: ScriptSettings,
  ) {
    const gatherer = <Request extends { readonly name: string }, Answer>(
      verb: Verb<Request, Answer>,
    ): Gatherer<Request, Answer> =>
      new Gatherer({
        verb,
        scripts: makeScripts(verb.script, settings),
        buckets,
        connection,
      });
    this.acquire = gatherer(acquireVerb);
    this.release = gatherer(releaseVerb);
    this.renew = gatherer(renewVerb);
    this.leave = gatherer(leaveVerb);
    this.force = gatherer(forceVerb);
    this.inspect = gatherer(inspectVerb);
    this.watch = gatherer(watchVerb);
  }
}
