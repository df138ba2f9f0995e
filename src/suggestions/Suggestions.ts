/**
 * What reviews propose, and what becomes of it.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type {
  HealingConfigError,
  HealingInvalid,
  HealingStoreError,
  SuggestionBusy,
  SuggestionDecided,
  SuggestionEdited,
  SuggestionNotFound,
  SuggestionNotRestarted,
  SuggestionNotWritten,
  SuggestionRefused,
  SuggestionStale,
  SuggestionsStopped
} from "../HealingError.js"
import type { HealingQueue } from "../queue/HealingQueue.js"
import type { HealingSuggestion, SuggestionStep } from "../request/HealingSuggestion.js"
import type { OpenClaw } from "../running/OpenClaw.js"
import type { HealingConfig } from "../settings/HealingConfig.js"
import type { HealingStore } from "../store/HealingStore.js"
import type { Supervisor } from "../supervisor/Supervisor.js"
import type { AutomaticLock } from "./AutomaticLock.js"
import type { Allowances, Decision, SealedDecision, SuggestionFilter } from "./Decision.js"
import type { Preview } from "./Preview.js"
import type { RehearsalOptions, Rehearsed } from "./Rehearsal.js"
import * as Service from "./Service.js"
import type { SuggestionEvent } from "./SuggestionEvent.js"

/** What a decision fails with. */
type Undecided = HealingInvalid | SuggestionNotFound | SuggestionDecided | HealingStoreError

