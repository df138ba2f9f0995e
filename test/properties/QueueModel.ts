/**
 * The durable queue as its rules say it (R1-R7, R10, R11, R13, R14 and the settings of the design), as a fold over events:
 * no fibers, no timers, no database, no Effect.
 *
 * It is the specification that the queue is held against, so it is naive on purpose. `apply` does what the world outside
 * does, `settle` what the queue does about it at that instant, and `view` says what can then be seen from outside.
 */

/** Times are in milliseconds, as everywhere in here. */
export interface Settings {
  readonly maxConcurrent: number
  readonly onJobStart: "continue" | "yield"
  readonly maxYields: number
  readonly onMaxWait: "fail" | "run"
  readonly quietPeriod: number
  readonly maxWait: number
  readonly reviewTimeout: number
  readonly maxAttempts: number
  readonly cooldown: number
  readonly maxReviewsPerDay: number
  readonly maxPending: number
}

export interface Wish {
  readonly job: string
  readonly trigger?: string | undefined
  readonly runId?: string | undefined
  readonly priority?: number | undefined
  readonly maxWait?: number | undefined
  readonly note?: string | undefined
}

/** How a review ends by itself. */
export type Ending =
  | { readonly _tag: "Completed" | "Skipped" | "Never" | "Backoff" | "Die"; readonly text: string }
  | { readonly _tag: "RateLimited"; readonly text: string; readonly until: number | undefined }

export type State = "pending" | "running" | "completed" | "failed" | "skipped" | "cancelled" | "coalesced"

/** A request as anybody can see it. */
export interface Row {
  readonly id: string
  readonly number: number
  readonly job: string
  readonly state: State
  readonly priority: number
  readonly triggers: ReadonlyArray<string>
  readonly runId: string | null
  readonly note: string | null
  readonly callersOnly: boolean
  readonly submittedAt: number
  readonly notBefore: number | null
  readonly waitUntil: number | null
  readonly attempts: number
  readonly starts: ReadonlyArray<number>
  readonly endedAt: number | null
  /** `ANY` where the words are the queue's own. */
  readonly reason: string | null
  readonly coalescedInto: string | null
  readonly report: string | null
}

export const ANY = "(any)"

/**
 * What the process that lives now knows of it beside that. `notBefore` and `waitUntil` are instants of the steady clock here.
 */
export interface Request extends Row {
  /** When its review has begun, by the steady clock. */
  readonly begunAt: number
  /** By how much the wall clock was ahead when it ended, from when on its times stay as they are. */
  readonly endedAhead: number | undefined
  /** R5: its place among all who have come in this life. It is kept for ever. */
  readonly place: number
  readonly overdue: boolean
  readonly yields: number
}

export type Outcome =
  | {
      readonly _tag: "Review"
      readonly id: string
      readonly job: string
      readonly runId: string | null
      readonly startedAt: number
      readonly endedAt: number
      readonly attempts: number
      readonly report: string
    }
  | { readonly _tag: "HealingTimeout"; readonly waited: number }
  | { readonly _tag: "HealingSkipped"; readonly id: string; readonly reason: string }
  | { readonly _tag: "HealingCancelled"; readonly id: string }
  | { readonly _tag: "ReviewError"; readonly reason: string }
  | { readonly _tag: "HealingClosed" | "HealingQueueFull" | "Interrupted" | "Done" }

/** Somebody who waits for an answer of `heal`. */
export interface Caller {
  readonly id: string
  /** Of the request that it waits for. */
  readonly number: number
  readonly calledAt: number
  /** Infinity once a review has begun. */
  readonly deadline: number
  readonly outcome: Outcome | undefined
}

/** Somebody else who takes turns, by `HealingService.run`. */
export interface Run {
  readonly id: string
  readonly priority: number
  readonly place: number
  readonly yields: number
  readonly phase: "waiting" | "running" | "ended"
  readonly outcome: Outcome | undefined
}

