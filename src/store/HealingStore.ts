/**
 * Where requests and their reviews are kept.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HealingStoreError } from "../HealingError.js"
import type { HealingRequest, RequestState } from "../request/HealingRequest.js"
import * as MemoryStore from "./MemoryStore.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteVersions from "./SqliteVersions.js"
import * as SqlStore from "./SqlStore.js"

/**
 * What the queue remembers beside its requests.
 *
 * - `paused`: whether somebody has paused it.
 * - `rateLimitedUntil`: the end of its last rate limit, in milliseconds since 1970.
 * - `rateLimits`: how many rate limits have come one after the other.
 *
 * @since 0.1.0
 * @category models
 */
export interface QueueState {
  readonly paused: boolean
  readonly rateLimitedUntil: number | null
  readonly rateLimits: number
}

/**
 * One transition: the state that the request must be in now, `null` if it must not be there, and what it becomes.
 *
 * @since 0.1.0
 * @category models
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
 * What is written in one go.
 *
 * @since 0.1.0
 * @category models
 */
export type Change =
  | Transition
  | { readonly _tag: "QueueState"; readonly state: QueueState }
  | { readonly _tag: "Occurrence"; readonly occurrence: Occurrence }

/** @internal */
export const transition = (from: RequestState | null, to: HealingRequest): Change => ({ _tag: "Transition", from, to })

/**
 * Some of the requests of one state, in the order of their numbers. `setAside` are those that could not be read: they
 * stay where they are, under the state `unreadable`.
 *
 * @since 0.1.0
 * @category models
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
 * @since 0.1.0
 * @category models
 */
export interface HistoryQuery {
  readonly job?: string | undefined
  readonly states: ReadonlyArray<RequestState>
  readonly limit: number
  readonly before?: { readonly endedAt: number; readonly number: number } | undefined
}

/**
 * The journal of a queue. One process owns it at a time, and the queue in it keeps the order in memory: it writes down
 * each transition, and reads when it opens.
 *
 * - `commit`: all of these changes, in this order, or none. When it returns they are on disk. A request in another state
 *   than expected, or a second pending or second running one for a job (R14), fails with the reason `UnexpectedState`.
 * - `queueState`: what was written last; `undefined` at first.
 * - `lastNumber`: the highest number of a request that was ever given out; 0 at first.
 * - `page`: requests that are pending or running, from a number on.
 * - `completedSince`: for each job with a completed review since then, when its last one ended.
 * - `automaticStartsSince`: when the last automatic reviews began, since then, the newest first, so many at most.
 * - `history`: what has ended, the newest first.
 * - `prune`: removes what had ended before then, and occurrences but for the last one of each job; so many of both at most.
 *   Returns how many it has removed.
 * - `lastOccurrences`: of each job the occurrence that was written last.
 * - `occurrences`: those of a job, the one that was written last first, so many at most.
 * - `explained`: whether the job has a completed review that was about a failure with this signature, among others.
 *
 * Times are milliseconds since 1970.
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingStore extends Context.Tag("effect-healing/HealingStore")<
  HealingStore,
  {
    readonly commit: (changes: ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
    readonly queueState: Effect.Effect<QueueState | undefined, HealingStoreError>
    readonly lastNumber: Effect.Effect<number, HealingStoreError>
    readonly page: (state: "pending" | "running", from: number, limit: number) => Effect.Effect<Page, HealingStoreError>
    readonly completedSince: (since: number) => Effect.Effect<ReadonlyMap<string, number>, HealingStoreError>
    readonly automaticStartsSince: (
      since: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<number>, HealingStoreError>
    readonly history: (query: HistoryQuery) => Effect.Effect<ReadonlyArray<HealingRequest>, HealingStoreError>
    readonly prune: (endedBefore: number, limit: number) => Effect.Effect<number, HealingStoreError>
    readonly lastOccurrences: Effect.Effect<ReadonlyArray<Occurrence>, HealingStoreError>
    readonly occurrences: (job: string, limit: number) => Effect.Effect<ReadonlyArray<Occurrence>, HealingStoreError>
    readonly explained: (job: string, signature: string) => Effect.Effect<boolean, HealingStoreError>
  }
>() {
  /**
   * In memory: for tests, and for apps whose requests need not survive them.
   *
   * @since 0.1.0
   */
  static readonly layerMemory: Layer.Layer<HealingStore> = Layer.sync(this, () => MemoryStore.make())

  /**
   * In the database of a client of your own, for which the SQL of SQLite is written. Its tables begin with `healing_`.
   * That no other process works on them at the same time, and that a commit survives a power cut, is up to you. Inside of
   * a transaction of that client nothing may be asked of the queue: it would wait for the end of that.
   *
   * A client of `@effect/sql-sqlite-node` 0.53 comes with better-sqlite3 12, which aborts the process on Node 24.19 and later 24s.
   * The layer refuses it there (`Unsupported`), and says how to get 13.
   *
   * @since 0.1.0
   */
  static readonly layerSql: Layer.Layer<HealingStore, HealingStoreError, SqlClient> = Layer.effect(
    this,
    Effect.zipRight(SqliteVersions.checkClient, SqlStore.make)
  )

  /**
   * In a SQLite file, which is made with its folders if it is not there; `:memory:` for none. Commits survive a power cut
   * (`synchronous = FULL`). One process at a time owns the file, by a lock on a second file beside it, `<filename>-owner`,
   * and others may read it meanwhile. The lock ends with its process, however that ends.
   *
   * Who reads the file within the same process, by a client of `@effect/sql-sqlite-node`, says `readonly: true, disableWAL: true`:
   * with two copies of SQLite in one process, the other one would remove the log of the last commits when it closes.
   *
   * @since 0.1.0
   */
  static readonly layerSqlite = (filename: string): Layer.Layer<HealingStore, HealingStoreError, FileSystem | Path> =>
    Layer.provide(Layer.effect(this, SqlStore.make), SqliteFile.layer(filename))
}
