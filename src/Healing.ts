/**
 * The assembled layers: one line to wire it all.
 *
 * @since 0.1.0
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { HealingService } from "./gate/HealingService.js"
import type { HealingConfigError, HealingStoreError } from "./HealingError.js"
import { Notices } from "./notify/Notices.js"
import * as HealingHealth from "./queue/HealingHealth.js"
import { HealingQueue } from "./queue/HealingQueue.js"
import { Reviewer } from "./review/Reviewer.js"
import { OpenClaw } from "./running/OpenClaw.js"
import * as Systemd from "./Systemd.js"
import { HealingScheduler } from "./scheduler/HealingScheduler.js"
import { HealingConfig, type HealingSettingsInput } from "./settings/HealingConfig.js"
import { HealingStore } from "./store/HealingStore.js"
import { Suggestions } from "./suggestions/Suggestions.js"
import { Supervisor } from "./supervisor/Supervisor.js"

/**
 * Where the settings come from: one of the two, or neither for the defaults.
 *
 * - `settings`: from code, over the defaults.
 * - `config`: a layer of its own, such as `HealingConfig.layerLoad({ yaml: "healing.yaml" })` for a file and the environment.
 *
 * @since 0.1.0
 * @category models
 */
export type HealingOptions<E = never, R = never> =
  | { readonly settings?: HealingSettingsInput | undefined; readonly config?: undefined }
  | { readonly settings?: undefined; readonly config: Layer.Layer<HealingConfig, E, R> }

/**
 * - `filename`: of the SQLite file, which one process owns at a time. It is made with its folders if it is not there; `:memory:`
 *   for none.
 *
 * @since 0.1.0
 * @category models
 */
export type DurableOptions<E = never, R = never> = HealingOptions<E, R> & { readonly filename: string }

/**
 * - `reviewer`: for a reviewer that needs the store or the settings itself, as `OpenClawReviewer.layer()` does. Without it a
 *   `Reviewer` is needed.
 *
 * @since 0.1.0
 * @category models
 */
export type SupervisedOptions<E = never, R = never, E2 = never, R2 = Reviewer> = DurableOptions<E, R> & {
  readonly reviewer?: Layer.Layer<Reviewer, E2, R2> | undefined
}

/**
 * What most apps provide.
 *
 * - `layer`: the gate, in memory.
 * - `layerSqlite`: the same, and durable: requests are kept in a SQLite file. It fails with `HealingStoreError` if the file cannot
 *   be opened.
 * - `layerSupervised`: the same, and supervised: the `Supervisor` tells what runs, before anything of the last process is gone on
 *   with, and jobs are reviewed as their policies say. A `Notifier` beside it is one of the channels through which people are told.
 *
 * - `health`: whether all is well, and why not: for a health check, a watchdog, a screen. It works on each floor.
 * - `layerSystemd`: tells systemd that the service is ready, how it is, and twice in each `WatchdogSec=` that it lives, unless something
 *   is wrong that a restart mends. It does nothing where systemd has not started the process. The unit has `Type=notify` and
 *   `NotifyAccess=all`.
 *
 * Each layer fails with `HealingConfigError` if a setting is wrong. The parts are `HealingConfig`, `OpenClaw.layer`, `HealingService.layer`,
 * `HealingStore.layerSqlite`, `HealingQueue.layer`, `Supervisor.layerActivity`, `HealingScheduler.layer`, `Suggestions.layer` and
 * `Notices.layer`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Healing, HealingService } from "effect-healing"
 *
 * const program = Effect.gen(function* () {
 *   const healing = yield* HealingService
 *   return yield* healing.run("nightly-digest")(Effect.succeed("all is well"))
 * }).pipe(Effect.provide(Healing.layer({ settings: { maxWait: "1 hour" } })))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const Healing: {
  readonly layer: <E = never, R = never>(
    options?: HealingOptions<E, R>
  ) => Layer.Layer<HealingService | OpenClaw | HealingConfig, HealingConfigError | E, R>
  readonly layerSqlite: <E = never, R = never>(
    options: DurableOptions<E, R>
  ) => Layer.Layer<
    HealingService | OpenClaw | HealingConfig | HealingQueue | HealingStore,
    HealingConfigError | HealingStoreError | E,
    Reviewer | FileSystem | Path | R
  >
  readonly layerSupervised: <E = never, R = never, E2 = never, R2 = Reviewer>(
    options: SupervisedOptions<E, R, E2, R2>
  ) => Layer.Layer<
    HealingService | OpenClaw | HealingConfig | HealingQueue | HealingStore | HealingScheduler | Suggestions | Notices,
    HealingConfigError | HealingStoreError | E | E2,
    Exclude<Exclude<R2, HealingStore>, HealingService | OpenClaw | HealingConfig> | Supervisor | FileSystem | Path | R
  >
  readonly health: Effect.Effect<HealingHealth.HealingHealth, never, HealingService | OpenClaw>
  readonly layerSystemd: Layer.Layer<never, never, HealingService | OpenClaw | CommandExecutor>
} = {
  health: HealingHealth.read,
  layerSystemd: Systemd.layer,
  layer: (options = {}) => gate(options),
  layerSqlite: (options) =>
    HealingQueue.layer.pipe(
      Layer.provideMerge(HealingStore.layerSqlite(options.filename)),
      Layer.provideMerge(gate(options))
    ),
  layerSupervised: (options) =>
    Layer.merge(Notices.layer, Suggestions.layer).pipe(
      Layer.provideMerge(HealingScheduler.layer),
      Layer.provideMerge(HealingQueue.layer),
      // Without the option, `R2` is `Reviewer`, its default.
      // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
      Layer.provide(options.reviewer ?? (Layer.service(Reviewer) as Layer.Layer<Reviewer>)),
      Layer.provideMerge(HealingStore.layerSqlite(options.filename)),
      // First of all, so that no review begins before the supervisor has told what runs.
      Layer.provide(Supervisor.layerActivity),
      Layer.provideMerge(gate(options))
    )
}

const gate = <E, R>({ config, settings }: HealingOptions<E, R>) => {
  const ConfigLive: Layer.Layer<HealingConfig, HealingConfigError | E, R> = config ?? HealingConfig.layer(settings)
  return HealingService.layer.pipe(Layer.provideMerge(OpenClaw.layer), Layer.provideMerge(ConfigLive))
}