export type Submission =
  | { readonly _tag: "Accepted"; readonly id: string; readonly notBefore: number | null }
  | { readonly _tag: "Coalesced"; readonly id: string }
  | { readonly _tag: "HealingQueueFull" }

export interface World {
  readonly settings: Settings
  /** By the steady clock, as all instants that somebody waits for. */
  readonly now: number
  /** By how much the wall clock, by which things are recorded, is ahead of it. */
  readonly ahead: number
  /** When the last review of a job was completed. */
  readonly completed: Readonly<Record<string, number>>
  readonly requests: ReadonlyArray<Request>
  readonly paused: boolean
  readonly rateLimitedUntil: number | undefined
  readonly rateLimits: number
  /** R17: when automatic reviews have begun. */
  readonly automaticStarts: ReadonlyArray<number>
  /** How many reviews have begun and do not count, since there was nothing to review. */
  readonly needless: number
  /** The OpenClaw jobs that run, and since when none does. */
  readonly jobs: ReadonlyArray<string>
  readonly idleSince: number | undefined
  readonly places: number
  /** How many callers and runs there have been, whose names differ. */
  readonly names: number
  readonly callers: ReadonlyArray<Caller>
  readonly runs: ReadonlyArray<Run>
  readonly submissions: ReadonlyArray<Submission>
  readonly cancelled: ReadonlyArray<string>
  /** What has happened of which one would like to know that it happens often enough. */
  readonly seen: ReadonlyArray<string>
}

export type Event =
  | { readonly _tag: "Submit"; readonly wish: Wish }
  | { readonly _tag: "Heal"; readonly id: string; readonly wish: Wish }
  | { readonly _tag: "Leave"; readonly id: string }
  | { readonly _tag: "CancelJob"; readonly job: string }
  | { readonly _tag: "CancelId"; readonly id: string }
  | { readonly _tag: "Pause" | "Resume" }
  | { readonly _tag: "Started" | "Finished"; readonly job: string }
  | { readonly _tag: "End"; readonly id: string; readonly how: Ending }
  | { readonly _tag: "Run"; readonly id: string; readonly priority: number }
  | { readonly _tag: "EndRun"; readonly id: string }
  | { readonly _tag: "Advance"; readonly to: number }
  | { readonly _tag: "SetClock" | "Suspend"; readonly by: number }
  | { readonly _tag: "Crash" | "Restart" }
  /** The process dies when it has come so far with what it does about it: after so many commits. */
  | { readonly _tag: "CutOff"; readonly event: Event; readonly commits: number }

const DAY = 24 * 60 * 60 * 1000

const MINUTE = 60 * 1000

const HOUR = 60 * MINUTE

/** What the wall clock shows. */
const wall = ({ ahead, now }: World): number => now + ahead

export const initial = (settings: Settings, now: number, ahead: number): World => ({
  settings,
  now,
  ahead,
  completed: {},
  requests: [],
  paused: false,
  rateLimitedUntil: undefined,
  rateLimits: 0,
  automaticStarts: [],
  needless: 0,
  jobs: [],
  idleSince: Number.NEGATIVE_INFINITY,
  places: 0,
  names: 0,
  callers: [],
  runs: [],
  submissions: [],
  cancelled: [],
  seen: []
})

// --- What can be asked of a world ---

const isAutomatic = ({ triggers }: Row): boolean => !triggers.includes("manual")

const isLive = ({ state }: Row): boolean => state === "pending" || state === "running"

export const inState = (world: World, state: State): ReadonlyArray<Request> =>
  world.requests.filter((request) => request.state === state)

const ofJob = (world: World, job: string, state: State): Request | undefined =>
  inState(world, state).find((request) => request.job === job)

export const waitingFor = (world: World, { number }: Request): ReadonlyArray<Caller> =>
  world.callers.filter((caller) => caller.number === number && caller.outcome === undefined)

