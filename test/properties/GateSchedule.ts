/**
 * What may happen to the gate, in any order, and what may come of it.
 */
import { isDeepStrictEqual } from "node:util"
import * as fc from "effect/FastCheck"
import * as Model from "./GateModel.js"

/** A yield budget under which fibers are never cut in mid-operation here: that of Effect's runtime. */
export const WHOLE = 2048

/** Something that may happen; what it is about is only known in the state that it happens in. */
export type Draft = (state: Model.State) => ReadonlyArray<Model.Event>

export interface Step {
  readonly drafts: ReadonlyArray<Draft>
  /** What happens after that when the service has done but so many tasks of what it has to do about it. */
  readonly cut: { readonly tasks: number; readonly drafts: ReadonlyArray<Draft> } | undefined
}

export interface Schedule {
  readonly settings: Model.Settings
  /** After how many steps a fiber lets the others run. */
  readonly budget: number
  readonly steps: ReadonlyArray<Step>
  /** Whether those who are left at the end are interrupted, and not closed. */
  readonly interrupts: boolean
}

/** Events that happen before the service can react. */
export interface Batch {
  readonly events: ReadonlyArray<Model.Event>
  /** A fiber comes to what it is told either before or after the gate comes to the rest: both are right. */
  readonly races: boolean
}

export const present = (state: Model.State) => state.healings.filter(({ phase }) => phase !== "ended")

/** How many turns have begun so far. */
export const turns = ({ healings }: Model.State): number => healings.reduce((sum, healing) => sum + healing.turns, 0)

export const adapters = (state: Model.State) =>
  state.sources.flatMap(({ name, open }) => (open && name !== "" ? [name] : []))

// ---------------------------------------------------------------------------
// What may happen
// ---------------------------------------------------------------------------

const reported = (state: Model.State) =>
  state.sources.flatMap(({ jobs, name, open }) => (open ? jobs.map((job) => ({ job, source: name })) : []))

/** An event about one of those that there are, if there are any. */
const about = <A, B>(
  all: (state: Model.State) => ReadonlyArray<A>,
  detail: fc.Arbitrary<B>,
  event: (chosen: A, detail: B, state: Model.State) => Model.Event
): fc.Arbitrary<Draft> =>
  fc.tuple(fc.nat(60), detail).map(([n, detail]) => (state) => {
    const candidates = all(state)
    const chosen = candidates[n % candidates.length]
    return chosen === undefined ? [] : [event(chosen, detail, state)]
  })

const nothing = fc.constant(undefined)

const job = fc.constantFrom("a", "b")

const call = fc.record({
  priority: fc.constantFrom(-30, -20, -10, -10, -1),
  maxWait: fc.oneof(
    fc.constant(Number.POSITIVE_INFINITY),
    // Ties with each other, and with the ends of quiet periods.
    fc.constantFrom(0, 1000, 2000, 5000, 10_000)
  ),
  slow: fc.boolean(),
  begins: fc.oneof(
    { arbitrary: fc.constant("idly" as const), weight: 8 },
    { arbitrary: fc.constantFrom("withJob" as const, "withBlip" as const), weight: 1 }
  )
})

const nextId = (state: Model.State) => `h${state.healings.length + state.daemons.length}`

const started = about(
  (state) => ["", "", ...adapters(state)],
  job,
  (source, job) => ({ _tag: "Started", source, job })
)

const finished = about(reported, nothing, ({ job, source }) => ({ _tag: "Finished", source, job }))

const finishedUnasked = about(
  (state) => ["", ...adapters(state)],
  job,
  (source, job) => ({
    _tag: "Finished",
    source,
    job
  })
)

/** Without it, idleness would be too rare. */
const allFinished: Draft = (state) => [
  ...reported(state).flatMap(
    ({ job, source }): ReadonlyArray<Model.Event> =>
      source === "" && !state.holders.includes(job) ? [{ _tag: "Finished", source, job }] : []
  ),
  ...adapters(state).map((source): Model.Event => ({ _tag: "Replace", source, jobs: [] }))
]

const make = about(
  (state) => ["cron", "pm2"].filter((name) => !adapters(state).includes(name)),
  nothing,
  (source) => ({ _tag: "Make", source })
)

