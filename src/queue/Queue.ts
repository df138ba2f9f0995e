/**
 * The mechanism behind `HealingQueue`. What is pending or running is in memory, and every decision is made there, in one
 * synchronous step that also gives the ledger what to write: so the order of the writes is that of the decisions.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Tracer from "effect/Tracer"
import * as Gate from "../gate/Gate.js"
import { HealingService } from "../gate/HealingService.js"
import { type HealingStoreError, isForGood } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import * as Clocks from "../internal/Clocks.js"
import { Reviewer } from "../review/Reviewer.js"
import * as InsideMark from "../running/InsideMark.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { type Change, occurrence, watched } from "../store/Change.js"
import { HealingStore } from "../store/HealingStore.js"
import * as Awaiting from "./Awaiting.js"
import type * as Backoff from "./Backoff.js"
import * as BatchWriter from "./BatchWriter.js"
import * as Cancelling from "./Cancelling.js"
import * as ClockSet from "./ClockSet.js"
import * as Closing from "./Closing.js"
import { Cooldowns } from "./Cooldowns.js"
import * as Endings from "./Endings.js"
import { forHealth, type QueueHealth } from "./ForHealth.js"
import { type ForScheduler, forScheduler, type Veto } from "./ForScheduler.js"
import { type ForSuggestions, forSuggestions } from "./ForSuggestions.js"
import { HealingEvent } from "./HealingEvent.js"
import { decodeHistory, type HealingWish, type HistoryOptions } from "./HealingWish.js"
import * as Ledger from "./Ledger.js"
import { LiveRequests } from "./LiveRequests.js"
import { unlessNeedless } from "./Needless.js"
import * as QueueHolds from "./QueueHolds.js"
import * as QueueLog from "./QueueLog.js"
import * as QueueMetrics from "./QueueMetrics.js"
import type { QueueParts } from "./QueueParts.js"
import { recover } from "./Recovery.js"
import * as Retention from "./Retention.js"
import * as Reviewing from "./Reviewing.js"
import * as Submitting from "./Submitting.js"

const MAX_EVENTS = 1024

/**
 * Longer than a screen: it wires the parts, opens them in their order, and closes them.
 *
 * @internal
 */