const turnsTaken = (world: World): number =>
  inState(world, "running").length + world.runs.filter(({ phase }) => phase === "running").length

const quietEnd = ({ idleSince, settings }: World): number =>
  idleSince === undefined ? Number.POSITIVE_INFINITY : idleSince + settings.quietPeriod

/** When another automatic review may begin (`maxReviewsPerDay`). */
const dailyLimitEnd = ({ automaticStarts, now, settings }: World): number => {
  const lately = automaticStarts.filter((at) => at > now - DAY).sort((a, b) => b - a)
  const oldest = lately[settings.maxReviewsPerDay - 1]
  return oldest === undefined ? Number.NEGATIVE_INFINITY : oldest + DAY
}

/** Until when the cool-down of a job lasts. */
const coolDownEnd = (world: World, job: string): number =>
  (world.completed[job] ?? Number.NEGATIVE_INFINITY) + world.settings.cooldown

type Waiter = { readonly overdue: boolean; readonly priority: number; readonly place: number }

/** R5, and the overdue ones before all others. */
const byOrder = (a: Waiter, b: Waiter): number =>
  Number(b.overdue) - Number(a.overdue) || b.priority - a.priority || a.place - b.place

/** Who has to wait for an instant of its own stands behind all who need not, or for the end of another review. */
export const line = (world: World): ReadonlyArray<Request> => {
  const mustAwaitEnd = ({ job }: Request) =>
    world.settings.maxConcurrent > 1 && ofJob(world, job, "running") !== undefined
  const notBefore = (request: Request) =>
    mustAwaitEnd(request) ? Number.MAX_VALUE : Math.max(request.notBefore ?? 0, world.now)
  return [...inState(world, "pending")].sort((a, b) => notBefore(a) - notBefore(b) || byOrder(a, b))
}

/** Instants at which something may happen by itself. */
export const instants = (world: World): ReadonlyArray<number> =>
  [
    quietEnd(world),
    dailyLimitEnd(world),
    world.rateLimitedUntil ?? 0,
    ...world.callers.filter(({ outcome }) => outcome === undefined).map(({ deadline }) => deadline),
    ...inState(world, "pending").flatMap(({ notBefore, waitUntil }) => [notBefore ?? 0, waitUntil ?? 0]),
    ...inState(world, "running").map((running) => timeout(world, running))
  ]
    .filter((instant) => instant > world.now && instant < Number.POSITIVE_INFINITY)
    .sort((a, b) => a - b)

export const timeout = ({ settings }: World, { begunAt }: Request): number => begunAt + settings.reviewTimeout

// --- What becomes of a request ---

const see = (world: World, what: string): World => ({ ...world, seen: [...world.seen, what] })

const change = (world: World, number: number, to: Partial<Request>): World => ({
  ...world,
  requests: world.requests.map((request) => (request.number === number ? { ...request, ...to } : request))
})

const eachCaller = (world: World, how: (caller: Caller) => Caller): World => ({
  ...world,
  callers: world.callers.map(how)
})

const answer = (world: World, number: number, outcome: Outcome): World => ({
  ...world,
  callers: world.callers.map((caller) =>
    caller.number === number && caller.outcome === undefined ? { ...caller, outcome } : caller
  )
})

const ended = (
  world: World,
  { number }: Request,
  state: State,
  reason: string | null,
  more?: Partial<Request>
): World => see(change(world, number, { state, endedAt: wall(world), endedAhead: world.ahead, reason, ...more }), state)

const cancel = (world: World, request: Request): World =>
  answer(ended(world, request, "cancelled", ANY), request.number, { _tag: "HealingCancelled", id: request.id })

const union = (one: ReadonlyArray<string>, other: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set([...one, ...other])
]

type Wait = Pick<Row, "callersOnly" | "waitUntil">

