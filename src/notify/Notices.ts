/**
 * Tells people what they must know.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HealingService } from "../gate/HealingService.js"
import type { HealingConfigError, HealingInvalid, HealingStoreError } from "../HealingError.js"
import type { HealingQueue } from "../queue/HealingQueue.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { HealingScheduler } from "../scheduler/HealingScheduler.js"
import type { HealingConfig } from "../settings/HealingConfig.js"
import type { HealingStore } from "../store/HealingStore.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import type { ChannelStatus, Mute, MuteTarget, NoticeDelivery, NoticeFilter, NoticeTrial } from "./NoticeDelivery.js"
import * as Service from "./Service.js"

export { Notice } from "./Notice.js"
export type * from "./NoticeDelivery.js"

/**
 * Tells people, through the channels of the setting `notify` and the `Notifier` of the app, what they must know (R22).
 *
 * Each notice is written in the same commit as what it tells of, or as soon as that is seen, and is sent at least once, in the order of each
 * job. The same is told once: until a job fails for another cause, or has recovered, or `remindAfter` is over. While the store fails, that
 * alone is told, from memory. A channel that fails holds nothing up.
 *
 * @since 0.1.0
 * @category tags
 */
export class Notices extends Context.Tag("effect-healing/Notices")<
  Notices,
  {
    /** What was told and is to be told, the newest first. */
    readonly list: (
      filter?: NoticeFilter
    ) => Effect.Effect<ReadonlyArray<NoticeDelivery>, HealingInvalid | HealingStoreError>
    /** The channels that there are. */
    readonly channels: Effect.Effect<ReadonlyArray<ChannelStatus>, HealingStoreError>
    /**
     * Nothing more is told of it for so long: at most a year. It counts from now on, also after a restart, and in place of what was muted of
     * the same before.
     */
    readonly mute: (
      target: MuteTarget,
      options: { readonly for: Duration.DurationInput; readonly who: string }
    ) => Effect.Effect<Mute, HealingInvalid | HealingStoreError>
    /** It may be told of again. */
    readonly unmute: (target: MuteTarget) => Effect.Effect<void, HealingInvalid | HealingStoreError>
    /** What is muted now, the soonest to end first. */
    readonly muted: Effect.Effect<ReadonlyArray<Mute>, HealingStoreError>
    /** Sends a trial through one channel, or through all, at once and whatever their filters say. Nothing is kept of it. */
    readonly test: (channel?: string) => Effect.Effect<ReadonlyArray<NoticeTrial>, HealingInvalid>
  }
>() {
  /**
   * It fails with `HealingConfigError` if a channel is wrong, and with `HealingStoreError` if the store cannot be read. A channel that starts
   * a program needs a `CommandExecutor`, such as `NodeContext.layer` brings.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<
    Notices,
    HealingConfigError | HealingStoreError,
    | HealingService
    | HealingQueue
    | HealingScheduler
    | HealingStore
    | HealingConfig
    | OpenClaw
    | Supervisor
    | FileSystem
    | Path
  > = Layer.scoped(this, Service.make)
}
