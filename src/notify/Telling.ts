/**
 * What is told of what happens: once, to whom it concerns, and no more than anybody reads.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { HealingStoreError } from "../HealingError.js"
import { causeOf } from "../scheduler/FailureSignature.js"
import type { NotifySettings } from "../settings/HealingConfig.js"
import { type Change, notice as noticeChange } from "../store/Change.js"
import type { Delivery, Muted, NoticeChange, NoticeJournal } from "../store/NoticeJournal.js"
import type { Channel } from "./Channel.js"
import * as Notice from "./Notice.js"
import * as Several from "./Several.js"

const NOTHING_MORE = Effect.succeed({})

const HOUR = Duration.toMillis("1 hour")

/** Different failures of one job, and the like. All further ones count as one. */
const MAX_SUBJECTS = 100

/**
 * What goes with a notice.
 *
 * - `others`, `ifTold`: written in the same commit: in any case, or if anybody is told.
 * - `explanation`: looked up only if anybody is told.
 */
interface Also {
  readonly others?: ReadonlyArray<NoticeChange>
  readonly ifTold?: ReadonlyArray<NoticeChange>
  readonly explanation?: Effect.Effect<Pick<Partial<Notice.Draft>, "cause" | "todo">, HealingStoreError>
}

/**
 * - `tell`: tells it, unless that is needless. Returns whether anybody is told.
 *
 * One comes after the other: each sees what those before it have written.
 *
 * @internal
 */
export interface Telling {
  readonly tell: (draft: Notice.Draft | undefined, also?: Also) => Effect.Effect<boolean, HealingStoreError>
}

/**
 * Whether somebody has muted it.
 *
 * @internal
 */
export const isMuted = (
  muted: ReadonlyArray<Muted>,
  { job, signature }: Pick<Notice.Draft, "job" | "signature">,
  at: number
): boolean => {
  const cause = signature === undefined ? undefined : causeOf(signature)
  return muted.some(
    (one) =>
      one.until > at &&
      (one.job === null || one.job === job) &&
      (one.signature === null || (cause !== undefined && causeOf(one.signature) === cause))
  )
}

/**
 * A notice in one channel, at its beginning.
 *
 * @internal
 */
export const deliveryOf = (notice: Notice.Notice, channel: string, isCounted: boolean, at: number): Delivery => ({
  id: notice.id,
  channel,
  job: notice.job ?? "",
  kind: notice.kind,
  isUrgent: notice.severity === "critical",
  isCounted,
  notice: Notice.toJson(notice),
  createdAt: at,
  state: "pending",
  attempts: 0,
  nextTry: null,
  endedAt: null,
  reason: null
})

/**
 * - `wake`: there is something new for a channel.
 *
 * @internal
 */
export const make = ({
  channels,
  settings,
  store,
  wake,
  wall,
  write
}: {
  readonly channels: ReadonlyArray<Channel>
  readonly settings: Pick<NotifySettings, "maxPerHour" | "remindAfter">
  readonly store: NoticeJournal
  readonly wake: Effect.Effect<void>
  readonly wall: () => number
  readonly write: (changes: () => ReadonlyArray<Change>) => Effect.Effect<void, HealingStoreError>
}): Effect.Effect<Telling> =>
  Effect.map(Effect.makeSemaphore(1), (alone): Telling => {
    const remindAfter = Duration.toMillis(settings.remindAfter)

    /** What is written of it if it is news; none if it was told already. */
    const ifNews = ({ job = "", kind, subject }: Notice.Draft, at: number) =>
      Effect.gen(function* () {
        if (subject === undefined) return Option.some<ReadonlyArray<NoticeChange>>([])
        const asked = { job, kind, subject }
        const last = yield* store.told(asked)
        if (Option.isSome(last)) {
          // A clock that was ahead does not silence it for longer.
          return at - last.value < remindAfter && last.value <= at + HOUR
            ? Option.none()
            : Option.some([{ _tag: "Told" as const, told: { ...asked, at } }])
        }
        if ((yield* store.toldCount(job, kind)) < MAX_SUBJECTS)
          return Option.some([{ _tag: "Told" as const, told: { ...asked, at } }])
        const others = { ...asked, subject: "others" }
        return Option.isSome(yield* store.told(others))
          ? Option.none()
          : Option.some([{ _tag: "Told" as const, told: { ...others, at } }])
      })

    /** What is written so that the channel tells it: by itself, or among others if there is too much. */
    const inChannel = (notice: Notice.Notice, { name }: Channel, isCounted: boolean, at: number) =>
      Effect.gen(function* () {
        const add = { _tag: "Add" as const, delivery: deliveryOf(notice, name, isCounted, at) }
        if (!isCounted) return add
        const first = yield* store.counted(name, at - HOUR, at, settings.maxPerHour)
        if (Option.isNone(first)) return add
        const waiting = yield* store.pendingOf(name, "Several")
        const before = Option.flatMap(waiting, (found) => Either.getRight(Notice.fromJson(found.notice)))
        const several = Several.add(Option.getOrUndefined(before), notice, at)
        if (Option.isSome(waiting))
          return { _tag: "Rewrite" as const, number: waiting.value.number, notice: Notice.toJson(several) }
        // It is told when the hour is over, with what has come until then.
        const delivery = { ...deliveryOf(several, name, false, at), nextTry: first.value + HOUR }
        return { _tag: "Add" as const, delivery }
      })

    const changesOf = (draft: Notice.Draft, explanation: NonNullable<Also["explanation"]>) =>
      Effect.gen(function* () {
        const at = wall()
        if (isMuted(yield* store.muted, draft, at)) return []
        const { details = [], job = null, kind, severity } = draft
        const suggests = kind === "ReviewCompleted" && details.length > 0
        const asked = channels.filter(({ takes }) => takes({ job, kind, severity, suggests }))
        if (asked.length === 0) return []
        const told = yield* ifNews(draft, at)
        if (Option.isNone(told)) return []
        const notice = Notice.make({ ...draft, ...(yield* explanation) }, randomUUID())
        const isCounted = notice.severity !== "critical" && draft.isExempt !== true
        const sent = yield* Effect.forEach(asked, (channel) => inChannel(notice, channel, isCounted, at))
        return [...told.value, ...sent]
      })

    return {
      tell: (draft, { explanation = NOTHING_MORE, ifTold = [], others = [] } = {}) =>
        Effect.gen(function* () {
          const told = draft === undefined ? [] : yield* changesOf(draft, explanation)
          const changes = [...told, ...(told.length > 0 ? ifTold : []), ...others]
          if (Arr.isEmptyReadonlyArray(changes)) return false
          yield* write(() => changes.map(noticeChange))
          yield* wake
          return told.length > 0
        }).pipe(
          // What it was to be added to was sent meanwhile.
          Effect.retry({ times: 3, while: ({ reason }) => reason === "UnexpectedState" }),
          Effect.uninterruptible,
          alone.withPermits(1)
        )
    }
  })