/** R14: the longest submitted wait; callers have their own. */
const longestWait = (one: Wait, other: Wait): number | null => {
  const submitted = [one, other].filter(({ callersOnly }) => !callersOnly).map(({ waitUntil }) => waitUntil ?? Infinity)
  const longest = Math.max(...submitted)
  return submitted.length === 0 || longest === Infinity ? null : longest
}

/** R14: what two requests for a job, or a request and a wish, want together. The older stays what it is otherwise. */
const together = (
  older: Row,
  newer: Pick<Row, "priority" | "triggers" | "runId" | "note" | "callersOnly" | "waitUntil">
): Partial<Request> => ({
  priority: Math.max(older.priority, newer.priority),
  triggers: union(older.triggers, newer.triggers),
  runId: newer.runId ?? older.runId,
  note: newer.note ?? older.note,
  callersOnly: older.callersOnly && newer.callersOnly,
  waitUntil: longestWait(older, newer)
})

/** R14: a running one goes back to pending, and takes the pending one of its job into itself. */
const goBack = (world: World, running: Request, more: Partial<Request>): World => {
  const newer = ofJob(world, running.job, "pending")
  // The max wait of the older one has ended with its turn.
  const older = { ...running, ...more, overdue: newer?.overdue === true }
  const back = change(world, running.number, {
    ...more,
    overdue: older.overdue,
    state: "pending",
    ...(newer && together(older, newer))
  })
  if (newer === undefined) return back
  const merged = change(back, newer.number, {
    state: "coalesced",
    endedAt: wall(world),
    endedAhead: world.ahead,
    coalescedInto: running.id
  })
  return see(
    {
      ...merged,
      callers: merged.callers.map((caller) =>
        caller.number === newer.number ? { ...caller, number: running.number } : caller
      )
    },
    "merged"
  )
}

const automaticPriority = (trigger: string): number => (trigger === "manual" ? 0 : trigger === "schedule" ? -20 : -10)

/** A wish becomes a request of its own, or part of another, or is refused. */
const want = (
  world: World,
  { job, maxWait, note, priority, runId, trigger = "manual" }: Wish,
  callersOnly: boolean
): readonly [World, Submission] => {
  const wish = {
    priority: priority ?? -10 + automaticPriority(trigger),
    triggers: [trigger],
    runId: runId ?? null,
    note: note ?? null,
    callersOnly,
    waitUntil: callersOnly || maxWait === undefined || maxWait === Infinity ? null : world.now + maxWait
  }
  const pending = ofJob(world, job, "pending")
  if (pending !== undefined) {
    const more = trigger === "manual" ? { ...together(pending, wish), notBefore: null } : together(pending, wish)
    return [see(change(world, pending.number, more), "added"), { _tag: "Coalesced", id: pending.id }]
  }
  if (inState(world, "pending").length >= world.settings.maxPending) {
    return [see(world, "refused"), { _tag: "HealingQueueFull" }]
  }
  const number = world.requests.length + 1
  const until = trigger === "manual" ? Number.NEGATIVE_INFINITY : coolDownEnd(world, job)
  const notBefore = until > world.now ? until : null
  const earliest = trigger === "manual" ? world.now : Math.max(until, dailyLimitEnd(world))
  const id = `healing:${job}:${number}`
  const request: Request = {
    ...wish,
    id,
    number,
    job,
    state: "pending",
    submittedAt: wall(world),
    notBefore,
    attempts: 0,
    starts: [],
    endedAt: null,
    reason: null,
    coalescedInto: null,
    report: null,
    place: world.places,
    overdue: false,
    yields: 0,
    begunAt: 0,
    endedAhead: undefined
  }
  return [
    { ...world, requests: [...world.requests, request], places: world.places + 1 },
    { _tag: "Accepted", id, notBefore: earliest > world.now ? earliest + world.ahead : null }
  ]
}

// --- What the queue does ---

const mayStart = (world: World, request: Request): boolean =>
  !world.paused &&
  (world.rateLimitedUntil ?? 0) <= world.now &&
  (request.notBefore ?? 0) <= world.now &&
  (!isAutomatic(request) || dailyLimitEnd(world) <= world.now) &&
  (request.overdue || quietEnd(world) <= world.now) &&
  ofJob(world, request.job, "running") === undefined

