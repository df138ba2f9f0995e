/**
 * The gate as its rules say it (R1-R12 and R16 of the design), as a fold over events: no fibers, no timers, no Effect.
 *
 * It is the specification that the service is held against, so it is naive on purpose: arrays that are sorted whenever
 * an order is asked for. `apply` does what the world outside does, `settle` what the gate does about it at that instant,
 * and `view` says what can then be seen from outside.
 */

export interface Settings {
  readonly enabled: boolean
  readonly maxConcurrent: number
  readonly onJobStart: "continue" | "yield"
  readonly maxYields: number
  readonly onMaxWait: "fail" | "run"
  readonly quietPeriod: number
}

/** One call of `run`. Times are in milliseconds, as everywhere in here. */
export interface Call {
  readonly id: string
  readonly priority: number
  readonly maxWait: number
  /** The review has an uninterruptible finalizer that ends at `Release` only. */
  readonly slow: boolean
  /** What the review does as the first thing in each turn: nothing, start a job, or start and finish one. */
  readonly begins: "idly" | "withJob" | "withBlip"
}

export type HeldBy =
  | { readonly _tag: "Disabled" }
  | { readonly _tag: "Jobs"; readonly jobs: ReadonlyArray<string> }
  | { readonly _tag: "UnknownSources"; readonly sources: ReadonlyArray<string> }
  | { readonly _tag: "QuietPeriod"; readonly remaining: number }
  | { readonly _tag: "Turn"; readonly reviews: ReadonlyArray<string> }

export type Outcome =
  | { readonly _tag: "Success" | "Failure" | "Defect"; readonly turn: string }
  | { readonly _tag: "Interrupted" }
  | {
      readonly _tag: "HealingTimeout"
      readonly waited: number
      readonly heldBy: ReadonlyArray<HeldBy>
      readonly ahead: number
    }
  | { readonly _tag: "HealingDeadlock"; readonly inside: "job" | "review"; readonly name: string }
  | { readonly _tag: "HealingClosed" }

export interface Healing extends Call {
  /** R5: the how manieth call it was. It is kept for ever, so that a yield leads back to the old place (R10). */
  readonly place: number
  readonly calledAt: number
  /** Infinity once it has had a turn (R6, R10). */
  readonly deadline: number
  readonly overdue: boolean
  readonly turns: number
  readonly yields: number
  /** `yielding` and `ending`: the review's finalizer still runs, so that the turn is not back yet (R7, R10). */
  readonly phase: "waiting" | "running" | "yielding" | "ending" | "ended"
  readonly turnSince: number
  readonly outcome: Outcome | undefined
}

interface Source {
  readonly name: string
  readonly jobs: ReadonlyArray<string>
  readonly unknown: boolean
  readonly open: boolean
}

/** A fiber that was forked in a host, and calls `run` as soon as it is woken. */
export interface Daemon {
  readonly call: Call
  readonly host: string
  readonly turn: number
}

/** Something that calls can be made from inside of: a running review, or a job of `withJob`. */
export interface Host {
  readonly inside: "job" | "review"
  readonly name: string
  readonly turn: number
}

export interface State {
  readonly settings: Settings
  readonly now: number
  readonly closed: boolean
  readonly sources: ReadonlyArray<Source>
  readonly since: Readonly<Record<string, number>>
  readonly started: number
  readonly idleSince: number | undefined
  readonly healings: ReadonlyArray<Healing>
  readonly holders: ReadonlyArray<string>
  readonly daemons: ReadonlyArray<Daemon>
}

/** What one healing is told, which its own fiber does when it comes to it. */
export interface Told {
  readonly _tag: "Interrupt" | "Succeed" | "Fail" | "Die" | "Release"
  readonly id: string
}

