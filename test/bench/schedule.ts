/**
 * 10,000 jobs with schedules, to a sorted list of when they are next due.
 *
 * The clock is set by hand, so that only what is done between two sleeps is measured.
 */
import { fileURLToPath } from "node:url"
import { NodeContext } from "@effect/platform-node"
import { Context, Effect, Either, Layer, Logger, type Scope, Stream } from "effect"
import {
  Activity,
  HealingConfig,
  type HealingPolicyInput,
  HealingQueue,
  type HealingSchedule,
  HealingScheduler,
  HealingService,
  HealingStore,
  type JobInfo,
  nextOccurrence,
  OpenClaw,
  Reviewer,
  Supervisor,
  SupervisorError
} from "../../src/index.js"
import { decodePolicy } from "../../src/policy/HealingPolicy.js"
import { SteppedClock } from "../properties/Stepped.js"
import { answer, inEmptyChild, type Sides } from "./child.js"
import { collectGarbage, compare, type Row, rowOf, size } from "./ratio.js"

const JOBS = size(10_000, 1000)
const MINUTE = 60_000

/** A Wednesday. From half past until the full hour none of the usual jobs is due. */
const FROM = Date.UTC(2026, 0, 14, 12, 30, 30)

/** All are full hours from UTC. */
const zones = [
  "UTC",
  "Europe/Berlin",
  "Africa/Lagos",
  "America/New_York",
  "America/Los_Angeles",
  "America/Sao_Paulo",
  "Asia/Tokyo",
  "Pacific/Auckland"
]

const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const

const twoDigits = (value: number) => String(value).padStart(2, "0")

type Written = NonNullable<HealingPolicyInput["schedule"]>

const usual = (i: number): Written => {
  const minute = (i * 7) % 30
  const hour = (i * 11) % 24
  const time = `${twoDigits(hour)}:${twoDigits(minute)}`
  const timeZone = zones[(i * 5) % 8] ?? "UTC"
  switch (i % 5) {
    case 0:
      return { frequency: "hourly", minute }
    case 1:
      return { frequency: "daily", time, timeZone }
    case 2:
      return { frequency: "weekly", day: days[(i * 3) % 7] ?? "monday", time, timeZone }
    case 3:
      return { frequency: "monthly", day: (i % 31) + 1, time, timeZone }
    default:
      return { cron: `${minute} ${hour} * * 1-5`, timeZone }
  }
}

const jobsOf = (scheduleOf: (i: number) => Written): ReadonlyArray<JobInfo> =>
  Array.from({ length: JOBS }, (_, i) => ({
    id: `job ${i}`,
    kind: "cron",
    openClaw: false,
    policy: { schedule: scheduleOf(i), cooldown: "1 hour" }
  }))

const usualJobs = () => jobsOf(usual)

// ---------------------------------------------------------------------------------------------------------------------
// The floor
// ---------------------------------------------------------------------------------------------------------------------

interface Entry {
  readonly job: string
  readonly schedule: HealingSchedule
  due: number
}

const listOf = (jobs: ReadonlyArray<JobInfo>): Array<Entry> =>
  jobs
    .flatMap(({ id, policy }): ReadonlyArray<Entry> => {
      const { schedule } = Either.getOrThrow(decodePolicy(id, policy, undefined))
      return schedule === undefined ? [] : [{ job: id, schedule, due: nextOccurrence(schedule, FROM) }]
    })
    .sort((a, b) => a.due - b.due)

/** Those that are due, each of which is back in the list with its next due time. */
const takeDue = (list: Array<Entry>, now: number): ReadonlyArray<Entry> => {
  let count = 0
  while ((list[count]?.due ?? Number.POSITIVE_INFINITY) <= now) count++
  const due = list.splice(0, count)
  for (const entry of due) {
    entry.due = nextOccurrence(entry.schedule, now)
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((list[middle]?.due ?? Number.POSITIVE_INFINITY) <= entry.due) low = middle + 1
      else high = middle
    }
    list.splice(low, 0, entry)
  }
  return due
}