const begin = (world: World, request: Request): World => {
  const begun = change(world, request.number, {
    state: "running",
    notBefore: null,
    waitUntil: null,
    begunAt: world.now,
    starts: [...request.starts, wall(world)]
  })
  return see(
    {
      ...begun,
      automaticStarts: isAutomatic(request) ? [...world.automaticStarts, world.now] : world.automaticStarts,
      callers: begun.callers.map((caller) =>
        caller.number === request.number ? { ...caller, deadline: Number.POSITIVE_INFINITY } : caller
      )
    },
    request.overdue ? "begun overdue" : "begun"
  )
}

const beginRun = (world: World, id: string): World => ({
  ...world,
  runs: world.runs.map((run) => (run.id === id ? { ...run, phase: "running" as const } : run))
})

/** R4, R5: the best of those who may start, if there is a free turn. */
const grant = (world: World): World | undefined => {
  if (turnsTaken(world) >= world.settings.maxConcurrent) return undefined
  const requests = line(world)
    .filter((request) => mayStart(world, request))
    .map((request) => ({ ...request, begin: () => begin(world, request) }))
  const runs = world.runs
    .filter(({ phase }) => phase === "waiting" && quietEnd(world) <= world.now)
    .map((run) => ({ ...run, overdue: false, begin: () => beginRun(world, run.id) }))
  return [...requests, ...runs].sort(byOrder)[0]?.begin()
}

/** R6. */
const expire = (world: World): World => {
  const isDue = (instant: number | null) => instant !== null && instant <= world.now
  const run = world.settings.onMaxWait === "run"
  return inState(world, "pending").reduce((before, request) => {
    const due = waitingFor(before, request).filter(({ deadline }) => isDue(deadline))
    const isOver = isDue(request.waitUntil)
    if (due.length === 0 && !isOver) return before
    if (run) return request.overdue ? before : see(change(before, request.number, { overdue: true }), "overdue")
    const left = eachCaller(before, (caller) =>
      due.includes(caller)
        ? { ...caller, outcome: { _tag: "HealingTimeout", waited: world.now - caller.calledAt } }
        : caller
    )
    const isWanted = waitingFor(left, request).length > 0 || !(request.callersOnly || isOver)
    return isWanted ? left : ended(left, request, "skipped", ANY)
  }, world)
}

/** What is done at an instant after the world has changed: grants, then deadlines (R6), until nothing is left. */
export const settle = (world: World): World => {
  const granted = grant(world)
  if (granted !== undefined) return settle(granted)
  const expired = expire(world)
  return expired === world || grant(expired) === undefined ? expired : settle(expired)
}

/** A review failed, or was cut off: again, as long as there are attempts left. */
const fail = (world: World, running: Request, reason: string, again: boolean, delays: boolean): World => {
  const attempts = running.attempts + 1
  if (!again || attempts >= world.settings.maxAttempts) {
    const failed = ended(world, running, "failed", reason, { attempts })
    return answer(failed, running.number, { _tag: "ReviewError", reason })
  }
  const notBefore = delays ? world.now + 30_000 * 2 ** (attempts - 1) : null
  return see(goBack(world, running, { attempts, notBefore }), "tried again")
}

