/**
 * Listens to what a supervisor tells of runs.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { listen } from "./Listening.js"
import { RunEvent, type Supervisor } from "./Supervisor.js"

const isRunEvent = Schema.is(RunEvent)

/**
 * Never ends. What is no `RunEvent` is left out: an adapter may tell anything.
 *
 * - `each`: done for each.
 *
 * @internal
 */
export const listenToRuns = (
  { runs }: Pick<Context.Tag.Service<Supervisor>, "runs">,
  each: (event: RunEvent) => Effect.Effect<void>
): Effect.Effect<never> =>
  listen(runs, {
    each: (event) => (isRunEvent(event) ? each(event) : Effect.void),
    broke: () => Effect.void
  })
