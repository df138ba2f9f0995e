/**
 * What a store does for its queue: it writes down each transition, and is read when the queue opens.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { HealingStoreError } from "../HealingError.js"
import type { HealingRequest, RequestState } from "../request/HealingRequest.js"
import type { Change, Occurrence, QueueState } from "./Change.js"
import type { NoticeJournal } from "./NoticeJournal.js"
import type { SuggestionJournal } from "./SuggestionJournal.js"

/**
 * Some of the requests of one state, in the order of their numbers. `setAside` are those that could not be read: they
 * stay where they are, under the state `unreadable`.
 *
 * @internal
 */
export interface Page {
  readonly requests: ReadonlyArray<HealingRequest>
  readonly setAside: ReadonlyArray<{ readonly number: number; readonly reason: string }>
  /** What to ask for the next page with; `undefined` at the end. */
  readonly next: number | undefined
}

/**
 * - `job`: of this job only.
 * - `states`: which of the final states; all by default.
 * - `limit`: how many at most; 1 to 1,000, 50 by default.
 * - `before`: those that stand behind this one in the history; give the last one of a page for the next page.
 *
 * @internal
 */
export interface HistoryQuery {
  readonly job?: string | undefined
  readonly states: ReadonlyArray<RequestState>
  readonly limit: number
  readonly before?: { readonly endedAt: number; readonly number: number } | undefined
}

/**
 * How many bytes the file of a store and its log have.
 *
 * @internal
 */
export interface StoreSizes {
  readonly database: number
  readonly log: number
}

/**
 * The journal of a queue. One process owns it at a time, and the queue in it keeps the order in memory: it writes down
 * each transition, and reads when it opens.
 *
 * - `backup`: copies a SQLite database into a file that is not there yet, in a folder that is, while it is in use; `VACUUM INTO`. The
 *   process stands still meanwhile, for about a second for 100 MB. A plain copy of the file can be damaged: it lacks the log. It fails
 *   with a `HealingStoreError` if the copy cannot be written, or if the database is not one of SQLite.
 * - `check`: fails with the reason `Owned` or `Replaced` once the store is not this one, or not ours, any more. It takes some microseconds
 *   for a file, and one statement for PostgreSQL. A store in memory has none, and neither has a SQLite database of somebody else.
 * - `location`: where it is, in words: the path of the file, if it is one.
 * - `file`: that path, if the store owns the file.
 * - `sizes`: how many bytes the file and its log have, if it is one.
 * - `commit`: all of these changes, in this order, or none. When it returns they are on disk. A request in another state
 *   than expected, or a second pending or second running one for a job (R14), fails with the reason `UnexpectedState`.
 * - `queueState`: what was written last; `undefined` at first.
 * - `lastNumber`: the highest number of a request that was ever given out; 0 at first.
 * - `page`: requests that are pending or running, from a number on.
 * - `lastCompleted`: for each job with a completed review between these two instants, when the last one of them ended.
 * - `automaticStarts`: when the last automatic reviews began, between these two instants, the newest first, so many at most.
 * - `find`: the request with this number, if there is one. It fails if its row cannot be read.
 * - `history`: what has ended, the newest first.
 * - `prune`: removes what had ended before then, and occurrences but for the last one of each job; so many of both at most.
 *   Returns how many it has removed.
 * - `lastOccurrences`: of each job the occurrence that was written last.
 * - `occurrences`: those of a job, the one that was written last first, so many at most.
 * - `watched`: for how long jobs were watched by the time of their last runs, and in all (under an empty name), in milliseconds.
 * - `suggestions`: the suggestions of reviews, and their steps.
 * - `notices`: the outbox, and what has become of each notice.
 * - `explained`: whether the job has a completed review that was about a failure with this signature, among others.
 *
 * Times are milliseconds since 1970.
 *
 * Its other members are internal: to those outside of the package a store is what its layers make.
 *
 * @since 0.1.0
 * @category models
 */
export interface Journal {
  readonly backup: (path: string) => Effect.Effect<void, HealingStoreError>
  /** @internal */
  readonly check: Effect.Effect<void, HealingStoreError> | undefined
  /** @internal */
  readonly location: string
  readonly file?: string | undefined
  /** @internal */
  readonly sizes: Effect.Effect<Option.Option<StoreSizes>>
  /** @internal */
  readonly commit: (changes: ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
  /** @internal */
  readonly queueState: Effect.Effect<QueueState | undefined, HealingStoreError>
  /** @internal */
  readonly lastNumber: Effect.Effect<number, HealingStoreError>
  /** @internal */
  readonly page: (state: "pending" | "running", from: number, limit: number) => Effect.Effect<Page, HealingStoreError>
  /** @internal */
  readonly lastCompleted: (
    since: number,
    before: number
  ) => Effect.Effect<ReadonlyMap<string, number>, HealingStoreError>
  /** @internal */
  readonly automaticStarts: (
    since: number,
    before: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<number>, HealingStoreError>
  /** @internal */
  readonly find: (number: number) => Effect.Effect<Option.Option<HealingRequest>, HealingStoreError>
  /** @internal */
  readonly history: (query: HistoryQuery) => Effect.Effect<ReadonlyArray<HealingRequest>, HealingStoreError>
  /** @internal */
  readonly prune: (endedBefore: number, limit: number) => Effect.Effect<number, HealingStoreError>
  /** @internal */
  readonly lastOccurrences: Effect.Effect<ReadonlyArray<Occurrence>, HealingStoreError>
  /** @internal */
  readonly occurrences: (job: string, limit: number) => Effect.Effect<ReadonlyArray<Occurrence>, HealingStoreError>
  /** @internal */
  readonly watched: Effect.Effect<ReadonlyMap<string, number>, HealingStoreError>
  /** @internal */
  readonly suggestions: SuggestionJournal
  /** @internal */
  readonly notices: NoticeJournal
  /** @internal */
  readonly explained: (job: string, signature: string) => Effect.Effect<boolean, HealingStoreError>
}
