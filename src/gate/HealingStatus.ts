/**
 * What a screen shows of the gate.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { HeldBy } from "../HealingError.js"
import type { JobId, Quota } from "../running/OpenClaw.js"
import type { HealingSettings } from "../settings/HealingConfig.js"

/**
 * One who waits: for how long since the call, and how often it has yielded its turn.
 *
 * @since 0.1.0
 * @category models
 */
export interface WaitingHealing {
  readonly job: JobId
  readonly priority: number
  readonly waited: Duration.Duration
  readonly yields: number
}

/**
 * One who has a turn: for how long by now, and how often it has yielded one before.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunningHealing {
  readonly job: JobId
  readonly priority: number
  readonly running: Duration.Duration
  readonly yields: number
}

/**
 * - `waiting`: how many wait.
 * - `line`: the first 100 of them, in the order of their turns.
 * - `running`: those who have a turn.
 * - `heldBy`: everything that holds the head of the line up; empty when nobody waits.
 * - `holds`: what holds the requests of the durable queue back as a whole, whether or not one waits.
 * - `quotas`: what is left of the quotas of the providers of models, as far as somebody has told of it, such as the gateway of OpenClaw.
 * - `settings`: the settings in force.
 *
 * @since 0.1.0
 * @category models
 */
export interface HealingStatus {
  readonly waiting: number
  readonly line: ReadonlyArray<WaitingHealing>
  readonly running: ReadonlyArray<RunningHealing>
  readonly heldBy: ReadonlyArray<HeldBy>
  readonly holds: ReadonlyArray<HeldBy>
  readonly quotas: ReadonlyArray<Quota>
  readonly settings: HealingSettings
}
