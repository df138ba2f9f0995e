/**
 * What becomes of notices, and what is asked about them.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import type { NotifyChannel } from "../settings/HealingConfig.js"
import type { StoredDelivery } from "../store/NoticeJournal.js"
import { fromJson, type Notice } from "./Notice.js"

/**
 * A notice on its way through one channel. Times are milliseconds since 1970.
 *
 * - `number`: later ones have higher numbers.
 * - `state`: `pending`, `sent`, or `failed` for good.
 * - `attempts`, `nextTry`: how often it could not be sent, and when it is tried again.
 * - `endedAt`, `reason`: when it was sent, or failed for good; why, or why the last try has failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface NoticeDelivery {
  readonly number: number
  readonly notice: Notice
  readonly channel: string
  readonly createdAt: number
  readonly state: "pending" | "sent" | "failed"
  readonly attempts: number
  readonly nextTry: number | null
  readonly endedAt: number | null
  readonly reason: string | null
}

/**
 * Which ones.
 *
 * - `channel`, `job`, `states`: of these only; all by default.
 * - `limit` (50): how many at most; 1 to 1,000.
 * - `before`: those with a lower number; give that of the last one of a page for the next page.
 *
 * @since 0.1.0
 * @category models
 */
export interface NoticeFilter {
  readonly channel?: string | undefined
  readonly job?: string | undefined
  readonly states?: ReadonlyArray<NoticeDelivery["state"]> | undefined
  readonly limit?: number | undefined
  readonly before?: number | undefined
}

/**
 * What nothing is to be told of: a job, a failure by its signature, or a failure of one job.
 *
 * @since 0.1.0
 * @category models
 */
export interface MuteTarget {
  readonly job?: string | undefined
  readonly signature?: string | undefined
}

/**
 * - `until`: until when, in milliseconds since 1970.
 * - `at`, `by`: since when, and who has said so.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mute {
  readonly job: string | null
  readonly signature: string | null
  readonly at: number
  readonly until: number
  readonly by: string
}

/**
 * How a channel is.
 *
 * - `pending`: how many notices wait for it.
 * - `trouble`: why the last try has failed, if it has.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChannelStatus {
  readonly name: string
  readonly type: NotifyChannel["type"]
  readonly pending: number
  readonly trouble: string | null
}

/**
 * What has come of a trial: `problem` says why it was not sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface NoticeTrial {
  readonly channel: string
  readonly problem: string | null
}

/**
 * A row of the store, as it is shown; or why it cannot be read.
 *
 * @internal
 */
export const shown = (row: StoredDelivery): Either.Either<NoticeDelivery, unknown> =>
  Either.map(fromJson(row.notice), (notice) => {
    const { attempts, channel, createdAt, endedAt, nextTry, number, reason, state } = row
    return { attempts, channel, createdAt, endedAt, nextTry, notice, number, reason, state }
  })
