/**
 * Assembles the service: what happens, what is told of it, and through which channels.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"
import { HealingService } from "../gate/HealingService.js"
import { HealingInvalid } from "../HealingError.js"
import { didYouMean } from "../internal/Input.js"
import { type ForSuggestions, forSuggestions, type HasForSuggestions } from "../queue/ForSuggestions.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import { OpenClaw } from "../running/OpenClaw.js"
import { forNotices, type HasForNotices, type Policies } from "../scheduler/ForNotices.js"
import { HealingScheduler } from "../scheduler/HealingScheduler.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { notice as noticeChange } from "../store/Change.js"
import { HealingStore } from "../store/HealingStore.js"
import type { NoticeJournal } from "../store/NoticeJournal.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import { decodeFilter, decodeMuting, decodeTarget } from "./Asked.js"
import type { Channel } from "./Channel.js"
import * as Channels from "./Channels.js"
import * as Delivering from "./Delivering.js"
import * as DigestClock from "./DigestClock.js"
import * as Failures from "./Failures.js"
import * as Notice from "./Notice.js"
import { type MuteTarget, type NoticeFilter, shown } from "./NoticeDelivery.js"
import * as Outbox from "./Outbox.js"
import * as RunCounts from "./RunCounts.js"
import * as StoreTrouble from "./StoreTrouble.js"
import * as Telling from "./Telling.js"
import * as Troubles from "./Troubles.js"

const MAX_MUTED = 1000

/** Changes of policies that wait to be looked at. Only the last one counts. */
const LATEST = 1

/** @internal */
export const make = HealingConfig.pipe(
  Effect.flatMap(({ notify }) => Channels.make(notify.channels)),
  Effect.flatMap((channels) => makeWith(channels))
)

/**
 * Longer than a screen: it wires the parts, and opens them in their order.
 *
 * @internal
 */