/**
 * The suggestions of completed reviews. Each is written with the end of its review, and waits for a person for 14 days. A person looks at a
 * preview, approves exactly what it shows, and applies it. Then the runs of the job are watched: the change is confirmed, has relapsed, or is
 * inconclusive; and the person takes it back if it does not help.
 *
 * Nothing that a review outputs or a job prints decides on one (R18). Those of one review that only work together are decided on, applied and
 * taken back together. Of two who decide at once one wins; the other fails with `SuggestionDecided`, which names the winner, as one does who
 * comes later. What has been done is on disk when it returns.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import { Suggestions } from "effect-healing"
 *
 * const program = Effect.gen(function* () {
 *   const suggestions = yield* Suggestions
 *   const id = "suggestion:nightly-digest:7.1"
 *   const { members, seal } = yield* suggestions.preview(id)
 *   for (const { checks, diff } of members) yield* Console.log(diff, checks)
 *   if (seal === null) return
 *   yield* suggestions.approve(id, { seal, who: "anna" })
 *   yield* suggestions.apply(id, { who: "anna" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Suggestions extends Context.Tag("effect-healing/Suggestions")<
  Suggestions,
  {
    /** Those of the newest review first, and those of one review in their order: 50 unless `limit` says otherwise. */
    readonly list: (
      filter?: SuggestionFilter
    ) => Effect.Effect<ReadonlyArray<HealingSuggestion>, HealingInvalid | HealingStoreError>
    /**
     * The suggestion with this id. The answer is none if it was never made, or was removed after `suggestions.retention`. It fails with
     * `HealingInvalid` if the id is no id.
     */
    readonly get: (id: string) => Effect.Effect<Option.Option<HealingSuggestion>, HealingInvalid | HealingStoreError>
    /** What has happened to a suggestion, the oldest first. */
    readonly steps: (id: string) => Effect.Effect<ReadonlyArray<SuggestionStep>, HealingInvalid | HealingStoreError>
    /**
     * What it would change now, with every check and the seal that `approve` needs. It changes nothing, but if the file is as it proposes
     * already, somebody has done it by hand: then it is found to be applied.
     */
    readonly preview: (
      id: string,
      allowances?: Allowances
    ) => Effect.Effect<Preview, HealingInvalid | SuggestionNotFound | HealingStoreError>
    /**
     * Somebody wants what the preview with this seal has shown; it can be applied for 7 days. One that changes no file counts as done by hand
     * from now on. It fails with `SuggestionStale` if anything is another by now, and with `SuggestionRefused` if a check fails.
     */
    readonly approve: (
      id: string,
      decision: SealedDecision
    ) => Effect.Effect<HealingSuggestion, Undecided | SuggestionStale | SuggestionRefused>
    /** Somebody does not want what was approved after all; it can be decided on anew. */
    readonly withdraw: (id: string, decision: Decision) => Effect.Effect<HealingSuggestion, Undecided>
    /** Somebody does not want it. */
    readonly reject: (id: string, decision: Decision) => Effect.Effect<HealingSuggestion, Undecided>
    /**
     * Writes what was approved, after all checks were made anew. One is applied at a time, and none beside an OpenClaw run of its job: it
     * waits for the end of that for `suggestions.applyWait`, and can be interrupted meanwhile. It fails with
     *
     * - `SuggestionStale` if anything is not what was approved; it can be decided on anew then.
     * - `SuggestionRefused`, `SuggestionsStopped`, `SuggestionBusy`, if a check fails, if applications are stopped, or if the job runs for
     *   too long; it stays approved.
     * - `SuggestionNotWritten` if its file could not be written, if a check of `suggestions.checks` fails, or if somebody has edited the file
     *   meanwhile; `state` says what it is then.
     * - `SuggestionNotRestarted` if it was applied, but its job was not restarted, as it was to be.
     */
    readonly apply: (
      id: string,
      decision: Decision
    ) => Effect.Effect<
      HealingSuggestion,
      | Undecided
      | SuggestionStale
      | SuggestionRefused
      | SuggestionsStopped
      | SuggestionBusy
      | SuggestionNotWritten
      | SuggestionNotRestarted
    >
    /**
     * Brings the file back to what it was, with its permissions and its owner, whether or not applications are stopped. It fails with
     * `SuggestionEdited` if somebody has edited the file since, with `SuggestionRefused` if a check of its place fails, and with
     * `SuggestionNotWritten` if it could not be written. A job that was restarted for the change is restarted again. A change that was made
     * by hand cannot be taken back.
     */
    readonly rollback: (
      id: string,
      decision: Decision
    ) => Effect.Effect<
      HealingSuggestion,
      Undecided | SuggestionRefused | SuggestionEdited | SuggestionNotWritten | SuggestionNotRestarted
    >
    /**
     * Nothing is applied from now on, also after a restart, until somebody resumes. It counts even if it fails since it could not be written,
     * but not over a restart then.
     */
    readonly stop: (decision: Decision) => Effect.Effect<void, HealingInvalid | HealingStoreError>
    /** Ends what `stop` has begun. The setting `suggestions.stopped` and the stop file go on to count. */
    readonly resume: (decision: Decision) => Effect.Effect<void, HealingInvalid | HealingStoreError>
    /** Everything that stops applications now. */
    readonly stopped: Effect.Effect<ReadonlyArray<SuggestionsStopped>>
    /**
     * What rules for automatic application would have done with the suggestions of the last 30 days, of which the newest 1,000 are looked at,
     * in the order in which rules would have come to them. It changes nothing, and does not run the commands of `suggestions.checks`. Files are
     * looked at as they are now; one that has changed since is taken for what it was, if that is known. It fails with `HealingInvalid` if
     * a rule is not valid.
     */
    readonly rehearse: (
      options?: RehearsalOptions
    ) => Effect.Effect<ReadonlyArray<Rehearsed>, HealingInvalid | HealingStoreError>
    /** The jobs to which rules apply nothing, since what one has applied there has relapsed; the newest first, at most 1,000. */
    readonly locks: Effect.Effect<ReadonlyArray<AutomaticLock>, HealingStoreError>
    /**
     * Lets rules apply something to a job again. It is kept as a step of what has locked it. It fails with `HealingInvalid` if the job is not
     * locked.
     */
    readonly unlock: (job: string, decision: Decision) => Effect.Effect<void, HealingInvalid | HealingStoreError>
    /** What has happened to all of them, the oldest first: a `SuggestionStep` as JSON on each line, each with its line feed. */
    readonly audit: Stream.Stream<string, HealingStoreError>
    /**
     * What happens from now on. A reader who is more than 1,024 events late misses the oldest, and slows nobody down.
     */
    readonly events: Stream.Stream<SuggestionEvent>
  }
>() {
  /**
   * Those whose time has come expire, a day after they were warned of. One timer sleeps until the next of them is due, or for six hours.
   *
   * What a process that was killed has left behind is sorted out before the layer is ready: the row of each file that was being written says
   * what stands in it. The layer fails with `HealingConfigError` if an entry of `suggestions.allowedRoots` is no folder.
   *
   * @since 0.1.0
   */
  static readonly layer: Layer.Layer<
    Suggestions,
    HealingStoreError | HealingConfigError,
    HealingQueue | HealingStore | Supervisor | OpenClaw | HealingConfig | FileSystem
  > = Layer.scoped(this, Service.make)
}