/** What the world does. The source "" stands for reports that are made without one. */
export type Event =
  | { readonly _tag: "Started" | "Finished"; readonly source: string; readonly job: string }
  | { readonly _tag: "Make" | "Unknown" | "Close"; readonly source: string }
  | { readonly _tag: "Break"; readonly source: string; readonly by: "failure" | "interruption" }
  | { readonly _tag: "Replace"; readonly source: string; readonly jobs: ReadonlyArray<string> }
  | { readonly _tag: "Run"; readonly call: Call }
  /** Calls from inside of a host: by itself, by a fork that is detached, by a daemon that is woken later. */
  | { readonly _tag: "RunInside" | "RunDetached" | "ForkDaemon"; readonly host: string; readonly call: Call }
  | { readonly _tag: "WakeDaemon"; readonly id: string }
  | Told
  | { readonly _tag: "Hold" | "LetGo"; readonly job: string }
  | { readonly _tag: "CloseLayer" }
  /** Time passes: with every timer on time, or with all of them late because the process was busy. */
  | { readonly _tag: "Advance" | "Lag"; readonly to: number }

export const initial = (settings: Settings, now: number): State => ({
  settings,
  now,
  closed: false,
  sources: [{ name: "", jobs: [], unknown: false, open: true }],
  since: {},
  started: 0,
  idleSince: Number.NEGATIVE_INFINITY,
  healings: [],
  holders: [],
  daemons: []
})

// --- What can be asked of a state ---

/** R5, and the overdue ones before all others. */
export const line = (state: State): ReadonlyArray<Healing> =>
  state.healings
    .filter(({ phase }) => phase === "waiting")
    .sort((a, b) => Number(b.overdue) - Number(a.overdue) || b.priority - a.priority || a.place - b.place)

/** R1, R7: a turn is taken until the review's finalizers have ended. */
export const inTurn = (state: State): ReadonlyArray<Healing> =>
  state.healings.filter(({ phase }) => phase === "running" || phase === "yielding" || phase === "ending")

export const hosts = (state: State): ReadonlyArray<Host> => [
  ...state.healings
    .filter(({ phase }) => phase === "running")
    .map(({ id, turns }): Host => ({ inside: "review", name: id, turn: turns })),
  ...state.holders.map((job): Host => ({ inside: "job", name: job, turn: 0 }))
]

/** R9: the mark that a daemon has inherited is live for as long as the turn or job that it was forked in. */
export const isInside = (state: State, { host, turn }: Daemon): boolean =>
  state.holders.includes(host) || inTurn(state).some(({ id, turns }) => id === host && turns === turn)

const jobsOf = (state: State): ReadonlyArray<string> => state.sources.flatMap(({ jobs }) => jobs)

const unknownOf = (state: State): ReadonlyArray<string> =>
  state.sources.filter(({ unknown }) => unknown).map(({ name }) => name)

const quietEnd = (state: State): number =>
  state.idleSince === undefined ? Number.POSITIVE_INFINITY : state.idleSince + state.settings.quietPeriod

const hasFreeTurn = (state: State): boolean => inTurn(state).length < state.settings.maxConcurrent

const distinct = (names: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(names)].sort()

/** R2, R4. */
const mayStart = (state: State, healing: Healing): boolean =>
  state.settings.enabled && hasFreeTurn(state) && (healing.overdue || quietEnd(state) <= state.now)

const heldBy = (state: State, { overdue }: Healing): ReadonlyArray<HeldBy> => {
  const jobs = distinct(jobsOf(state))
  const sources = distinct(unknownOf(state))
  const remaining = quietEnd(state) - state.now
  const held: Array<HeldBy> = []
  if (!state.settings.enabled) held.push({ _tag: "Disabled" })
  if (!overdue && sources.length > 0) held.push({ _tag: "UnknownSources", sources })
  if (!overdue && jobs.length > 0) held.push({ _tag: "Jobs", jobs })
  if (!overdue && remaining > 0 && remaining < Number.POSITIVE_INFINITY) held.push({ _tag: "QuietPeriod", remaining })
  if (!hasFreeTurn(state))
    held.push({
      _tag: "Turn",
      reviews: inTurn(state)
        .map(({ id }) => id)
        .sort()
    })
  return held
}

