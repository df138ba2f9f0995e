/**
 * Watches a ProcClaw: looks at it now and then, and answers as a `Supervisor`.
 *
 * @internal
 */
import { join } from "node:path"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { SupervisorError } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import * as Clocks from "../internal/Clocks.js"
import * as SafeLog from "../internal/SafeLog.js"
import * as StateFile from "../internal/StateFile.js"
import { named } from "../supervisor/Sources.js"
import { Activity, type JobEvent, type JobInfo, type RunEvent, type Supervisor } from "../supervisor/Supervisor.js"
import * as ToldActivity from "../supervisor/ToldActivity.js"
import * as Api from "./Api.js"
import * as AuditLog from "./AuditLog.js"
import { ByItsWord } from "./ByItsWord.js"
import * as JobEvidence from "./JobEvidence.js"
import * as JobFiles from "./JobFiles.js"
import type { Machine } from "./Machine.js"
import * as Payload from "./Payload.js"
import { isHealedByProcClaw, policyOf } from "./Policy.js"
import * as Runs from "./Runs.js"

/**
 * - `home`: ProcClaw's folder, if it may be on this machine.
 * - `timeZone`: in which it writes its times.
 * - `interval`: how often it is looked at, in milliseconds.
 * - `suspectAfter`: for how long one may run by its word alone before people are told, in milliseconds.
 * - `openClaw`: the jobs that call OpenClaw whatever their type is.
 * - `exclude`: those that are not reviewed.
 * - `machine`: what is seen of that folder's ProcClaw here.
 *
 * @internal
 */
export interface WatchOptions {
  readonly url: URL
  readonly token: Redacted.Redacted<string> | undefined
  readonly home: string | undefined
  readonly timeZone: string
  readonly interval: number
  readonly suspectAfter: number
  readonly openClaw: ReadonlySet<string>
  readonly exclude: ReadonlySet<string>
  readonly machine: Machine | undefined
}

/** The name of the source. */
const NAME = "procclaw"

/** After the audit log has grown, a process that has ended may still be about to go. */
const SOON = 1000

/** Kept for each reader of events who is late. */
const MAX_EVENTS = 1000

/** Jobs of which the type is remembered, also of those that are gone: their agents may live on. */
const MAX_KINDS = 10_000

/** Of a list of runs: at first as many as ProcClaw lists, since this process may have been down. It filters after the limit. */
const RUNS = { first: 500, later: 100 }

/** Open runs that are no longer among the newest are asked for job by job, so many in each look, and so many runs of each. */
const OPEN = { jobs: 5, runs: 100 }

/** A look takes some questions, each of which may take three seconds. */
const LATE = Duration.seconds(10)

/** It waits for the end of the old process, for a minute unless its configuration says otherwise. */
const RESTART = Duration.minutes(2)

const CLOSED = "the adapter of ProcClaw is closed"

/**
 * Longer than a screen, since the loop and those who ask share what was heard last.
 *
 * @internal
 */
