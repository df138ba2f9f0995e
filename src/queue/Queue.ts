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
import { HealingClosed } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import * as Clocks from "../internal/Clocks.js"
import { Reviewer } from "../review/Reviewer.js"
import * as InsideMark from "../running/InsideMark.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { occurrence } from "../store/Change.js"
import { HealingStore } from "../store/HealingStore.js"
import * as Awaiting from "./Awaiting.js"
import type * as Backoff from "./Backoff.js"
import * as BatchWriter from "./BatchWriter.js"
import * as Cancelling from "./Cancelling.js"
import * as ClockSet from "./ClockSet.js"
import { Cooldowns } from "./Cooldowns.js"
import * as Endings from "./Endings.js"
import { type ForScheduler, forScheduler, type Veto } from "./ForScheduler.js"
import { HealingEvent } from "./HealingEvent.js"
import { decodeHistory, type HealingWish, type HistoryOptions } from "./HealingWish.js"
import * as Ledger from "./Ledger.js"
import { answerAll, LiveRequests } from "./LiveRequests.js"
import { unlessNeedless } from "./Needless.js"
import * as QueueHolds from "./QueueHolds.js"
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

    const lanes = { manual: gate.makeLane(), automatic: gate.makeLane() }
    const holds = QueueHolds.make(gate, lanes, wall, settings.maxReviewsPerDay, events.tell)
    const writer = yield* BatchWriter.make(store, holds.trouble)
    const parts: QueueParts = {
      settings,
      gate,
      store,
      live: new LiveRequests(gate, lanes, wall, settings),
      ledger: Ledger.make(writer, (error) =>
        Runtime.runFork(forReports)(Effect.logFatal(error.detail), { immediate: false })
      ),
      holds,
      cooldowns: new Cooldowns(Duration.toMillis(settings.cooldown)),
      wall,
      publish: events.tell,
      isClosed: () => closed
    }
    clockWasSet = (by) => ClockSet.move(parts, writer, by)
    const endings = Endings.make(parts, yield* Retention.make(store, settings.retention, wall))
    const reviewing = Reviewing.make(parts, endings, unlessNeedless(store, vetoes, yield* Reviewer), retries, (turn) =>
      Runtime.runFork(forTurns)(turn, { immediate: false })
    )
    const submitting = Submitting.make(parts, endings, reviewing, () => ++lastNumber)
    const cancelling = Cancelling.make(parts, writer, endings, reviewing)

    const close = Effect.gen(function* () {
      closed = true
      // First of all, so that nobody is given the turns of those who run.
      for (const lane of Object.values(lanes)) gate.close(lane)
      const running = Array.from(parts.live.running)
      yield* Effect.forEach(running, (live) => reviewing.stop(live, "closed"), { concurrency: "unbounded" })
      for (const live of parts.live.pending) {
        gate.leave(live)
        answerAll(live, Effect.fail(new HealingClosed({ job: live.job })))
      }
      yield* writer.flush
      yield* events.end
    })

    lastNumber = yield* recover(parts, reviewing.owner, retries)
    yield* Effect.addFinalizer(() => close)

    const ofScheduler: ForScheduler = {
      submit: submitting.submit,
      write: (occurrences) => writer.write(() => occurrences.map(occurrence)),
      tellExplained: (job) => events.tell(HealingEvent.Explained({ at: wall(), job })),
      addVeto: (veto) => vetoes.push(veto),
      look: () => {
        wall()
        gate.look()
      }
    }

    return {
      [forScheduler]: ofScheduler,
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