const replace = about(adapters, fc.array(job, { maxLength: 3 }), (source, jobs) => ({ _tag: "Replace", source, jobs }))

const lose = about(adapters, nothing, (source) => ({ _tag: "Unknown", source }))

const close = about(adapters, nothing, (source) => ({ _tag: "Close", source }))

const broken = about(adapters, fc.constantFrom("failure" as const, "interruption" as const), (source, by) => ({
  _tag: "Break",
  source,
  by
}))

const run = call.map(
  (call): Draft =>
    (state) => [{ _tag: "Run", call: { ...call, id: nextId(state) } }]
)

const interrupt = about(present, nothing, ({ id }) => ({ _tag: "Interrupt", id }))

/** Also of one that yields in this very step, so that its result and its interruption meet. */
const end = about(
  (state) => present(state).filter(({ phase, turns }) => phase === "running" || (phase === "waiting" && turns > 0)),
  fc.constantFrom("Succeed" as const, "Succeed" as const, "Fail" as const, "Die" as const),
  ({ id }, _tag) => ({ _tag, id })
)

const release = about(
  (state) => Model.inTurn(state).filter(({ phase }) => phase !== "running"),
  nothing,
  ({ id }) => ({ _tag: "Release", id })
)

const runInside = about(
  Model.hosts,
  fc.tuple(fc.constantFrom("RunInside" as const, "RunDetached" as const, "ForkDaemon" as const), call),
  ({ name }, [_tag, call], state) => ({ _tag, host: name, call: { ...call, id: nextId(state) } })
)

/** Not if its host has yielded: whether that review has ended, then, is a matter of taste. */
const wakeDaemon = about(
  (state) =>
    state.daemons.filter(
      (daemon) => Model.isInside(state, daemon) || !present(state).some(({ id }) => id === daemon.host)
    ),
  nothing,
  ({ call }) => ({ _tag: "WakeDaemon", id: call.id })
)

const hold: Draft = (state) => [{ _tag: "Hold", job: `w${state.started}` }]

const letGo = about(
  ({ holders }) => holders,
  nothing,
  (job) => ({ _tag: "LetGo", job })
)

const closeLayer: Draft = ({ closed }) => (closed ? [] : [{ _tag: "CloseLayer" }])

/** By so much, or to an instant at which something is due, or to a little before or after it. */
const time = (_tag: "Advance" | "Lag"): fc.Arbitrary<Draft> =>
  fc.oneof(
    fc.constantFrom(0, 1, 500, 1000, 2000, 5000, 10_000, 300_000).map(
      (by): Draft =>
        ({ now }) => [{ _tag, to: now + by }]
    ),
    about(
      (state) => Model.instants(state),
      fc.constantFrom(0, 0, 0, 0, -1, 1),
      (instant, off, { now }) => ({ _tag, to: Math.max(now, instant + off) })
    )
  )

const weighted = (...weights: ReadonlyArray<readonly [number, fc.Arbitrary<Draft>]>): fc.Arbitrary<Draft> =>
  fc.oneof(...weights.map(([weight, arbitrary]) => ({ arbitrary, weight })))

const report = weighted(
  [16, started],
  [12, finished],
  [4, finishedUnasked],
  [5, make],
  [8, replace],
  [1, lose],
  [2, close],
  [1, broken],
  [24, fc.constant(allFinished)]
)

const any = weighted(
  [14, report],
  [10, run],
  [10, time("Advance")],
  [1, time("Lag")],
  [8, end],
  [6, release],
  [2, interrupt]
)

/** What takes its own time, so that it is clear only if nothing else happens. */
const alone = weighted(
  [8, runInside],
  [4, wakeDaemon],
  [2, fc.constant(hold)],
  [3, letGo],
  [1, fc.constant(closeLayer)]
)

const whole = (drafts: fc.Arbitrary<ReadonlyArray<Draft>>): fc.Arbitrary<Step> => fc.record({ drafts, cut: nothing })