const endReview = (world: World, running: Request, how: Ending): World => {
  switch (how._tag) {
    case "Completed": {
      const { cooldown } = world.settings
      const completed = {
        ...ended(world, running, "completed", null, { report: how.text }),
        rateLimits: 0,
        completed: { ...world.completed, [running.job]: world.now }
      }
      const pending = ofJob(completed, running.job, "pending")
      const cooled =
        pending === undefined || !isAutomatic(pending) || cooldown === 0
          ? completed
          : see(change(completed, pending.number, { notBefore: world.now + cooldown }), "cooled down")
      return answer(cooled, running.number, {
        _tag: "Review",
        id: running.id,
        job: running.job,
        runId: running.runId,
        startedAt: running.starts.at(-1) ?? Number.NaN,
        endedAt: wall(world),
        attempts: running.attempts,
        report: how.text
      })
    }
    case "Skipped": {
      const start = isAutomatic(running) ? world.automaticStarts.lastIndexOf(running.begunAt) : -1
      const automaticStarts = world.automaticStarts.filter((_, index) => index !== start)
      const starts = running.starts.slice(0, -1)
      return answer(
        ended({ ...world, automaticStarts, needless: world.needless + 1 }, running, "skipped", how.text, { starts }),
        running.number,
        {
          _tag: "HealingSkipped",
          id: running.id,
          reason: how.text
        }
      )
    }
    case "Never":
      return fail(world, running, how.text, false, true)
    case "Backoff":
      return fail(world, running, how.text, true, true)
    case "Die":
      return fail(world, running, ANY, true, true)
    case "RateLimited": {
      const unknown = world.now + Math.min(MINUTE * 2 ** world.rateLimits, HOUR)
      const named = how.until !== undefined && how.until > wall(world) ? how.until - world.ahead : unknown
      // What another review was told of is not made shorter.
      const until = Math.min(Math.max(named, world.rateLimitedUntil ?? 0), world.now + DAY)
      return see(
        { ...goBack(world, running, {}), rateLimitedUntil: until, rateLimits: world.rateLimits + 1 },
        "rate limited"
      )
    }
  }
}

/** R10. */
const yieldTurns = (world: World): World => {
  if (world.settings.onJobStart !== "yield") return world
  const { maxYields } = world.settings
  const yielded = inState(world, "running")
    .filter(({ overdue, yields }) => !overdue && yields < maxYields)
    .reduce((before, running) => see(goBack(before, running, { yields: running.yields + 1 }), "yielded"), world)
  return {
    ...yielded,
    runs: yielded.runs.map((run) =>
      run.phase === "running" && run.yields < maxYields ? { ...run, phase: "waiting", yields: run.yields + 1 } : run
    )
  }
}

const advance = (world: World, to: number): World => {
  const [next] = instants(world)
  if (next === undefined || next > to) return { ...world, now: to }
  const then = { ...world, now: next }
  const cut = inState(then, "running")
    .filter((running) => timeout(then, running) <= next)
    .reduce((before, running) => see(fail(before, running, ANY, true, true), "timed out"), then)
  return advance(settle(cut), to)
}

/** R13: another process begins where the last one has left off. Nobody waits any more who has waited for an answer. */
const open = (world: World): World => {
  const alone: World = { ...world, runs: [], callers: [], jobs: [], idleSince: Number.NEGATIVE_INFINITY }
  // What was recorded while the wall clock was ahead was now at the latest, or does not count.
  const steady = (recorded: number) => Math.min(recorded - world.ahead, world.now)
  const isSoon = (recorded: number, within: number) => recorded - world.ahead < world.now + within
  const isOver = ({ waitUntil }: Request) => waitUntil !== null && waitUntil <= world.now
  const forsaken = world.requests.filter((request) => isLive(request) && request.callersOnly)
  const cancelled = forsaken.reduce((before, request) => ended(before, request, "cancelled", ANY), alone)
  const late = world.settings.onMaxWait === "fail" ? inState(cancelled, "pending").filter(isOver) : []
  const skipped = late.reduce((before, request) => ended(before, request, "skipped", ANY), cancelled)
  const left = inState(skipped, "running").reduce(
    (before, running) => see(fail(before, running, ANY, true, false), "cut off"),
    skipped
  )
  return {
    ...left,
    // Which of the reviews of a request that was added to by hand had begun before that, is not kept.
    automaticStarts: world.requests
      .filter(isAutomatic)
      .flatMap(({ starts }) => starts.filter((start) => isSoon(start, DAY)).map(steady)),
    completed: Object.fromEntries(
      [...inState(world, "completed")]
        .filter(({ endedAt }) => isSoon(endedAt ?? 0, world.settings.cooldown))
        .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))
        .map(({ endedAt, job }) => [job, steady(endedAt ?? 0)])
    ),
    requests: left.requests.map((request) => ({ ...request, place: request.number, overdue: false, yields: 0 })),
    places: left.requests.length + 1
  }
}