/** Instants at which something may happen by itself. */
export const instants = (state: State): ReadonlyArray<number> =>
  [...line(state).map(({ deadline }) => deadline), quietEnd(state)]
    .filter((instant) => instant > state.now && instant < Number.POSITIVE_INFINITY)
    .sort((a, b) => a - b)

/** R12: the one timer that a settled gate needs, if it needs any: for the nearest deadline, or for a quiet end of use. */
export const timers = (state: State): ReadonlyArray<number> => {
  const useful = state.settings.enabled && line(state).length > 0 && hasFreeTurn(state)
  return instants(useful ? state : { ...state, idleSince: undefined }).slice(0, 1)
}

// --- What the gate does ---

const change = (state: State, id: string, how: (healing: Healing) => Healing): State => ({
  ...state,
  healings: state.healings.map((healing) => (healing.id === id ? how(healing) : healing))
})

const end =
  (outcome: Outcome) =>
  (healing: Healing): Healing => ({ ...healing, phase: "ended", outcome })

/** The review's body is over; the healing is, too, unless a finalizer still runs (R7). */
const finish =
  (outcome: Outcome) =>
  (healing: Healing): Healing =>
    healing.slow ? { ...healing, phase: "ending", outcome } : end(outcome)(healing)

/** R10; R11 for one that would have to wait again at a gate that is closed by now. */
const waitAgain = (closed: boolean, healing: Healing): Healing =>
  closed ? end({ _tag: "HealingClosed" })(healing) : { ...healing, phase: "waiting", yields: healing.yields + 1 }

const yieldTurn = (state: State): State => ({
  ...state,
  healings: state.healings.map((healing) =>
    (healing.phase === "running" || (healing.phase === "ending" && healing.outcome?._tag === "Success")) &&
    !healing.overdue &&
    healing.yields < state.settings.maxYields
      ? healing.slow
        ? { ...healing, phase: "yielding", outcome: undefined }
        : waitAgain(false, healing)
      : healing
  )
})

/** A report: from here on `sources` are the truth, and `starts` job instances have started. */
const report = (state: State, sources: ReadonlyArray<Source>, starts = 0): State => {
  const jobs = sources.flatMap((source) => source.jobs)
  const busy = jobs.length > 0 || sources.some(({ unknown }) => unknown)
  const next: State = {
    ...state,
    sources,
    since: Object.fromEntries(jobs.map((job) => [job, state.since[job] ?? state.now])),
    started: state.started + starts,
    idleSince: busy ? undefined : (state.idleSince ?? state.now)
  }
  // R11: a review that runs on after the gate has closed is its caller's alone.
  return starts > 0 && state.settings.onJobStart === "yield" && !state.closed ? yieldTurn(next) : next
}

const reportOf = (state: State, name: string, how: (source: Source) => Partial<Source>, starts = 0): State =>
  report(
    state,
    state.sources.map((source) => (source.name === name ? { ...source, ...how(source) } : source)),
    starts
  )

const count = (jobs: ReadonlyArray<string>, job: string): number => jobs.filter((other) => other === job).length

const without = (jobs: ReadonlyArray<string>, job: string): ReadonlyArray<string> => {
  const at = jobs.indexOf(job)
  return jobs.filter((_, index) => index !== at)
}

const started = (state: State, name: string, job: string): State =>
  reportOf(state, name, ({ jobs }) => ({ jobs: [...jobs, job] }), 1)

const finished = (state: State, name: string, job: string): State =>
  reportOf(state, name, ({ jobs }) => ({ jobs: without(jobs, job) }))

const call = (state: State, made: Call, outcome?: Outcome): State => ({
  ...state,
  healings: [
    ...state.healings,
    {
      ...made,
      place: state.healings.length,
      calledAt: state.now,
      deadline: state.now + made.maxWait,
      overdue: false,
      turns: 0,
      yields: 0,
      phase: outcome !== undefined || state.closed ? "ended" : "waiting",
      turnSince: state.now,
      outcome: outcome ?? (state.closed ? { _tag: "HealingClosed" } : undefined)
    }
  ]
})

