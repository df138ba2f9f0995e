/**
 * The mechanism behind `HealingScheduler`: its parts, and the loop that looks at the clock.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Clocks from "../internal/Clocks.js"
import { endOf } from "../internal/Interruption.js"
import type { PolicyIssue } from "../policy/HealingPolicy.js"
import { forScheduler } from "../queue/ForScheduler.js"
import { HealingQueue } from "../queue/HealingQueue.js"
import { SWITCHED_OFF } from "../queue/Needless.js"
import { HealingConfig } from "../settings/HealingConfig.js"
import { HealingStore } from "../store/HealingStore.js"
import { Supervisor } from "../supervisor/Supervisor.js"
import { Agenda } from "./Agenda.js"
import * as ByClock from "./ByClock.js"
import * as ByEvents from "./ByEvents.js"
import * as ClockWarnings from "./ClockWarnings.js"
import { type ForNotices, forNotices } from "./ForNotices.js"
import * as JobReading from "./JobReading.js"
import { KnownJobs } from "./KnownJobs.js"
import * as RunRules from "./RunRules.js"

const MINUTE = Duration.toMillis("1 minute")

const MAX_UPCOMING = 100

const MAX_OCCURRENCES = 100

const clockProblem = ([job, at]: readonly [job: string, at: number]): PolicyIssue => ({
  job,
  key: "schedule",
  expected:
    `was done last at ${new Date(at).toISOString()}, which is still to come: the clock of the machine was ahead by then. ` +
    "It counts from when that was seen"
})

/** @internal */
export const make = Effect.gen(function* () {
  const settings = yield* HealingConfig
  const supervisor = yield* Supervisor
  const store = yield* HealingStore
  const { [forScheduler]: queue } = yield* HealingQueue
  if (queue === undefined) {
    return yield* Effect.dieMessage("HealingScheduler.layer needs the HealingQueue of HealingQueue.layer")
  }
  const { addVeto, look, submit, tellExplained, write, writeWatched } = queue
  const scope = yield* Effect.scope
  const clock = yield* Effect.clock
  const wall = () => Math.floor(clock.unsafeCurrentTimeMillis())
  const now = () => Clocks.millis(clock)

  const known = new KnownJobs(settings)
  const agenda = new Agenda(yield* store.lastOccurrences, Duration.toMillis(settings.maxCatchUpAge))
  const wake = yield* Effect.makeLatch(false)
  addVeto(({ job }) => (known.of(job)?.enabled === false ? SWITCHED_OFF : undefined))

  const happenedListeners: Array<Parameters<ForNotices["onHappened"]>[0]> = []
  const problemListeners: Array<Parameters<ForNotices["onProblems"]>[0]> = []
  const policies = () => ({ problems: known.problems, has: (job: string) => known.has(job) })
  const ofNotices: ForNotices = {
    onHappened: (listener) => happenedListeners.push(listener),
    onProblems: (listener) => {
      problemListeners.push(listener)
      listener(policies())
    }
  }

  const plan = () => {
    for (const listener of problemListeners) listener(policies())
    agenda.plan(
      known.plans,
      (job) => known.has(job),
      (job) => known.isWrong(job),
      wall()
    )
  }
  const warnOfClock = ClockWarnings.make(() => agenda.ahead)
  let lookAtRuns: Effect.Effect<void> = Effect.void
  const lookAgain = Effect.zipRight(
    wake.open,
    Effect.suspend(() => lookAtRuns)
  )
  const reading = JobReading.make({ supervisor, known, learned: plan, lookAgain, now, scope })
  const askForDue = ByClock.make({ agenda, known, submit, wall, write }, scope)
  const { accept, listen } = yield* ByEvents.make({
    settings,
    supervisor,
    reading,
    known,
    store,
    submit,
    tellExplained,
    listeners: happenedListeners,
    now
  })
  const rules = yield* RunRules.make({ accept, known, store, supervisor, writeWatched, now, wall })
  lookAtRuns = rules.look
  // It starts at once: nothing is missed that happens when the layer has just been built.
  const runtime = yield* Effect.runtime<never>()
  yield* Effect.acquireRelease(
    Effect.sync(() => Runtime.runFork(runtime)(listen)),
    endOf("The events of the supervisor", settings.shutdownTimeout)
  )

  let readAt = Number.NEGATIVE_INFINITY
  const tick = Effect.gen(function* () {
    wake.unsafeClose()
    look()
    if (now() - readAt >= MINUTE) {
      readAt = now()
      yield* Effect.forkIn(reading.readOrWarn, scope)
    }
    yield* askForDue
    yield* warnOfClock
    const delay = Math.max(0, Math.min(agenda.next - wall(), Math.ceil(readAt + MINUTE - now())))
    yield* Effect.timeoutOption(wake.await, Duration.millis(delay))
  })
  const tickAgain = Effect.catchAllDefect(tick, () =>
    Effect.zipRight(Effect.logFatal("The scheduler has a bug, and goes on in a minute"), Effect.sleep("1 minute"))
  )
  yield* Effect.forkScoped(Effect.forever(tickAgain))

  return {
    [forNotices]: ofNotices,
    refresh: reading.read,
    upcoming: Effect.sync(() => agenda.upcoming(MAX_UPCOMING)),
    occurrences: (job: string) => store.occurrences(job, MAX_OCCURRENCES),
    problems: Effect.sync(() => [...known.problems, ...Array.from(agenda.ahead, clockProblem)])
  }
})
