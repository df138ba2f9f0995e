/**
 * R1-R12 and R16: whatever the world does, the service does what the model does.
 *
 * A schedule is a list of steps; what happens within one step happens before the service can react. After each step all
 * that can be seen of the service is compared with the model.
 *
 * `HEALING_SCHEDULES=100000 npm test -- gate` runs more of them. A failure prints the shrunk schedule and how to replay it.
 */
import { isDeepStrictEqual } from "node:util"
import { it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as GateDriver from "./GateDriver.js"
import * as Model from "./GateModel.js"

const SCHEDULES = Number(process.env["HEALING_SCHEDULES"] ?? 1000)
const SEED = process.env["HEALING_SEED"]
const PATH = process.env["HEALING_PATH"]

/** The yield budget of Effect's runtime. A smaller one makes fibers take turns in mid-operation. */
const WHOLE = 2048

// --- What can happen. A draft says what it is about only when it meets the state it happens in. ---

type Draft = (state: Model.State) => ReadonlyArray<Model.Event>

interface Step {
  readonly drafts: ReadonlyArray<Draft>
  /** What happens when the service has run but so many tasks of what it does about the above. */
  readonly cut: { readonly tasks: number; readonly drafts: ReadonlyArray<Draft> } | undefined
}

const pick = fc.nat(60)

const one = <A>(all: ReadonlyArray<A>, n: number, event: (chosen: A) => Model.Event): ReadonlyArray<Model.Event> => {
  const chosen = all[n % all.length]
  return chosen === undefined ? [] : [event(chosen)]
}

const present = (state: Model.State) => state.healings.filter(({ phase }) => phase !== "ended")

const adapters = (state: Model.State) => state.sources.filter(({ name, open }) => open && name !== "")

const running = (state: Model.State) => state.sources.flatMap(({ jobs, name, open }) => (open ? jobs.map((job) => ({ job, source: name })) : []))

const job = fc.constantFrom("a", "b")

const started = fc.tuple(pick, job).map(
  ([n, job]): Draft =>
    (state) =>
      one(["", "", ...adapters(state).map(({ name }) => name)], n, (source) => ({ _tag: "Started", source, job }))
)

const finished = pick.map(
  (n): Draft =>
    (state) =>
      one(running(state), n, ({ job, source }) => ({ _tag: "Finished", source, job }))
)

// Without its `started`, unless by chance.
const finishedAny = fc.tuple(pick, job).map(
  ([n, job]): Draft =>
    (state) =>
      one(["", ...adapters(state).map(({ name }) => name)], n, (source) => ({ _tag: "Finished", source, job }))
)

const calm: Draft = (state) => [
  ...running(state).flatMap(({ job, source }): ReadonlyArray<Model.Event> =>
    source === "" && !state.holders.includes(job) ? [{ _tag: "Finished", source, job }] : []
  ),
  ...adapters(state).map(({ name }): Model.Event => ({ _tag: "Replace", source: name, jobs: [] }))
]

const make = pick.map(
  (n): Draft =>
    (state) =>
      one(
        ["pm2", "cron"].filter((name) => !adapters(state).some((source) => source.name === name)),
        n,
        (source) => ({ _tag: "Make", source })
      )
)

const replace = fc.tuple(pick, fc.array(job, { maxLength: 3 })).map(
  ([n, jobs]): Draft =>
    (state) =>
      one(adapters(state), n, ({ name }) => ({ _tag: "Replace", source: name, jobs }))
)

const source = fc.tuple(pick, fc.constantFrom("Unknown" as const, "Close" as const, "Close" as const, "Break" as const)).map(
  ([n, _tag]): Draft =>
    (state) =>
      one(adapters(state), n, ({ name }) => ({ _tag, source: name }))
)

const call = fc.record({
  priority: fc.constantFrom(-30, -20, -10, -10, -1),
  maxWait: fc.constantFrom(
    0,
    1000,
    2000,
    5000,
    10_000,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY
  ),
  slow: fc.boolean(),
  begins: fc.oneof(
    { arbitrary: fc.constant("idly" as const), weight: 8 },
    { arbitrary: fc.constantFrom("withJob" as const, "withBlip" as const), weight: 1 }
  )
})

const identify = (state: Model.State) => `h${state.healings.length + state.daemons.length}`

const run = call.map(
  (call): Draft =>
    (state) => [{ _tag: "Run", call: { ...call, id: identify(state) } }]
)

const inside = fc
  .tuple(pick, fc.constantFrom("RunInside" as const, "RunDetached" as const, "ForkDaemon" as const), call)
  .map(
    ([n, _tag, call]): Draft =>
      (state) =>
        one(Model.hosts(state), n, ({ name }) => ({ _tag, host: name, call: { ...call, id: identify(state) } }))
  )

const wake = pick.map(
  (n): Draft =>
    (state) =>
      // Whether a review has ended that has only yielded is a matter of taste.
      one(
        state.daemons.filter(
          (daemon) => Model.isInside(state, daemon) || !present(state).some(({ id }) => id === daemon.host)
        ),
        n,
        ({ call }) => ({ _tag: "WakeDaemon", id: call.id })
      )
)

const interrupt = pick.map(
  (n): Draft =>
    (state) =>
      one(present(state), n, ({ id }) => ({ _tag: "Interrupt", id }))
)

const end = fc.tuple(pick, fc.constantFrom("Succeed" as const, "Succeed" as const, "Fail" as const, "Die" as const)).map(
  ([n, _tag]): Draft =>
    (state) =>
      one(
        present(state).filter(({ phase }) => phase === "running"),
        n,
        ({ id }) => ({ _tag, id })
      )
)

const release = pick.map(
  (n): Draft =>
    (state) =>
      one(
        Model.inTurn(state).filter(({ phase }) => phase !== "running"),
        n,
        ({ id }) => ({ _tag: "Release", id })
      )
)

const hold: Draft = (state) => [{ _tag: "Hold", job: `w${state.started}` }]

const letGo = pick.map(
  (n): Draft =>
    (state) =>
      one(state.holders, n, (job) => ({ _tag: "LetGo", job }))
)

const closeLayer: Draft = (state) => (state.closed ? [] : [{ _tag: "CloseLayer" }])

/** By so much, or to one of the next instants at which something is due, or a little before or after it. */
const passes = (_tag: "Advance" | "Lag") =>
  fc.oneof(
    fc.constantFrom(0, 1, 500, 1000, 2000, 5000, 10_000, 60_000).map(
      (by): Draft =>
        (state) => [{ _tag, to: state.now + by }]
    ),
    fc.tuple(fc.constantFrom(0, 0, 1, 2, 60), fc.constantFrom(0, 0, 0, 0, -1, 1)).map(
      ([n, off]): Draft =>
        (state) => {
          const instants = Model.instants(state)
          const instant = instants[Math.min(n, instants.length - 1)]
          return [{ _tag, to: instant === undefined ? state.now + 1000 : Math.max(state.now, instant + off) }]
        }
    )
  )

const weighted = (weights: ReadonlyArray<readonly [number, fc.Arbitrary<Draft>]>): fc.Arbitrary<Draft> =>
  fc.oneof(...weights.map(([weight, arbitrary]) => ({ arbitrary, weight })))

const report = weighted([
  [3, started],
  [3, finished],
  [1, finishedAny],
  [1, make],
  [2, replace],
  [1, source],
  [3, fc.constant(calm)]
])

const draft = weighted([
  [14, report],
  [10, run],
  [10, passes("Advance")],
  [1, passes("Lag")],
  [6, end],
  [6, release],
  [4, interrupt]
])

const alone = weighted([
  [4, inside],
  [2, wake],
  [1, fc.constant(hold)],
  [1, letGo],
  [1, fc.constant(closeLayer)]
])

const noCut = fc.constant(undefined)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ drafts: fc.tuple(draft), cut: noCut }) },
  { weight: 8, arbitrary: fc.record({ drafts: fc.array(draft, { minLength: 2, maxLength: 5 }), cut: noCut }) },
  { weight: 3, arbitrary: fc.record({ drafts: fc.tuple(alone), cut: noCut }) },
  {
    weight: 4,
    arbitrary: fc.record({
      drafts: fc.array(weighted([[1, report], [2, passes("Advance")], [1, run]]), { minLength: 1, maxLength: 3 }),
      cut: fc.record({
        tasks: fc.nat(30),
        drafts: fc.array(weighted([[2, started], [1, finished], [2, interrupt]]), { minLength: 1, maxLength: 3 })
      })
    })
  }
)