/** Which of the jobs are new, or have another policy than before. */
const changed = (
  known: ReadonlyMap<string, { readonly policy: unknown; text?: string }>,
  jobs: ReadonlyArray<JobInfo>
) =>
  jobs.filter(({ id, policy }) => {
    const before = known.get(id)
    return before === undefined || (before.policy !== policy && before.text !== JSON.stringify(policy))
  })

// ---------------------------------------------------------------------------------------------------------------------
// Ours
// ---------------------------------------------------------------------------------------------------------------------

const makeStore = Effect.map(Layer.build(HealingStore.layerMemory), (context) => Context.get(context, HealingStore))

/** The queue alone, in which nothing is reviewed, since a job runs. */
const queueLayer = (store: Layer.Layer<HealingStore>) =>
  HealingQueue.layer.pipe(
    Layer.provide(Layer.succeed(Reviewer, { review: () => Effect.never })),
    Layer.provideMerge(store),
    Layer.provideMerge(Layer.effectDiscard(Effect.flatMap(OpenClaw, (openClaw) => openClaw.started("job")))),
    Layer.provideMerge(HealingService.layer),
    Layer.provideMerge(OpenClaw.layer),
    Layer.provideMerge(HealingConfig.layer()),
    Layer.provideMerge(Logger.remove(Logger.defaultLogger))
  )

const rounds = (count: number) => Effect.repeatN(Effect.yieldNow(), count - 1)

const until = (holds: () => boolean) => Effect.repeat(Effect.yieldNow(), { until: holds })

/** A scheduler with a clock that stands still, and what its supervisor tells. */
const makeWorld = (store: Context.Tag.Service<HealingStore>, jobs: ReadonlyArray<JobInfo>, from = FROM) => {
  const clock = new SteppedClock(from)
  const state = { jobs, isGone: false, asked: 0, written: 0 }
  const layer = HealingScheduler.layer.pipe(
    Layer.provideMerge(
      queueLayer(
        Layer.succeed(HealingStore, {
          ...store,
          commit: (changes) =>
            Effect.map(store.commit(changes), () => {
              for (const { _tag } of changes) if (_tag === "Occurrence") state.written++
            })
        })
      )
    ),
    Layer.provide(
      Layer.succeed(Supervisor, {
        jobs: Effect.suspend(() => {
          state.asked++
          return state.isGone ? new SupervisorError({ detail: "it is gone" }) : Effect.succeed(state.jobs)
        }),
        activity: Stream.concat(Stream.succeed(Activity.Known({ running: [] })), Stream.never),
        events: Stream.never,
        runs: Stream.never,
        evidence: () => new SupervisorError({ detail: "it has none" })
      })
    ),
    Layer.provide(NodeContext.layer),
    // Of the supervisor that is gone.
    Layer.provide(Logger.remove(Logger.defaultLogger))
  )
  return {
    clock,
    state,
    /** Until all jobs are planned, and what is to be written about that is written. */
    start: Effect.gen(function* () {
      const { upcoming } = Context.get(yield* Layer.build(layer), HealingScheduler)
      const known = (yield* store.lastOccurrences).length
      yield* Effect.repeat(Effect.zipRight(Effect.yieldNow(), upcoming), { until: ({ length }) => length > 0 })
      yield* until(() => known + state.written === JOBS)
    }).pipe(Effect.withClock(clock), Effect.orDie)
  }
}

const started = (jobs: ReadonlyArray<JobInfo>) =>
  Effect.gen(function* () {
    const world = makeWorld(yield* makeStore, jobs)
    yield* world.start
    // It is asleep by then.
    yield* rounds(100)
    return world
  })