export const make = (options: WatchOptions): Effect.Effect<Context.Tag.Service<Supervisor>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { exclude, home, machine, openClaw, timeZone } = options
    const clock = yield* Effect.clock
    const now = () => Clocks.millis(clock)
    const api = Api.make(options.url, options.token)
    const jobFiles = home === undefined ? undefined : JobFiles.make(home)
    const activity = yield* ToldActivity.make("ProcClaw was not asked yet")
    const { tell } = activity
    const events = Broadcast.keeping<JobEvent>(MAX_EVENTS)
    const runEvents = Broadcast.keeping<RunEvent>(MAX_EVENTS)
    /** By type, as they were listed last. */
    const kinds = new Map<string, string>()
    const isAlwaysUp = (job: string) => kinds.get(job) === "continuous"
    /** One that was never listed may be an OpenClaw job. */
    const isOpenClaw = (job: string) => openClaw.has(job) || (kinds.get(job) ?? "openclaw") === "openclaw"
    const counts = (job: string) => isOpenClaw(job) && !isAlwaysUp(job)
    const isReviewed = (job: string) => !exclude.has(job)
    const memory = home === undefined ? undefined : memoryIn(home, options.url)
    const runs = Runs.make(
      memory?.read(),
      (event) => {
        if (isReviewed(event.job)) runEvents.tell(event)
      },
      (event) => {
        if (isReviewed(event.job)) events.tell(event)
      },
      isAlwaysUp
    )
    const byItsWord = new ByItsWord()
    const wanted = yield* Effect.makeLatch(false)
    const seen = yield* Effect.makeLatch(false)
    const grown = () => {
      wanted.unsafeOpen()
      seen.unsafeOpen()
    }
    const audit = home === undefined ? undefined : yield* AuditLog.follow(home, grown)
    const suspected = new Set<string>()
    /** Whether its processes can be seen, which they can for good once they could. */
    let isHere = false
    /** What runs by ProcClaw's word, while its daemon is not seen: it may be another user's by now. */
    let byWord: ReadonlySet<string> = new Set()
    let hasListed = false
    let looks = 0
    /** Whether the breaches of service levels are to be asked for. */
    let wantsBreaches = true
    let hasClosed = false

    const tellRunning = (jobs: Iterable<string>) =>
      tell(Activity.Known({ running: Array.from(new Set(jobs)).filter(counts).toSorted() }))

    /** By their processes. One that ProcClaw does not list may have been removed while it ran, unless it is another ProcClaw's. */
    const tellHere = Effect.suspend(() => {
      const seen = (machine?.jobs() ?? []).filter(({ isForeign, job }) => !isForeign || kinds.has(job))
      return tellRunning([...seen.map(({ job }) => job), ...byWord])
    })

    const learn = (jobs: ReadonlyArray<Payload.Job>) => {
      for (const { id, type } of jobs) if (kinds.has(id) || kinds.size < MAX_KINDS) kinds.set(id, type)
    }

    /** What it lists, or why it cannot be asked. */
    const jobsNow = Effect.flatMap(api.get("/api/v1/jobs"), (body) =>
      Option.match(Payload.jobsOf(body), {
        onNone: () => new Api.ProcClawSilent({ reason: "ProcClaw lists what cannot be understood" }),
        onSome: (found) => {
          learn(found.jobs)
          return Effect.succeed(found)
        }
      })
    )

    const runsIn = (path: string) =>
      Effect.flatMap(api.get(path), (body) =>
        Option.match(Payload.runsOf(body, timeZone), {
          onNone: () => new Api.ProcClawSilent({ reason: "ProcClaw lists runs that cannot be understood" }),
          onSome: Effect.succeed
        })
      )

    /** The newest, and those that run for longer. One that its own job does not list any more was deleted. */
    const runsNow = Effect.gen(function* () {
      const newest = yield* runsIn(`/api/v1/runs?limit=${hasListed ? RUNS.later : RUNS.first}`)
      const listed = new Set(newest.map(({ key }) => key))
      const older = runs.open().filter(({ key }) => !listed.has(key))
      const jobs = Array.from(new Set(older.map(({ job }) => job)))
      // Each has its turn, however many there are.
      const from = jobs.length <= OPEN.jobs ? 0 : looks++ % jobs.length
      const asked = [...jobs.slice(from), ...jobs.slice(0, from)].slice(0, OPEN.jobs)
      const others = yield* Effect.forEach(asked, (job) =>
        runsIn(`/api/v1/runs?job_id=${encodeURIComponent(job)}&limit=${OPEN.runs}`)
      )
      const ofInterest = new Set(older.map(({ key }) => key))
      const found = others.flat().filter(({ key }) => ofInterest.has(key))
      const keys = new Set(found.map(({ key }) => key))
      runs.vanished(new Set(older.flatMap(({ job, key }) => (asked.includes(job) && !keys.has(key) ? [key] : []))))
      return [...newest, ...found].toSorted((a, b) => (b.run.startedAt ?? 0) - (a.run.startedAt ?? 0))
    })

    const tellOnce = Effect.fnUntraced(function* (jobs: ReadonlyArray<Payload.Job>, at: number) {
      if (!hasListed) {
        hasListed = true
        const healed = jobs.filter(({ id, selfHealing }) => isReviewed(id) && isHealedByProcClaw(selfHealing))
        if (healed.length > 0) yield* SafeLog.warn(healedTwice(healed.map(({ id }) => id)))
        for (const { id } of jobs) {
          if (!isOpenClaw(id) || !isAlwaysUp(id)) continue
          yield* SafeLog.warn(`The OpenClaw job ${id} is always up, and does not hold reviews up`)
        }
      }
      for (const job of byItsWord.unsupportedFor(options.suspectAfter, at)) {
        if (suspected.has(job) || !counts(job)) continue
        suspected.add(job)
        yield* SafeLog.warn(
          `ProcClaw says that the OpenClaw job ${job} runs, and nothing else does: no run is open, and there is no sign of life. Reviews wait for it. If it does not run, start it once more and let it end: procclaw start ${job}`
        )
      }
      for (const job of suspected) if (!jobs.some(({ id, isRunning }) => id === job && isRunning)) suspected.delete(job)
    })

    const lookByItsWord = (found: Effect.Effect.Success<typeof jobsNow>, listed: ReadonlyArray<Payload.ListedRun>) =>
      Effect.gen(function* () {
        const at = now()
        const wall = yield* Clock.currentTimeMillis
        const heartbeats = machine?.heartbeats(wall) ?? []
        const cutOff = AuditLog.cutOffIn(audit?.added() ?? "")
        byWord = byItsWord.look({ at, wall, jobs: found.jobs, runs: listed, heartbeats, cutOff })
        if (found.odd > 0) {
          yield* tell(Activity.Unknown({ reason: `ProcClaw lists ${found.odd} entries that are no jobs` }))
        } else yield* isHere ? tellHere : tellRunning(byWord)
      })

    const lookForBreaches = (jobs: ReadonlyArray<Payload.Job>, wall: number) =>
      Effect.gen(function* () {
        const breaches = Payload.breachesOf(yield* api.get("/api/v1/sla/breaches?since=24h"), timeZone)
        const withSla = new Set(jobs.filter(({ hasSla }) => hasSla).map(({ id }) => id))
        runs.breached(
          Option.getOrElse(breaches, () => []).filter(({ job }) => withSla.has(job)),
          wall
        )
        wantsBreaches = false
      }).pipe(
        Effect.catchTag("ProcClawSilent", ({ status }) =>
          Effect.sync(() => {
            if (status === 404) wantsBreaches = false
          })
        )
      )

    const keep = Effect.suspend(() => {
      const told = runs.told()
      return memory === undefined ? Effect.void : memory.write(told, JSON.stringify(told))
    })

    const look = Effect.gen(function* () {
      const found = yield* jobsNow
      const listed = yield* runsNow
      const isSeen = machine?.isDaemonHere() === true
      isHere ||= isSeen
      if (isSeen) {
        byWord = new Set()
        yield* tellHere
      } else yield* lookByItsWord(found, listed)
      const wall = yield* Clock.currentTimeMillis
      if (runs.listed(listed, wall)) wantsBreaches = true
      yield* keep
      if (wantsBreaches) yield* Effect.zipRight(lookForBreaches(found.jobs, wall), keep)
      yield* tellOnce(found.jobs, now())
    }).pipe(
      // What is long in coming says nothing of what runs now. Its processes are seen without it.
      Effect.timeoutFail({
        duration: LATE,
        onTimeout: () => new Api.ProcClawSilent({ reason: "ProcClaw takes its time" })
      }),
      Effect.catchTag("ProcClawSilent", ({ reason }) => (isHere ? tellHere : tell(Activity.Unknown({ reason }))))
    )

    yield* Effect.addFinalizer(() => {
      hasClosed = true
      return tell(Activity.Unknown({ reason: CLOSED }))
    })
    /** Again and again: soon after the audit log has grown, and else in its time. `next`: when it is due before that. */
    const whenever = (grown: Effect.Latch, what: Effect.Effect<void>, next: () => number) =>
      Effect.gen(function* () {
        let pause = 0
        while (true) {
          const wasWoken = Option.isSome(yield* Effect.timeoutOption(grown.await, pause))
          grown.unsafeClose()
          yield* what
          const due = Math.ceil(next() - now())
          pause = Math.max(1, Math.min(options.interval, due, wasWoken ? SOON : Number.POSITIVE_INFINITY))
        }
      }).pipe(
        Effect.catchAllCause(() => tell(Activity.Unknown({ reason: "the adapter of ProcClaw broke" }))),
        Effect.zipRight(Effect.sleep(options.interval)),
        Effect.forever,
        Effect.forkScoped
      )
    yield* whenever(wanted, look, () => (isHere ? Number.POSITIVE_INFINITY : byItsWord.next))
    // A daemon that is slow to answer does not keep anybody from seeing its processes.
    yield* whenever(
      seen,
      Effect.suspend(() => (isHere ? tellHere : Effect.void)),
      () => Number.POSITIVE_INFINITY
    )

    const asked = <A>(question: Effect.Effect<A, Api.ProcClawSilent>) =>
      Effect.suspend(() => (hasClosed ? new Api.ProcClawSilent({ reason: CLOSED }) : question)).pipe(
        Effect.mapError(({ reason }) => new SupervisorError({ detail: reason }))
      )

    const jobOf = (id: string) =>
      Effect.flatMap(asked(jobsNow), ({ jobs }) => {
        const job = isReviewed(id) ? jobs.find((one) => one.id === id) : undefined
        return job === undefined
          ? new SupervisorError({ detail: `ProcClaw has no job named ${id}` })
          : Effect.succeed(job)
      })

    const infoOf = ({ id, selfHealing, type }: Payload.Job): JobInfo => {
      const own = jobFiles?.read(id) ?? {}
      const schedule = Predicate.isReadonlyRecord(selfHealing.review_schedule) ? selfHealing.review_schedule : {}
      const { day_of_month = schedule.day_of_month, ...others } = own
      const review_schedule = { ...schedule, ...(day_of_month !== undefined && { day_of_month }) }
      return {
        id,
        kind: type,
        openClaw: isOpenClaw(id),
        ...(isOpenClaw(id) && isAlwaysUp(id) && { alwaysUp: true }),
        ...(isAlwaysUp(id) && { canRestart: true }),
        policy: policyOf({ ...selfHealing, review_schedule, ...others }, timeZone)
      }
    }

    return named(NAME, {
      jobs: Effect.map(asked(jobsNow), ({ jobs }) => jobs.filter(({ id }) => isReviewed(id)).map(infoOf)),
      activity: activity.changes,
      events: events.listen,
      runs: runEvents.listenFrom(() => runs.starts().filter(({ job }) => isReviewed(job))),
      evidence: ({ id }, scope) =>
        Effect.flatMap(jobOf(id), (job) => JobEvidence.gather(api, job, scope, timeZone, isHere ? home : undefined)),
      restart: ({ id }) =>
        Effect.flatMap(jobOf(id), ({ type }) =>
          type === "continuous"
            ? asked(restart(api, id))
            : new SupervisorError({ detail: `ProcClaw does not always keep ${id} up, so it is not restarted` })
        ),
      ownPaths: home === undefined ? [] : OWN_FILES.map((name) => join(home, name))
    })
  })

