/**
 * What is written to a store.
 *
 * @internal
 */
import type { HealingRequest, RequestState } from "../request/HealingRequest.js"
import type {
  Application,
  AutomaticChange,
  HealingSuggestion,
  SuggestionKey,
  SuggestionState,
  SuggestionStep,
  SuggestionStop
} from "../request/HealingSuggestion.js"
import type { NoticeChange } from "./NoticeJournal.js"

/**
 * What the queue remembers beside its requests.
 *
 * - `paused`: whether somebody has paused it.
 * - `rateLimitedUntil`: the end of its last rate limit, in milliseconds since 1970.
 * - `rateLimits`: how many rate limits have come one after the other.
 *
 * @internal
 */
export interface QueueState {
  readonly paused: boolean
  readonly rateLimitedUntil: number | null
  readonly rateLimits: number
}

/**
 * One transition: the state that the request must be in now, `null` if it must not be there, and what it becomes.
 *
 * @internal
 */
export interface Transition {
  readonly _tag: "Transition"
  readonly from: RequestState | null
  readonly to: HealingRequest
}

/**
 * When a job was to be reviewed by its schedule, and what has come of it: a request, or a reason why not. In milliseconds
 * since 1970.
 *
 * - `at`: the instant; of several that were missed the last one.
 * - `first`: the first of those; else the same.
 * - `schedule`: the schedule that it is of, as a text that is the same for the same schedule. It is empty where a job has none
 *   any more.
 * - `request`: the number of the request.
 * - `reason`: why there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Occurrence {
  readonly job: string
  readonly first: number
  readonly at: number
  readonly schedule: string
  readonly request: number | null
  readonly reason: string | null
}

/**
 * One step in the life of a suggestion, which is kept as well: the state that it must be in now, `null` if it must not be there, and what
 * it becomes. One that comes supersedes those before it, as `SuggestionLife.supersedes` says.
 *
 * - `before`: what it must be now as a whole, if that counts as well: somebody may have changed their mind twice.
 * - `dueAt`: when it must still be due, if that counts as well: it is another instant once it was warned of, or the clock was set.
 *
 * @internal
 */
export interface SuggestionChange {
  readonly _tag: "Suggestion"
  readonly from: SuggestionState | null
  readonly to: HealingSuggestion
  readonly before?: Pick<HealingSuggestion, "changedAt" | "approval"> | undefined
  readonly dueAt?: number | undefined
}

/**
 * What is written in one go.
 *
 * - `Terms`: the ends of all suggestions that can be decided on or applied move by so many milliseconds.
 * - `Watch`: how the change of a suggestion that is applied is watched. It is no step of its life.
 * - `Application`: what is known of the file of a suggestion, in place of what was known before.
 * - `Stop`: somebody has stopped all applications; `null` if they go on.
 * - `Automatic`: a rule has approved a suggestion.
 * - `Lock`: what a rule has applied has relapsed then: nothing is applied to its job by a rule any more.
 * - `Unlock`: somebody has ended that for a job, which is kept as steps of what has locked it.
 * - `Notice`: something is to be told, or was.
 * - `Watched`: for how long jobs were watched by the time of their last runs, and in all (under an empty name), in milliseconds; `null` if
 *   that is of no use any more.
 *
 * @internal
 */
export type Change =
  | Transition
  | { readonly _tag: "QueueState"; readonly state: QueueState }
  | { readonly _tag: "Occurrence"; readonly occurrence: Occurrence }
  | SuggestionChange
  | { readonly _tag: "Terms"; readonly by: number }
  | { readonly _tag: "Watch"; readonly suggestion: HealingSuggestion }
  | { readonly _tag: "Application"; readonly application: Application }
  | { readonly _tag: "Stop"; readonly stop: SuggestionStop | null }
  | { readonly _tag: "Automatic"; readonly change: AutomaticChange }
  | { readonly _tag: "Lock"; readonly key: SuggestionKey; readonly at: number }
  | { readonly _tag: "Unlock"; readonly job: string; readonly steps: ReadonlyArray<Omit<SuggestionStep, "number">> }
  | { readonly _tag: "Notice"; readonly change: NoticeChange }
  | { readonly _tag: "Watched"; readonly watched: ReadonlyMap<string, number | null> }

/** @internal */
export const transition = (from: RequestState | null, to: HealingRequest): Change => ({ _tag: "Transition", from, to })

/** @internal */
export const queueState = (state: QueueState): Change => ({ _tag: "QueueState", state })

/** @internal */
export const occurrence = (occurrence: Occurrence): Change => ({ _tag: "Occurrence", occurrence })

/** @internal */
export const suggestion = (
  from: SuggestionState | null,
  to: HealingSuggestion,
  dueAt?: number | undefined
): SuggestionChange => ({ _tag: "Suggestion", from, to, dueAt })

/**
 * From what it is to what it becomes.
 *
 * @internal
 */
export const suggestionStep = (before: HealingSuggestion, to: HealingSuggestion): SuggestionChange => ({
  _tag: "Suggestion",
  from: before.state,
  to,
  before
})

/** @internal */
export const terms = (by: number): Change => ({ _tag: "Terms", by })

/** @internal */
export const watch = (suggestion: HealingSuggestion): Change => ({ _tag: "Watch", suggestion })

/** @internal */
export const application = (application: Application): Change => ({ _tag: "Application", application })

/** @internal */
export const automatic = (change: AutomaticChange): Change => ({ _tag: "Automatic", change })

/** @internal */
export const lock = (key: SuggestionKey, at: number): Change => ({ _tag: "Lock", key, at })

/** @internal */
export const unlock = (job: string, steps: ReadonlyArray<Omit<SuggestionStep, "number">>): Change => ({
  _tag: "Unlock",
  job,
  steps
})

/** @internal */
export const stop = (stop: SuggestionStop | null): Change => ({ _tag: "Stop", stop })

/** @internal */
export const watched = (watched: ReadonlyMap<string, number | null>): Change => ({ _tag: "Watched", watched })

/** @internal */
export const notice = (change: NoticeChange): Change => ({ _tag: "Notice", change })

/**
 * The end of a request that somebody may want to hear of. Its row of the outbox is written with it.
 *
 * @internal
 */
export const isTold = ({ to }: Transition): boolean => ["completed", "failed", "skipped"].includes(to.state)