/** From the call until it ends, in milliseconds. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const from = performance.now()
    return Effect.map(effect, () => performance.now() - from)
  })

const must = (holds: boolean, what: string) => (holds ? Effect.void : Effect.dieMessage(what))

// ---------------------------------------------------------------------------------------------------------------------
// Start-up and memory
// ---------------------------------------------------------------------------------------------------------------------

const startUp = Effect.gen(function* () {
  const jobs = usualJobs()
  const floor = timed(Effect.sync(() => listOf(jobs)))
  const first = Effect.scoped(Effect.flatMap(makeStore, (store) => timed(makeWorld(store, jobs).start)))
  const known = yield* makeStore
  yield* Effect.scoped(makeWorld(known, jobs).start)
  const again = Effect.scoped(Effect.suspend(() => timed(makeWorld(known, jobs, FROM + MINUTE).start)))
  const many = JOBS.toLocaleString("en")
  return [
    rowOf(
      `start with ${many} scheduled jobs, the first time`,
      yield* compare({ rounds: 9, warmUp: 2 }, first, floor),
      2
    ),
    rowOf("- when it knows them from before", yield* compare({ rounds: 9, warmUp: 2 }, again, floor), 2)
  ]
}).pipe(Effect.scoped)

const settled = Effect.zipRight(Effect.sleep(500), collectGarbage)

/** What is held for each job by what the effect returns, as long as its scope is open. */
const bytesEach = <A, R>(held: (jobs: ReadonlyArray<JobInfo>) => Effect.Effect<A, never, R>) =>
  Effect.gen(function* () {
    const jobs = usualJobs()
    // So that what is made once is not counted.
    yield* Effect.scoped(held(jobs))
    yield* settled
    const before = process.memoryUsage().heapUsed
    const value = yield* held(jobs)
    yield* settled
    const bytes = (process.memoryUsage().heapUsed - before) / JOBS
    // Until here at least.
    return value === undefined || jobs.length < JOBS ? Number.NaN : bytes
  }).pipe(Effect.scoped)

const sides: Sides = {
  ours: () => bytesEach(started),
  floor: () => bytesEach((jobs) => Effect.sync(() => listOf(jobs)))
}

const self = fileURLToPath(import.meta.url)

const memory = Effect.map(
  compare({ rounds: 3, warmUp: 0 }, inEmptyChild(self, "ours"), inEmptyChild(self, "floor")),
  (compared) => [rowOf("heap of one of these jobs", compared, 3, (bytes) => `${Math.round(bytes)} bytes`)]
)

// ---------------------------------------------------------------------------------------------------------------------
// Ticks
// ---------------------------------------------------------------------------------------------------------------------

const MINUTES = size(20, 2)

/** The mean of several minutes in which the jobs are read and none is due. `next` is what the supervisor tells then. */
const quiet = (next: (jobs: ReadonlyArray<JobInfo>) => ReadonlyArray<JobInfo>) => {
  const ours = Effect.gen(function* () {
    const jobs = usualJobs()
    const { clock, state } = yield* started(jobs)
    let millis = 0
    for (let minute = 1; minute <= MINUTES; minute++) {
      state.jobs = next(jobs)
      millis += yield* timed(
        Effect.suspend(() => {
          clock.jump(FROM + minute * MINUTE)
          return rounds(30)
        })
      )
      yield* must(state.asked === 1 + minute && clock.timers.length === 1, "A tick has not come to its end")
    }
    yield* must(state.written === JOBS, "Something was due")
    return millis / MINUTES
  }).pipe(Effect.scoped)
  const floor = Effect.gen(function* () {
    const jobs = usualJobs()
    const list = listOf(jobs)
    const known = new Map(jobs.map(({ id, policy }) => [id, { policy, text: JSON.stringify(policy) }]))
    let millis = 0
    for (let minute = 1; minute <= MINUTES; minute++) {
      const read = next(jobs)
      millis += yield* timed(
        Effect.suspend(() =>
          must(
            changed(known, read).length + takeDue(list, FROM + minute * MINUTE).length === 0,
            "Something was changed or due"
          )
        )
      )
    }
    return millis / MINUTES
  })
  return compare({ rounds: 9, warmUp: 2 }, ours, floor)
}

const submitted = (queue: Context.Tag.Service<HealingQueue>, due: ReadonlyArray<Entry>) =>
  Effect.forEach(due, ({ job }) => queue.submit({ job, trigger: "schedule", cooldown: "1 hour" }), {
    concurrency: "unbounded",
    discard: true
  })

