/**
 * The services that the API shows. The gate and its queue must be there; what stands above them is shown if it is there.
 *
 * @internal
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { HealingService } from "../gate/HealingService.js"
import { Notices } from "../notify/Notices.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import { OpenClaw } from "../running/OpenClaw.js"
import { HealingScheduler } from "../scheduler/HealingScheduler.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { HealingStore } from "../store/HealingStore.js"
import { Suggestions } from "../suggestions/Suggestions.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import { NotProvided } from "./ApiError.js"

/** @internal */
export type Needed = HealingService | HealingQueue | OpenClaw | HealingConfig

/**
 * - `notices`, `scheduler`, `suggestions`, `supervisor`: fail with what to provide where the app has none.
 * - `database`: the file of the store, if it owns one.
 * - `withoutPath`: a text of this process, with the name of the database in place of its path.
 * - `context`: what `Healing.health` needs.
 *
 * @internal
 */
export const gather = Effect.gen(function* () {
  const store = yield* Effect.serviceOption(HealingStore)
  const database = Option.getOrUndefined(store)?.file
  return {
    healing: yield* HealingService,
    openClaw: yield* OpenClaw,
    queue: yield* HealingQueue,
    settings: yield* HealingConfig,
    scheduler: provided("HealingScheduler", yield* Effect.serviceOption(HealingScheduler)),
    notices: provided("Notices", yield* Effect.serviceOption(Notices)),
    suggestions: provided("Suggestions", yield* Effect.serviceOption(Suggestions)),
    supervisor: provided("Supervisor", yield* Effect.serviceOption(Supervisor)),
    database,
    withoutPath: (text: string) => (database === undefined ? text : text.replaceAll(database, basename(database))),
    context: yield* Effect.context<Needed>()
  }
})

/** @internal */
export type Floors = Effect.Effect.Success<typeof gather>

const provided = <A>(service: string, found: Option.Option<A>): Effect.Effect<A, NotProvided> =>
  Option.match(found, {
    onNone: () =>
      Effect.fail(
        new NotProvided({
          service,
          message: `This process has no ${service}: an app that provides Healing.layerSupervised has one`
        })
      ),
    onSome: Effect.succeed
  })