/** What the world does. The queue does nothing about it before the next `settle`, or before time passes. */
export const apply = (world: World, event: Event): World => {
  switch (event._tag) {
    case "Submit": {
      const [next, submission] = want(world, event.wish, false)
      return { ...next, submissions: [...next.submissions, submission] }
    }
    case "Heal": {
      const [next, submission] = want(world, event.wish, true)
      const isFull = submission._tag === "HealingQueueFull"
      const caller: Caller = {
        id: event.id,
        number: isFull ? 0 : (next.requests.find(({ id }) => id === submission.id)?.number ?? 0),
        calledAt: world.now,
        deadline: world.now + (event.wish.maxWait ?? world.settings.maxWait),
        outcome: isFull ? { _tag: "HealingQueueFull" } : undefined
      }
      return { ...next, callers: [...next.callers, caller], names: next.names + 1 }
    }
    case "Leave": {
      const caller = world.callers.find(({ id }) => id === event.id)
      if (caller === undefined || caller.outcome !== undefined) return world
      const left: World = {
        ...world,
        callers: world.callers.map((other) =>
          other === caller ? { ...caller, outcome: { _tag: "Interrupted" } } : other
        )
      }
      const request = left.requests.find(({ number }) => number === caller.number)
      if (request === undefined || waitingFor(left, request).length > 0 || !request.callersOnly) return left
      return see(ended(left, request, "cancelled", ANY), `left ${request.state}`)
    }
    case "CancelJob":
    case "CancelId": {
      const isMeant = ({ id, job, state }: Request) =>
        (state === "pending" || state === "running") &&
        (event._tag === "CancelId" ? id === event.id : job === event.job)
      const meant = world.requests.filter(isMeant)
      return { ...meant.reduce(cancel, world), cancelled: meant.map(({ id }) => id).sort() }
    }
    case "Pause":
      return { ...world, paused: true }
    case "Resume":
      return { ...world, paused: false, rateLimitedUntil: undefined, rateLimits: 0 }
    case "Started":
      return yieldTurns({ ...world, jobs: [...world.jobs, event.job], idleSince: undefined })
    case "Finished": {
      const at = world.jobs.indexOf(event.job)
      const jobs = world.jobs.filter((_, index) => index !== at)
      return { ...world, jobs, idleSince: jobs.length > 0 ? undefined : (world.idleSince ?? world.now) }
    }
    case "End": {
      const running = inState(world, "running").find(({ id }) => id === event.id)
      return running === undefined ? world : endReview(world, running, event.how)
    }
    case "Run": {
      const run: Run = {
        id: event.id,
        priority: event.priority,
        place: world.places,
        yields: 0,
        phase: "waiting",
        outcome: undefined
      }
      return { ...world, runs: [...world.runs, run], places: world.places + 1, names: world.names + 1 }
    }
    case "EndRun":
      return {
        ...world,
        runs: world.runs.map((run) =>
          run.id === event.id ? { ...run, phase: "ended", outcome: { _tag: "Done" } } : run
        )
      }
    case "Advance":
      return advance(world, event.to)
    case "SetClock":
      return see({ ...world, ahead: world.ahead + event.by }, "clock set")
    case "Suspend":
      // Whoever is due meanwhile is due afterwards, all at once.
      return see({ ...world, now: world.now + event.by }, "suspended")
    case "Restart":
      return open(inState(world, "running").reduce((before, running) => goBack(before, running, {}), world))
    case "Crash":
    case "CutOff":
      return open(world)
  }
}