// --- What a schedule leaves out, because either outcome would be right ---

const isTold = (event: Model.Event): event is Model.Told => "id" in event && event._tag !== "WakeDaemon"

const isDue = (state: Model.State) => (healing: Model.Healing) => healing.deadline <= state.now

/** Whether it is clear what comes of `event` after the `events` of the same step, which led from `before` to `state`. */
const isClear = (
  before: Model.State,
  events: ReadonlyArray<Model.Event>,
  state: Model.State,
  event: Model.Event,
  budget: number
): boolean => {
  const after = Model.apply(state, event)
  const all = [...events, event]
  // A review that has been told to end does so in a moment of its own, before or after what else the step does to it.
  const told = events.filter(isTold).filter(({ _tag }) => _tag !== "Interrupt")
  if (event._tag === "Interrupt" && told.some(({ id }) => id === event.id)) return false
  const hasYielded = after.healings.some(({ id, phase, yields }) => {
    const was = state.healings.find((healing) => healing.id === id)
    return was !== undefined && (was.yields < yields || (was.phase !== "yielding" && phase === "yielding"))
  })
  if (after.started > state.started && after.settings.onJobStart === "yield" && told.length > 0) return false
  if (event._tag === "CloseLayer" && hasYielded) return false
  // So does one that leaves; whether that is before or after a deadline of the same instant, nobody can say.
  const leaves = (other: Model.Event) =>
    isTold(other) &&
    !(other._tag === "Interrupt" && before.healings.some((healing) => healing.id === other.id && isDue(state)(healing)))
  if (Model.line(after).some(isDue(after)) && (hasYielded || all.some(leaves))) return false
  // What is done in mid-operation is done in an order of its own.
  return budget === WHOLE || !(all.filter(({ _tag }) => _tag === "Run").length > 1 || (event._tag === "Lag" && events.length > 0))
}