export const make = (retries: Backoff.RetrySchedule) =>
  Effect.gen(function* () {
    const settings = yield* HealingConfig
    const { [Gate.gate]: gate } = yield* HealingService
    if (gate === undefined) {
      return yield* Effect.dieMessage("HealingQueue.layer needs the HealingService of HealingService.layer")
    }
    const store = yield* HealingStore
    const clock = yield* Effect.clock
    let clockWasSet = (_by: number): void => {}
    const wall = Clocks.wall(clock, (by) => clockWasSet(by))
    const { forReports, forTurns } = yield* runtimes
    const events = Broadcast.make<HealingEvent>(MAX_EVENTS)
    const vetoes: Array<Veto> = []
    let lastNumber = 0
    let closed = false
    let lost: HealingStoreError | undefined
    let stop = (_error: HealingStoreError): void => {}
    const log = (said: Effect.Effect<void>) => void Runtime.runFork(forReports)(said, { immediate: false })
    const metrics = QueueMetrics.make(settings.queue, gate.now)
    const publish = (event: HealingEvent) => {
      events.tell(event)
      metrics.ofEvent(event)
      if (metrics.isDue()) log(measure)
      const said = lost === undefined ? QueueLog.ofEvent(store.location, event) : undefined
      if (said !== undefined) log(said)
    }

    const lanes = { manual: gate.makeLane(), automatic: gate.makeLane() }
    const holds = QueueHolds.make(gate, lanes, wall, settings.maxReviewsPerDay, publish, (until) =>
      log(QueueLog.dayIsFull(store.location, settings.maxReviewsPerDay, until))
    )
    const commitListeners: Array<(changes: ReadonlyArray<Change>) => void> = []
    const writer = yield* BatchWriter.make(
      metrics.measured(store),
      (trouble) => {
        if (trouble !== undefined && isForGood(trouble.error)) stop(trouble.error)
        holds.trouble(trouble)
      },
      (changes) => {
        for (const listener of commitListeners) listener(changes)
      }
    )
    const parts: QueueParts = {
      settings,
      gate,
      store,
      live: new LiveRequests(gate, lanes, wall, settings),
      // What could not be written in a store that is lost is no bug.
      ledger: Ledger.make(writer, (error) => (lost === undefined ? log(Effect.logFatal(error.detail)) : undefined)),
      holds,
      cooldowns: new Cooldowns(Duration.toMillis(settings.cooldown)),
      wall,
      publish,
      isClosed: () => closed,
      lost: () => lost,
      log
    }
    const clockListeners: Array<(by: number) => void> = []
    clockWasSet = (by) => {
      ClockSet.move(parts, writer, by)
      for (const listener of clockListeners) listener(by)
    }
    /** Another process reviews what is pending by now, or nobody finds what is written. */
    const checkStore = store.check && Effect.catchAll(store.check, (error) => Effect.sync(() => stop(error)))
    const retention = yield* Retention.make(store, settings, wall, gate.now)
    const endings = Endings.make(parts, retention.ended)
    const reviewing = Reviewing.make(
      parts,
      endings,
      unlessNeedless(store, vetoes, yield* Reviewer),
      retries,
      checkStore,
      (turn) => Runtime.runFork(forTurns)(turn, { immediate: false })
    )
    const submitting = Submitting.make(parts, endings, reviewing, () => ++lastNumber)
    const cancelling = Cancelling.make(parts, writer, endings, reviewing)

    const oldestPending = () => {
      const submitted = Array.from(parts.live.pending, ({ request }) => request.submittedAt)
      return submitted.length === 0 ? undefined : submitted.reduce((one, other) => Math.min(one, other))
    }
    const measure = Effect.map(store.sizes, (sizes) =>
      metrics.sample({ holds: lanes.automatic.heldBy(gate.now()), oldestPending: oldestPending(), sizes })
    )

    const closing = { parts, lanes, writer, reviewing, endEvents: events.end }
    const close = Effect.suspend(() => {
      if (closed) return Effect.void
      closed = true
      return Closing.close(closing, lost)
    })
    stop = (error) => {
      if (lost !== undefined) return
      lost = error
      Runtime.runFork(forReports)(Effect.zipRight(QueueLog.lost(error.detail), Effect.uninterruptible(close)))
    }

    lastNumber = yield* recover(parts, reviewing.owner, retries)
    yield* Effect.addFinalizer(() => close)

    const ofSuggestions: ForSuggestions = {
      write: writer.write,
      record: (changes) =>
        Effect.async<void, HealingStoreError>((resume) => {
          const fail = (error: HealingStoreError) => resume(Effect.fail(error))
          writer.record(() => changes, {
            failed: fail,
            done: (error) => (error === undefined ? resume(Effect.void) : fail(error))
          })
        }),
      wall,
      onCommit: (listener) => commitListeners.push(listener),
      onClockSet: (listener) => clockListeners.push(listener)
    }
    const ofScheduler: ForScheduler = {
      submit: submitting.submit,
      write: (occurrences) => writer.write(() => occurrences.map(occurrence)),
      writeWatched: (all) => writer.write(() => [watched(all)]),
      tellExplained: (job) => events.tell(HealingEvent.Explained({ at: wall(), job })),
      addVeto: (veto) => vetoes.push(veto),
      look: () => {
        wall()
        gate.look()
        retention.look()
        if (checkStore !== undefined) log(checkStore)
        if (metrics.isDue()) log(measure)
      }
    }

    return {
      [forScheduler]: ofScheduler,
      [forSuggestions]: ofSuggestions,
      [forHealth]: Effect.map(checkStore ?? Effect.void, (): QueueHealth => {
        const toWall = (at: number | undefined) => at && Math.round(wall() - (gate.now() - at))
        const trouble = writer.trouble()
        // Where nothing is to be written, nobody has tried since.
        const isFailing = trouble !== undefined && (trouble.keeps || gate.now() < trouble.nextTry)
        return {
          lastCommit: toWall(writer.lastCommit()),
          lastReview: toWall(reviewing.lastReview()),
          oldestPending: oldestPending(),
          failing: isFailing ? { reason: trouble.error.detail, since: toWall(trouble.since) ?? 0 } : undefined,
          lost
        }
      }),
      submit: (wish: HealingWish) => submitting.submit(wish),
      heal: submitting.heal,
      ...cancelling,
      ...Awaiting.make(parts),
      pending: Effect.sync(() => {
        // Should the clock have been set, what they wait for is told by the clock as it is.
        wall()
        return parts.live.inOrder()
      }),
      history: ({ before, ...options }: HistoryOptions = {}) =>
        Effect.flatMap(
          decodeHistory({ ...options, ...(before && { before: { endedAt: before.endedAt, number: before.number } }) }),
          store.history
        ),
      events: events.listen
    }
  })

/** What the fibers run in that nobody waits for. */
const runtimes = Effect.map(Effect.runtime<never>(), ({ context, fiberRefs, runtimeFlags }) => {
  // A review has a span of its own. The spans in which the layer was built are no parents of it.
  const forReports = Runtime.make({ context: Context.omit(Tracer.ParentSpan)(context), fiberRefs, runtimeFlags })
  // Uninterruptible from before its first op, since nobody else gives a turn back.
  const forTurns = InsideMark.clearedRuntime(Runtime.disableRuntimeFlag(forReports, RuntimeFlags.Interruption))
  return { forReports, forTurns }
})
