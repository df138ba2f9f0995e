/**
 * The assembled layers: one line to wire it all.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { HealingConfig, type HealingSettingsInput } from "./HealingConfig.js"
import type { HealingConfigError } from "./HealingError.js"
import { HealingService } from "./HealingService.js"
import { OpenClaw } from "./OpenClaw.js"

/**
 * What most apps provide.
 *
 * - `layer`: the gate, in memory, with settings from code over the defaults. For settings from the environment or a
 *   file, provide `HealingConfig.layerLoad` to `HealingService.layer` and `OpenClaw.layer` instead.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Healing, HealingService } from "effect-healing"
 *
 * const program = Effect.gen(function* () {
 *   const healing = yield* HealingService
 *   return yield* healing.run("nightly-digest")(Effect.succeed("all is well"))
 * }).pipe(Effect.provide(Healing.layer({ maxWait: "1 hour" })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const Healing: {
  readonly layer: (
    settings?: HealingSettingsInput
  ) => Layer.Layer<HealingService | OpenClaw | HealingConfig, HealingConfigError>
} = {
  layer: (settings) =>
    HealingService.layer.pipe(Layer.provideMerge(OpenClaw.layer), Layer.provideMerge(HealingConfig.layer(settings)))
}