const some = (draft: fc.Arbitrary<Draft>, maxLength: number) => fc.array(draft, { minLength: 1, maxLength })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: whole(fc.tuple(any)) },
  { weight: 8, arbitrary: whole(some(any, 5)) },
  { weight: 3, arbitrary: whole(fc.tuple(alone)) },
  {
    weight: 8,
    arbitrary: fc.record({
      drafts: some(weighted([1, report], [3, fc.constant(allFinished)], [3, run], [2, time("Advance")]), 4),
      cut: fc.record({
        tasks: fc.nat(8),
        drafts: some(weighted([16, started], [8, finished], [16, interrupt], [1, fc.constant(closeLayer)]), 3)
      })
    })
  }
)

export const schedule = (
  settings: Pick<Model.Settings, "onJobStart" | "onMaxWait" | "quietPeriod">
): fc.Arbitrary<Schedule> =>
  fc.record({
    settings: fc.record({
      enabled: fc.nat(14).map((n) => n < 14),
      maxConcurrent: fc.constantFrom(1, 1, 2, 3),
      maxYields: fc.nat(3),
      onJobStart: fc.constant(settings.onJobStart),
      onMaxWait: fc.constant(settings.onMaxWait),
      quietPeriod: fc.constant(settings.quietPeriod)
    }),
    // Fewer than 10 steps do not even suffice for Effect to yield.
    budget: fc.oneof(
      { arbitrary: fc.constant(WHOLE), weight: 4 },
      { arbitrary: fc.constantFrom(10, 11, 12, 13, 15, 20, 30), weight: 1 }
    ),
    steps: fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
    interrupts: fc.boolean()
  })

// ---------------------------------------------------------------------------
// What comes of it
// ---------------------------------------------------------------------------

const isTold = (event: Model.Event): event is Model.Told => "id" in event && event._tag !== "WakeDaemon"

/** What is not done at once, but in steps of its own. */
export const takesTime = (event: Model.Event): boolean => isTold(event) || event._tag === "CloseLayer"

const isDue = (state: Model.State): boolean => Model.line(state).some(({ deadline }) => deadline <= state.now)

/** The events since time has last passed. */
const latest = (events: ReadonlyArray<Model.Event>) =>
  events.slice(events.findLastIndex(({ _tag }) => _tag === "Advance") + 1)

const someHealing = (
  before: Model.State,
  after: Model.State,
  is: (now: Model.Healing, was: Model.Healing | undefined) => boolean
): boolean => after.healings.some((now, at) => is(now, before.healings[at]))

const someYield = (before: Model.State, after: Model.State): boolean =>
  someHealing(
    before,
    after,
    (now, was) => now.yields > (was?.yields ?? 0) || (now.phase === "yielding" && was?.phase !== now.phase)
  )

/** What is told to whom while something else happens that it may come before or after. */
const isRace = (before: Model.State, events: ReadonlyArray<Model.Event>, after: Model.State): boolean => {
  const told = latest(events).filter(isTold)
  const starts = after.started > before.started && after.settings.onJobStart === "yield"
  const isTwice = told.length > new Set(told.map(({ id }) => id)).size
  const isNew = told.some(({ id }) => !before.healings.some((healing) => healing.id === id))
  return told.length > 0 && (starts || isTwice || isNew || isDue(after))
}

/** A gate may decide at once about a call, or only when all else has happened. */
const isEager = (before: Model.State, events: ReadonlyArray<Model.Event>): boolean => {
  const rest = events.filter((event) => !takesTime(event))
  const atOnce = rest.reduce((state, event) => {
    const next = Model.apply(state, event)
    return event._tag === "Run" ? Model.settle(next) : next
  }, before)
  return !isDeepStrictEqual(Model.settle(atOnce), Model.settle(rest.reduce(Model.apply, before)))
}

/**
 * Whether the rules do not say what comes of the events, which have led from `before` to `after`. Such events are left
 * out, so that the comparison need not be weaker for all others.
 */