const resolve = (before: Model.State, drafts: ReadonlyArray<Draft>, budget: number): ReadonlyArray<Model.Event> => {
  const events: Array<Model.Event> = []
  let state = before
  for (const draft of drafts) {
    for (const event of draft(state)) {
      if (!isClear(before, events, state, event, budget)) continue
      events.push(event)
      state = Model.apply(state, event)
    }
  }
  return events
}

// --- One schedule ---

interface Schedule {
  readonly settings: Model.Settings
  readonly budget: number
  readonly steps: ReadonlyArray<Step>
  /** Whether those who are left over at the end are interrupted before the layer is closed. */
  readonly interrupts: boolean
}

const show = (what: unknown): string =>
  JSON.stringify(what, (_, value: unknown) => (value === Number.POSITIVE_INFINITY ? "infinity" : value))

/** Names what is seen to be otherwise than it should be. */
const compare = (is: Model.View, should: Model.View): void => {
  // R12: one timer at most and none that is useless; one that goes off early does no harm but to cost that moment.
  const isEarly = is.timers.length === 1 && should.timers.length === 1 && Number(is.timers[0]) <= Number(should.timers[0])
  const wrong = Object.keys(should).filter((key) => !(isEarly && key === "timers") && !isDeepStrictEqual(is[key as keyof Model.View], should[key as keyof Model.View]))
  if (wrong.length === 0) return
  throw new Error(
    wrong.map((key) => `${key} is     ${show(is[key as keyof Model.View])}\n${key} should ${show(should[key as keyof Model.View])}`).join("\n")
  )
}

/** How often something of interest has happened in any schedule. */
const seen = new Map<string, number>()

const see = (what: string): void => {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}

