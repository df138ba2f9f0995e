/**
 * A channel that is ready to be used.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { NotifyChannel } from "../settings/HealingConfig.js"
import type * as Filter from "./Filter.js"
import type { Notifier } from "./Notifier.js"

/**
 * - `name`: by which it stands in the settings.
 * - `takes`: whether a notice concerns it.
 * - `alone`: has one try wait for those of other channels, if it must.
 * - `patience`: how long one try may take.
 * - `isHeavy`: whether it competes with jobs, so that it waits until none runs.
 *
 * @internal
 */
export interface Channel {
  readonly name: string
  readonly type: NotifyChannel["type"]
  readonly takes: ReturnType<typeof Filter.make>
  readonly isHeavy: boolean
  readonly alone: <A, E, R>(one: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly patience: Duration.Duration
  readonly send: Context.Tag.Service<Notifier>["send"]
}