const isUnclear = (
  before: Model.State,
  events: ReadonlyArray<Model.Event>,
  after: Model.State,
  budget: number
): boolean => {
  const yields = before.settings.onJobStart === "yield"
  const next = Model.settle(after)
  const changes = (is: (now: Model.Healing, was: Model.Healing | undefined) => boolean) => someHealing(before, next, is)
  const starts = yields && next.started > before.started
  const isNoisy = changes(({ begins, turns }, was) => begins !== "idly" && turns > (was?.turns ?? 0))

  // It takes a review some moments to come, to yield and to end. Who reaches its max wait meanwhile may be held up by that
  // review's turn still, or by its job not yet.
  const hasYielded = someYield(before, next)
  const told = latest(events).filter(isTold)
  const leaves = told.some(
    ({ id }) =>
      starts || before.settings.onMaxWait === "run" || !Model.inTurn(before).some((healing) => healing.id === id)
  )
  const isLate = changes(
    (now, was) =>
      (now.outcome?._tag === "HealingTimeout" && was?.outcome === undefined) || (now.overdue && !was?.overdue)
  )
  if ((isLate || isDue(after)) && (hasYielded || isNoisy || leaves)) return true

  // Of several that begin at once, those that cannot yield are a little faster.
  if (isNoisy && (budget !== WHOLE || (yields && before.settings.maxConcurrent > 1))) return true

  // Whether a review that has failed may still yield while its finalizer runs.
  const hasFailed = ({ outcome, phase }: Model.Healing) =>
    phase === "ending" && (outcome?._tag === "Failure" || outcome?._tag === "Defect")
  if (starts && [...before.healings, ...next.healings].some(hasFailed)) return true

  // Whether a review yields, and its turn or that of one that leaves is given to another, before the layer has closed.
  const mightStart = changes(
    (now, was) => now.outcome?._tag === "HealingClosed" && was?.outcome === undefined && now.begins !== "idly"
  )
  if (!before.closed && after.closed && (starts || hasYielded || told.length > 0 || (yields && mightStart))) return true

  // Whether a review has come to its finalizer by the time that this is let go.
  const isLetGo = ({ id }: Model.Told, at: number) =>
    told.slice(0, at).some((other) => other._tag === "Release" && other.id === id)
  if (told.some((event, at) => event._tag !== "Interrupt" && isLetGo(event, at))) return true

  if (isEager(before, events)) return true

  // What is done in mid-operation is done in an order of its own.
  const calls = events.filter(({ _tag }) => _tag === "Run")
  return budget !== WHOLE && (calls.length > 1 || (events.length > 1 && events.some(({ _tag }) => _tag === "Lag")))
}

/** What the drafts mean in this state, in which the gate may still be about something that has happened `since` another. */
export const resolve = (before: Model.State, drafts: ReadonlyArray<Draft>, budget: number, since = before): Batch => {
  let batch: Batch = { events: [], races: false }
  let state = before
  for (const draft of drafts) {
    for (const event of draft(state)) {
      const events = [...batch.events, event]
      const after = Model.apply(state, event)
      if (isUnclear(since, events, after, budget) || (batch.races && event._tag === "Advance")) continue
      batch = { events, races: isRace(before, events, after) }
      state = after
    }
  }
  return batch
}

/** All states that may come of a batch: of most batches only one. */
export const results = (before: Model.State, { events, races }: Batch): ReadonlyArray<Model.State> => {
  const last = latest(events)
  const play = (state: Model.State, all: ReadonlyArray<Model.Event>) => all.reduce(Model.apply, state)
  const start = play(before, events.slice(0, events.length - last.length))
  const inOrder = Model.settle(play(start, last))
  if (!races) return [inOrder]
  // Each of what takes its time may come before, after, or in the middle of what the gate does about the rest.
  const slow = last.filter(takesTime)
  const subsets = Array.from({ length: 2 ** slow.length }, (_, bits) => slow.filter((_, at) => (bits >> at) % 2 === 1))
  const all = subsets.flatMap((first) => {
    const now = play(start, [...first, ...last.filter((event) => !takesTime(event))])
    const begins = [...Array(turns(Model.settle(now)) - turns(now) + 1).keys(), Number.POSITIVE_INFINITY]
    const later = slow.filter((event) => !first.includes(event))
    return begins.map((begun) => Model.settle(play(Model.settle(now, begun), later)))
  })
  return [inOrder, ...all]
}

/** Whether the gate can be stopped in the middle of what it does: of grants, and only of them, one sees how many it has made. */
export const isCuttable = (before: Model.State, { events }: Batch, after: Model.State, budget: number): boolean =>
  budget === WHOLE && !events.some(takesTime) && !isDue(after) && !someYield(before, after)