const deadlock = ({ inside, name }: Host): Outcome => ({ _tag: "HealingDeadlock", inside, name })

const begin = (state: State, { begins, id }: Healing): State => {
  const next = change(state, id, (healing) => ({
    ...healing,
    phase: "running",
    turns: healing.turns + 1,
    turnSince: state.now,
    deadline: Number.POSITIVE_INFINITY
  }))
  switch (begins) {
    case "idly":
      return next
    case "withJob":
      return started(next, "", OWN_JOB)
    case "withBlip":
      return finished(started(next, "", OWN_JOB), "", OWN_JOB)
  }
}

/** The job that a review starts if it `begins` so. */
export const OWN_JOB = "own"

/** R6. Each one leaves before the next is judged. */
const expire = (state: State, due: ReadonlyArray<Healing>): State =>
  due.reduce((before, { id }) => {
    if (before.settings.onMaxWait === "run" && before.settings.enabled) {
      return change(before, id, (healing) => ({ ...healing, overdue: true, deadline: Number.POSITIVE_INFINITY }))
    }
    const ahead = line(before).findIndex((healing) => healing.id === id)
    return change(before, id, (healing) =>
      end({ _tag: "HealingTimeout", waited: before.now - healing.calledAt, heldBy: heldBy(before, healing), ahead })(
        healing
      )
    )
  }, state)

/**
 * What the gate does at an instant after the state has changed: grants, then deadlines (R6), until nothing is left to be
 * done. With `begins`, it has only come as far as that many reviews.
 */
export const settle = (state: State, begins = Number.POSITIVE_INFINITY): State => {
  const waiting = line(state)
  const [head] = waiting
  if (begins === 0) return state
  if (head !== undefined && mayStart(state, head)) return settle(begin(state, head), begins - 1)
  const due = waiting.filter(({ deadline }) => deadline <= state.now).sort((a, b) => a.deadline - b.deadline)
  return due.length === 0 ? state : settle(expire(state, due), begins)
}

const advance = (state: State, to: number): State => {
  const settled = settle(state)
  const [next] = instants(settled)
  return next !== undefined && next < to ? advance({ ...settled, now: next }, to) : { ...settled, now: to }
}