export const makeWith = Effect.fnUntraced(function* (channels: ReadonlyArray<Channel>) {
  const queue: Context.Tag.Service<HealingQueue> & Partial<HasForSuggestions> = yield* HealingQueue
  const { [forSuggestions]: ofQueue } = queue
  if (ofQueue === undefined)
    return yield* Effect.dieMessage("Notices.layer needs the HealingQueue of HealingQueue.layer")
  const scheduler: Partial<HasForNotices> = yield* HealingScheduler
  const store = yield* HealingStore
  const supervisor = yield* Supervisor
  const openClaw = yield* OpenClaw
  const settings = yield* HealingConfig
  const { onCommit, record, wall, write } = ofQueue
  const { notify } = settings

  const isIdle = Effect.map(openClaw.running.get, ({ idleSince }) => idleSince !== undefined)
  const delivered = yield* Effect.forEach(channels, (channel) =>
    Effect.map(
      Delivering.make({ channel, settings: notify, store: store.notices, isIdle, wall, record }),
      (delivering) => ({ channel, delivering })
    )
  )
  const wake = Effect.forEach(delivered, ({ delivering }) => delivering.wake, { discard: true })
  const { tell } = yield* Telling.make({ channels, settings: notify, store: store.notices, wake, wall, write })

  yield* endOthers(channels, wall(), store.notices, record)
  const outbox = yield* Outbox.make({ isOn: channels.length > 0, settings: notify, store, tell, wall })
  onCommit((changes) => {
    if (changes.some(Outbox.adds)) outbox.wake()
  })
  if (channels.length > 0) {
    const storeTrouble = yield* StoreTrouble.make({ channels: delivered, record, tell, wall })
    const healing = yield* HealingService
    const troubles = yield* Troubles.make({ healing, openClaw, settings: notify, store: store.notices, tell, wall })
    const failures = yield* Failures.make({ settings, store, supervisor, tell, wall })
    const policies = yield* Mailbox.make<Policies>({ capacity: LATEST, strategy: "sliding" })
    scheduler[forNotices]?.onHappened(failures.happened)
    scheduler[forNotices]?.onProblems((found) => void policies.unsafeOffer(found))
    yield* Effect.forkScoped(Stream.runForEach(Mailbox.toStream(policies), troubles.problems))
    yield* Effect.forkScoped(
      Stream.runForEach(queue.events, (event) => {
        if (event._tag === "StoreFailing") return storeTrouble.fails(event.reason)
        if (event._tag === "StoreRecovered") return storeTrouble.recovers
        return event._tag === "Started" ? troubles.reviewed : Effect.void
      })
    )
    if (notify.digest !== undefined) {
      const { flush } = yield* RunCounts.make({ supervisor, write })
      yield* DigestClock.make({ before: flush, schedule: notify.digest, store, tell, wall })
    }
    const heavy = delivered.filter(({ channel }) => channel.isHeavy)
    if (heavy.length > 0)
      yield* Effect.forkScoped(
        Stream.runForEach(openClaw.running.changes, () =>
          Effect.forEach(heavy, ({ delivering }) => delivering.wake, { discard: true })
        )
      )
    // They listen before the layer is ready.
    yield* Effect.yieldNow()
  }

  const targetOf = (target: MuteTarget) =>
    Effect.map(decodeTarget({ ...target }), ({ job = null, signature = null }) => ({ job, signature }))

  return {
    list: (filter: NoticeFilter = {}) =>
      decodeFilter({ ...filter }).pipe(
        Effect.flatMap(store.notices.list),
        // Those that cannot be read are left out.
        Effect.map(Arr.filterMap((row) => Either.getRight(shown(row))))
      ),
    channels: Effect.map(store.notices.pendingCounts, (pending) =>
      delivered.map(({ channel: { name, type }, delivering }) => ({
        name,
        type,
        pending: pending.get(name) ?? 0,
        trouble: delivering.trouble() ?? null
      }))
    ),
    mute: (target: MuteTarget, options: { readonly for: Duration.DurationInput; readonly who: string }) =>
      Effect.gen(function* () {
        const decoded = yield* targetOf(target)
        const { for: duration, who } = yield* decodeMuting({ ...options })
        const at = wall()
        const muted = { ...decoded, at, until: at + Math.ceil(Duration.toMillis(duration)), by: who }
        const others = yield* store.notices.muted
        if (others.length >= MAX_MUTED)
          return yield* new HealingInvalid({
            issues: [{ path: "", message: `expected at most ${MAX_MUTED} that are muted: unmute one before` }]
          })
        yield* write(() => [noticeChange({ _tag: "Mute", muted })])
        return muted
      }),
    unmute: (target: MuteTarget) =>
      Effect.flatMap(targetOf(target), (decoded) => write(() => [noticeChange({ _tag: "Unmute", ...decoded })])),
    muted: Effect.map(store.notices.muted, (all) => all.filter(({ until }) => until > wall())),
    test: (name?: string) =>
      Effect.gen(function* () {
        const asked = channels.filter((channel) => name === undefined || channel.name === name)
        const names = channels.map((channel) => channel.name)
        if (asked.length === 0) {
          const message =
            names.length === 0
              ? "there is no channel: the setting notify.channels names those that there are"
              : `there is no channel ${JSON.stringify(name)}: ${didYouMean(name ?? "", names)}`
          return yield* new HealingInvalid({ issues: [{ path: "channel", message }] })
        }
        const trial = Notice.make(aTrial(yield* Clock.currentTimeMillis), randomUUID())
        return yield* Effect.forEach(
          asked,
          (channel) =>
            Effect.match(Delivering.sendThrough(channel, trial), {
              onFailure: ({ detail }) => ({ channel: channel.name, problem: detail }),
              onSuccess: () => ({ channel: channel.name, problem: null })
            }),
          { concurrency: "unbounded" }
        )
      })
  }
})

/** Channels that were there in another life get what waits for them no more. */
const endOthers = (
  channels: ReadonlyArray<Channel>,
  at: number,
  store: NoticeJournal,
  record: ForSuggestions["record"]
) =>
  Effect.flatMap(store.pendingCounts, (pending) => {
    const gone = Array.from(pending.keys()).filter((name) => !channels.some((channel) => channel.name === name))
    const reason = "there is no such channel any more"
    const changes = gone.map((channel) =>
      noticeChange({ _tag: "Expire", channel, createdBefore: Number.MAX_SAFE_INTEGER, at, reason })
    )
    return changes.length === 0 ? Effect.void : record(changes)
  })

const aTrial = (at: number): Notice.Draft => ({
  at,
  kind: "Trial",
  severity: "low",
  title: "A trial: this channel works",
  todo: "There is nothing to do: somebody has tried whether you are told"
})