const check = ({ budget, interrupts, settings, steps }: Schedule): void => {
  const START = 1000
  const driver = GateDriver.make(settings, budget, START)
  let state = Model.initial(settings, START)
  const trace: Array<string> = [`${JSON.stringify(settings)}, a budget of ${budget}`]

  const perform = (events: ReadonlyArray<Model.Event>): void => {
    for (const event of events) {
      trace.push(`    ${show(event)}`)
      state = Model.apply(state, event)
      driver.perform(event)
    }
  }

  const take = (events: ReadonlyArray<Model.Event>, cut?: Step["cut"]): void => {
    if (events.length + (cut?.drafts.length ?? 0) > 0) trace.push(`at ${state.now}`)
    perform(events)
    // Only grants can be cut in the middle: they are seen from outside.
    const isCut = cut !== undefined && budget === WHOLE && !Model.line(state).some(isDue(state))
    if (isCut) {
      const begun = driver.run(cut.tasks)
      trace.push(`  after ${cut.tasks} tasks, with ${begun} reviews begun`)
      const before = state
      state = Model.settle(state, begun)
      const waited = (id: string) => Model.line(before).some((healing) => healing.id === id)
      perform(resolve(state, cut.drafts, budget).filter((event) => event._tag !== "Interrupt" || waited(event.id)))
      if (begun > 0) see("cut")
    }
    driver.run()
    state = Model.settle(state)
    compare(driver.view(), Model.view(state))
  }

  try {
    for (const { cut, drafts } of steps) take(resolve(state, drafts, budget), cut)

    // All that is left comes to an end.
    if (interrupts) for (const { id } of present(state)) take([{ _tag: "Interrupt", id }])
    if (!state.closed) take([{ _tag: "CloseLayer" }])
    for (const { id, phase } of present(state)) if (phase === "running") take([{ _tag: "Succeed", id }])
    for (const { id } of present(state)) take([{ _tag: "Release", id }])
    for (const job of state.holders) take([{ _tag: "LetGo", job }])
    for (const { call } of state.daemons) take([{ _tag: "WakeDaemon", id: call.id }])
    for (const { name } of adapters(state)) take([{ _tag: "Close", source: name }])
    if (driver.fibers() > 0) throw new Error(`${driver.fibers()} fibers are left`)
  } catch (error) {
    throw new Error(`${trace.join("\n")}\n${error instanceof Error ? error.message : String(error)}`)
  }

  for (const { outcome, overdue, turns, yields } of state.healings) {
    if (outcome !== undefined) see(outcome._tag)
    if (turns > 0) see(overdue ? "begun overdue" : "begun")
    if (yields > 0) see("yielded")
    if (yields > 0 && yields === settings.maxYields) see("yielded for the last time")
  }
}

// Fewer than 10 steps do not even suffice for Effect to yield.
const small = fc.constantFrom(10, 11, 12, 13, 15, 20, 30)

for (const onJobStart of ["continue", "yield"] as const) {
  for (const onMaxWait of ["fail", "run"] as const) {
    for (const quietPeriod of [0, 1000, 10_000]) {
      it(`onJobStart ${onJobStart}, onMaxWait ${onMaxWait}, quietPeriod ${quietPeriod} ms`, () => {
        const schedule: fc.Arbitrary<Schedule> = fc.record({
          settings: fc.record({
            enabled: fc.nat(14).map((n) => n < 14),
            maxConcurrent: fc.constantFrom(1, 1, 2, 3),
            onJobStart: fc.constant(onJobStart),
            maxYields: fc.integer({ min: 0, max: 3 }),
            onMaxWait: fc.constant(onMaxWait),
            quietPeriod: fc.constant(quietPeriod)
          }),
          budget: fc.oneof({ arbitrary: fc.constant(WHOLE), weight: 4 }, { arbitrary: small, weight: 1 }),
          steps: fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
          interrupts: fc.boolean()
        })
        fc.assert(fc.property(schedule, check), {
          numRuns: Math.ceil(SCHEDULES / 12),
          ...(SEED === undefined ? {} : { seed: Number(SEED) }),
          ...(PATH === undefined ? {} : { path: PATH }),
          reporter: ({ counterexamplePath, error, failed, numShrinks, seed }) => {
            if (!failed) return
            const replay = `HEALING_SEED=${seed} HEALING_PATH=${counterexamplePath} HEALING_SCHEDULES=${SCHEDULES}`
            throw new Error(`Replay with ${replay} npm test -- gate -t "<this test>"; shrunk ${numShrinks} times to\n${error}`)
          }
        })
      })
    }
  }
}