const makeQueue = Effect.map(Layer.build(queueLayer(HealingStore.layerMemory)), (context) =>
  Context.get(context, HealingQueue)
).pipe(Effect.withClock(new SteppedClock(FROM)), Effect.orDie)

/** So many ticks, each at the next of these instants, until as many requests of each are pending. */
const ticks = (
  jobs: ReadonlyArray<JobInfo>,
  instants: ReadonlyArray<number>,
  requests: number
): Record<"ours" | "floor" | "list", Effect.Effect<Effect.Effect<number>, never, Scope.Scope>> => {
  const mean = (tick: (now: number) => Effect.Effect<number>): Effect.Effect<number> =>
    Effect.map(
      Effect.forEach(instants, tick),
      (all) => all.reduce((sum, millis) => sum + millis) / all.length / requests
    )
  return {
    ours: Effect.map(started(jobs), ({ clock, state }) => {
      // Reading the jobs is measured by itself.
      state.isGone = true
      return mean((now) => {
        const written = state.written + requests
        return Effect.suspend(() => {
          clock.jump(now)
          return until(() => state.written >= written)
        }).pipe(
          timed,
          Effect.zipLeft(rounds(30)),
          Effect.zipLeft(Effect.suspend(() => must(state.written === written, "Too many were due")))
        )
      })
    }),
    floor: Effect.map(makeQueue, (queue) => {
      const list = listOf(jobs)
      return mean((now) =>
        Effect.suspend(() => submitted(queue, takeDue(list, now))).pipe(timed, Effect.orDie, Effect.zipLeft(rounds(30)))
      )
    }),
    list: Effect.sync(() => {
      const list = listOf(jobs)
      return mean((now) =>
        timed(Effect.suspend(() => must(takeDue(list, now).length === requests, "Not as many were due")))
      )
    })
  }
}

const ALONE = size(500, 20)

/** One every two seconds. */
const oneAtATime = jobsOf((i) => {
  if (i >= ALONE) return usual(i)
  const second = 30 + 2 * i
  return { cron: `${second % 60} ${31 + Math.floor(second / 60)} 12 * * *`, timeZone: "UTC" }
})

const alone = Array.from({ length: ALONE }, (_, i) => FROM + MINUTE + i * 2000)

const CROWD = size(1000, 100)

const thousandAtOnce = jobsOf((i) =>
  i % (JOBS / CROWD) === 0 ? { frequency: "daily", time: "12:45", timeZone: "UTC" } : usual(i)
)

const together = [Date.UTC(2026, 0, 14, 12, 45)]

const inWorldsOfTheirOwn = <R>(effect: Effect.Effect<Effect.Effect<number>, never, R | Scope.Scope>) =>
  Effect.scoped(Effect.flatten(effect))

const tick: Effect.Effect<ReadonlyArray<Row>> = Effect.gen(function* () {
  const one = ticks(oneAtATime, alone, 1)
  const thousand = ticks(thousandAtOnce, together, CROWD)
  const times = { rounds: 9, warmUp: 2 }
  const rowsOf = (what: string, sides: ReturnType<typeof ticks>) =>
    Effect.gen(function* () {
      const ours = inWorldsOfTheirOwn(sides.ours)
      return [
        rowOf(what, yield* compare(times, ours, inWorldsOfTheirOwn(sides.floor)), 2),
        rowOf(
          "- to the list alone, without the request",
          yield* compare(times, ours, inWorldsOfTheirOwn(sides.list)),
          undefined
        )
      ]
    })
  return [
    rowOf("a minute in which none is due, and the supervisor tells the same jobs", yield* quiet((jobs) => jobs), 3),
    rowOf("- equal ones that were made anew", yield* quiet((jobs) => structuredClone(jobs)), 3),
    ...(yield* rowsOf("a tick in which 1 is due, until it is pending", one)),
    ...(yield* rowsOf(`one of ${CROWD.toLocaleString("en")} that are due at once, until they are pending`, thousand))
  ]
})

export const schedule: Effect.Effect<ReadonlyArray<Row>> = Effect.map(Effect.all([startUp, memory, tick]), (rows) =>
  rows.flat()
)

await answer(self, sides)