/** What a process has done by the end that it was cut off at. */
export interface Done {
  /** Whether it has said that the event has happened. */
  readonly acknowledged: boolean
  /** How many reviews have begun. */
  readonly begun: number
  /** Which callers have had their answer. */
  readonly answered: ReadonlyArray<string>
}

/** R13, R15: what may be found after it, since nobody was told of what was not on disk. */
export const cutOffs = (world: World, event: Event, done: Done): ReadonlyArray<World> => {
  const stages: Array<World> = [world]
  for (let next: World | undefined = apply(world, event); next !== undefined; next = grant(next)) stages.push(next)
  stages.push(settle(apply(world, event)))
  const begun = ({ needless, requests }: World) => requests.reduce((sum, { starts }) => sum + starts.length, needless)
  const hasAnswered = ({ callers }: World, id: string) =>
    callers.some((caller) => caller.id === id && caller.outcome !== undefined)
  return stages
    .filter(
      (stage, at) =>
        (at > 0 || !done.acknowledged) &&
        begun(stage) >= begun(world) + done.begun &&
        done.answered.every((id) => hasAnswered(stage, id))
    )
    .map((stage) => open({ ...stage, submissions: world.submissions, cancelled: world.cancelled }))
}

// --- What can be seen of it ---

export interface View {
  readonly running: ReadonlyArray<Row>
  readonly pending: ReadonlyArray<Row>
  readonly history: ReadonlyArray<Row>
  /** Reviews that truly execute, as they themselves say. */
  readonly executing: ReadonlyArray<string>
  readonly outcomes: Readonly<Record<string, Outcome>>
  readonly submissions: ReadonlyArray<Submission>
  readonly cancelled: ReadonlyArray<string>
  /** What holds the queue back as a whole, and for how long. */
  readonly holds: Readonly<Record<string, number>>
}

export const row = (request: Row, ahead = 0): Row => ({
  id: request.id,
  number: request.number,
  job: request.job,
  state: request.state,
  priority: request.priority,
  triggers: [...request.triggers].sort(),
  runId: request.runId,
  note: request.note,
  callersOnly: request.callersOnly,
  submittedAt: request.submittedAt,
  notBefore: request.notBefore === null ? null : request.notBefore + ahead,
  waitUntil: request.waitUntil === null ? null : request.waitUntil + ahead,
  attempts: request.attempts,
  starts: request.starts,
  endedAt: request.endedAt,
  reason: request.reason,
  coalescedInto: request.coalescedInto,
  report: request.report
})

const newestFirst = (a: Row, b: Row): number => (b.endedAt ?? 0) - (a.endedAt ?? 0) || b.number - a.number

export const view = (world: World): View => {
  const rateLimited = (world.rateLimitedUntil ?? 0) - world.now
  const dailyLimited = dailyLimitEnd(world) - world.now
  return {
    running: inState(world, "running").map((request) => row(request, world.ahead)),
    pending: line(world).map((request) => row(request, world.ahead)),
    history: world.requests
      .filter((request) => !isLive(request))
      .sort(newestFirst)
      .map((request) => row(request, request.endedAhead)),
    executing: [
      ...inState(world, "running").map(({ id }) => id),
      ...world.runs.filter(({ phase }) => phase === "running").map(({ id }) => id)
    ].sort(),
    outcomes: Object.fromEntries(
      [...world.callers, ...world.runs].flatMap(({ id, outcome }) => (outcome === undefined ? [] : [[id, outcome]]))
    ),
    submissions: world.submissions,
    cancelled: world.cancelled,
    holds: {
      ...(world.paused ? { Paused: 0 } : {}),
      ...(rateLimited > 0 ? { RateLimited: rateLimited } : {}),
      ...(dailyLimited > 0 ? { DailyLimit: dailyLimited } : {})
    }
  }
}