/** What the world does. The gate does nothing about it before the next `settle`, or before time passes. */
export const apply = (state: State, event: Event): State => {
  switch (event._tag) {
    case "Started":
      return started(state, event.source, event.job)
    case "Finished":
      return finished(state, event.source, event.job)
    case "Make": {
      // It takes the place of a broken one of the same name.
      const others = state.sources.filter(({ name }) => name !== event.source)
      return report(state, [...others, { name: event.source, jobs: [], unknown: true, open: true }])
    }
    case "Replace": {
      const before = state.sources.find(({ name }) => name === event.source)?.jobs ?? []
      const starts = distinct(event.jobs).map((job) => Math.max(0, count(event.jobs, job) - count(before, job)))
      return reportOf(
        state,
        event.source,
        () => ({ jobs: event.jobs, unknown: false }),
        starts.reduce((sum, each) => sum + each, 0)
      )
    }
    case "Unknown":
      return reportOf(state, event.source, () => ({ unknown: true }))
    case "Break":
      return reportOf(state, event.source, () => ({ unknown: true, open: false }))
    case "Close":
      return report(
        state,
        state.sources.filter(({ name }) => name !== event.source)
      )
    case "Run":
      return call(state, event.call)
    case "RunDetached":
      return call(state, event.call)
    case "RunInside": {
      const host = hosts(state).find(({ name }) => name === event.host)
      return call(state, event.call, host && deadlock(host))
    }
    case "ForkDaemon": {
      const turn = hosts(state).find(({ name }) => name === event.host)?.turn ?? 0
      return { ...state, daemons: [...state.daemons, { call: event.call, host: event.host, turn }] }
    }
    case "WakeDaemon": {
      const daemon = state.daemons.find((one) => one.call.id === event.id)
      if (daemon === undefined) return state
      const inside = state.holders.includes(daemon.host) ? "job" : "review"
      return call(
        { ...state, daemons: state.daemons.filter((one) => one !== daemon) },
        daemon.call,
        isInside(state, daemon) ? deadlock({ inside, name: daemon.host, turn: daemon.turn }) : undefined
      )
    }
    case "Succeed":
    case "Fail":
    case "Die": {
      const _tag = ({ Succeed: "Success", Fail: "Failure", Die: "Defect" } as const)[event._tag]
      return change(state, event.id, (healing) =>
        // R10: a review that was interrupted before, to yield, is told in vain.
        healing.phase === "running" ? finish({ _tag, turn: turnOf(healing) })(healing) : healing
      )
    }
    case "Interrupt":
      return change(state, event.id, (healing) => {
        const outcome: Outcome = { _tag: "Interrupted" }
        if (healing.phase === "ended") return healing
        return healing.phase === "waiting" ? end(outcome)(healing) : finish(outcome)(healing)
      })
    case "Release":
      return change(state, event.id, (healing) =>
        healing.phase === "yielding"
          ? waitAgain(state.closed, healing)
          : healing.phase === "ending"
            ? { ...healing, phase: "ended" }
            : healing
      )
    case "Hold":
      return started({ ...state, holders: [...state.holders, event.job] }, "", event.job)
    case "LetGo":
      return finished({ ...state, holders: without(state.holders, event.job) }, "", event.job)
    case "CloseLayer":
      return {
        ...state,
        closed: true,
        healings: state.healings.map((healing) =>
          healing.phase === "waiting" ? end({ _tag: "HealingClosed" })(healing) : healing
        )
      }
    case "Advance":
      return advance(state, event.to)
    case "Lag":
      return { ...state, now: event.to }
  }
}

// --- What can be seen of it ---

/** What the review of a turn ends with, so that a result of another turn is noticed. */
export const turnOf = ({ id, turns }: { readonly id: string; readonly turns: number }): string => `${id}/${turns}`

export interface View {
  readonly line: ReadonlyArray<{
    readonly id: string
    readonly priority: number
    readonly waited: number
    readonly yields: number
  }>
  readonly running: ReadonlyArray<{ readonly id: string; readonly since: number; readonly yields: number }>
  /** Reviews that truly execute, as they themselves say. */
  readonly executing: ReadonlyArray<string>
  readonly heldBy: ReadonlyArray<HeldBy>
  readonly turns: Readonly<Record<string, number>>
  readonly outcomes: Readonly<Record<string, Outcome>>
  readonly jobs: Readonly<Record<string, { readonly instances: number; readonly since: number }>>
  readonly unknown: ReadonlyArray<string>
  readonly started: number
  readonly idleSince: number | undefined
  readonly timers: ReadonlyArray<number>
}

export const view = (state: State): View => {
  const waiting = line(state)
  const running = [...inTurn(state)].sort((a, b) => (a.id < b.id ? -1 : 1))
  const jobs = jobsOf(state)
  return {
    line: waiting.map(({ calledAt, id, priority, yields }) => ({ id, priority, waited: state.now - calledAt, yields })),
    running: running.map(({ id, turnSince, yields }) => ({ id, since: turnSince, yields })),
    executing: running.map(({ id }) => id),
    heldBy: waiting[0] === undefined ? [] : heldBy(state, waiting[0]),
    turns: Object.fromEntries(state.healings.filter(({ turns }) => turns > 0).map(({ id, turns }) => [id, turns])),
    outcomes: Object.fromEntries(
      state.healings.flatMap(({ id, outcome, phase }) => (phase === "ended" && outcome ? [[id, outcome]] : []))
    ),
    jobs: Object.fromEntries(
      jobs.map((job) => [job, { instances: count(jobs, job), since: state.since[job] ?? Number.NaN }])
    ),
    unknown: distinct(unknownOf(state)),
    started: state.started,
    idleSince: state.idleSince,
    timers: timers(state)
  }
}
