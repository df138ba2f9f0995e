/**
 * The port of those who tell people.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { NotifyError } from "../HealingError.js"
import type { Notice } from "./Notice.js"

/**
 * A channel through which people are told. One that an app provides is the channel `app`; the others are those of the setting
 * `notify.channels`.
 *
 * `send` ends when the receiver has taken the notice. It fails with a `NotifyError` if it does not: `Failed` is tried again with a back-off
 * for `notify.retryFor`, `Refused` is not. After 30 seconds it is interrupted and tried again. The same notice may come twice, with the same
 * `id`. One is sent at a time.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Healing, Notifier, NotifyError, type Reviewer, type Supervisor } from "effect-healing"
 *
 * declare const page: (text: string) => Promise<void>
 *
 * const NotifierLive = Layer.succeed(Notifier, {
 *   send: ({ title, todo }) =>
 *     Effect.tryPromise({
 *       try: () => page(`${title}\n${todo}`),
 *       catch: () => new NotifyError({ reason: "Failed", detail: "the pager does not answer" })
 *     })
 * })
 *
 * export const HealingLive = Healing.layerSupervised({ filename: "healing.db" }).pipe(Layer.provide(NotifierLive))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Notifier extends Context.Tag("effect-healing/Notifier")<
  Notifier,
  { readonly send: (notice: Notice) => Effect.Effect<void, NotifyError> }
>() {}