/** Not its prompts: those are what its people write. */
const OWN_FILES = ["procclaw.yaml", "jobs", "logs", "procclaw.db", "procclaw.db-wal", "procclaw.db-shm", "procclaw.pid"]

const memoryIn = (home: string, url: URL): StateFile.StateFile<Runs.Told> => {
  return StateFile.make(
    home,
    url.host,
    Runs.Told,
    `${home} cannot be written to: what has failed while this process is down is not known after a restart`
  )
}

const healedTwice = (jobs: ReadonlyArray<string>): string => {
  const some = jobs.slice(0, 10).join(", ")
  const more = jobs.length > 10 ? ` and ${jobs.length - 10} more` : ""
  return `ProcClaw's own self-healing is on for ${some}${more}, which are reviewed here as well: set self_healing.enabled to false in their files in ProcClaw's folder jobs, and reload. When and how they are reviewed still stands there`
}

const restart = (api: Api.Api, id: string): Effect.Effect<void, Api.ProcClawSilent> =>
  Effect.gen(function* () {
    const path = `/api/v1/jobs/${encodeURIComponent(id)}`
    const before = Payload.pidOf(yield* api.get(path))
    const answer = yield* Effect.either(api.post(`${path}/restart`, RESTART))
    const after = Payload.pidOf(yield* api.get(path))
    if (after !== undefined && after !== before) return
    if (after !== undefined) {
      const why = answer._tag === "Left" ? `: ${answer.left.reason}` : ""
      return yield* new Api.ProcClawSilent({
        reason: `ProcClaw has not restarted ${id}, which runs on as it was${why}`
      })
    }
    return yield* new Api.ProcClawSilent({
      reason: `ProcClaw has stopped ${id} and has not started it: it starts no job twice within 60 seconds. Start it in a minute: procclaw start ${id}`
    })
  })
