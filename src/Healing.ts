/**
 * The assembled layers: one line to wire it all.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Layer from "effect/Layer"
import { HealingService } from "./gate/HealingService.js"
import type { HealingConfigError, HealingStoreError } from "./HealingError.js"
import { HealingQueue } from "./queue/HealingQueue.js"
import { Reviewer } from "./review/Reviewer.js"
import { OpenClaw } from "./running/OpenClaw.js"
import { HealingScheduler } from "./scheduler/HealingScheduler.js"
import { HealingConfig, type HealingSettingsInput } from "./settings/HealingConfig.js"
import { HealingStore } from "./store/HealingStore.js"
import { Supervisor } from "./supervisor/Supervisor.js"

/**
 * What most apps provide.
 *
 * - `layer`: the gate, in memory, with settings from code over the defaults. For settings from the environment or a
 *   file, provide `HealingConfig.layerLoad` to `HealingService.layer` and `OpenClaw.layer` instead.
 * - `layerSqlite`: the same, and durable: requests are kept in this SQLite file, which one process owns at a time. It is
 *   made with its folders if it is not there; `:memory:` for none. It fails with `HealingStoreError` if the file cannot be
 *   opened. Settings come from code only, as above; the parts are `HealingQueue.layer` and `HealingStore.layerSqlite`.
 *
 * - `layerSupervised`: the same, and supervised: what runs is told by the `Supervisor`, before anything of the last process is
 *   gone on with, and jobs are reviewed as their policies say. `reviewer` is for one that needs the store or the
 *   settings itself, as `OpenClawReviewer.layer()` does; without it a `Reviewer` is needed.
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
  readonly layerSqlite: (
    filename: string,
    settings?: HealingSettingsInput
  ) => Layer.Layer<
    HealingService | OpenClaw | HealingConfig | HealingQueue | HealingStore,
    HealingConfigError | HealingStoreError,
    Reviewer | FileSystem | Path
  >
  readonly layerSupervised: <E = never, R = Reviewer>(
    filename: string,
    settings?: HealingSettingsInput,
    reviewer?: Layer.Layer<Reviewer, E, R>
  ) => Layer.Layer<
    HealingService | OpenClaw | HealingConfig | HealingQueue | HealingStore | HealingScheduler,
    HealingConfigError | HealingStoreError | E,
    Exclude<Exclude<R, HealingStore>, HealingService | OpenClaw | HealingConfig> | Supervisor | FileSystem | Path
  >
} = {
  layer: (settings) => gate(settings),
  layerSqlite: (filename, settings) =>
    HealingQueue.layer.pipe(Layer.provideMerge(HealingStore.layerSqlite(filename)), Layer.provideMerge(gate(settings))),
  layerSupervised: (filename, settings, reviewer) =>
    HealingScheduler.layer.pipe(
      Layer.provideMerge(HealingQueue.layer),
      // `R` is `Reviewer` by its default if there is none.
      // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
      Layer.provide(reviewer ?? (Layer.service(Reviewer) as Layer.Layer<Reviewer>)),
      Layer.provideMerge(HealingStore.layerSqlite(filename)),
      // First of all, so that no review begins before the supervisor has told what runs.
      Layer.provide(Supervisor.layerActivity),
      Layer.provideMerge(gate(settings))
    )
}

const gate = (settings?: HealingSettingsInput) =>
  HealingService.layer.pipe(Layer.provideMerge(OpenClaw.layer), Layer.provideMerge(HealingConfig.layer(settings)))
