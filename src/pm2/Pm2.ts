/**
 * PM2 as the supervisor.
 *
 * @since 0.1.0
 */
import { isAbsolute } from "node:path"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { SupervisorError } from "../HealingError.js"
import * as Broadcast from "../internal/Broadcast.js"
import * as Proc from "../internal/Proc.js"
import type { Evidence, EvidenceScope } from "../supervisor/Evidence.js"
import { Activity, type JobEvent, type JobInfo, type RunEvent, Supervisor } from "../supervisor/Supervisor.js"
import * as ToldActivity from "../supervisor/ToldActivity.js"
import * as Client from "./daemon/Client.js"
import * as Payload from "./daemon/Payload.js"
import { defaultHome } from "./Home.js"
import * as LastLook from "./LastLook.js"
import { isUp, matcher, NAMESPACE, type NamePattern, type OpenClawRules, roleOf, VARIABLE } from "./OpenClawRules.js"
import * as RunningJobs from "./RunningJobs.js"
import * as Runs from "./Runs.js"
import { startedBy } from "./Started.js"
import * as Starts from "./Starts.js"

export type { NamePattern } from "./OpenClawRules.js"

/**
 * How PM2 is found, and which of its processes are OpenClaw jobs.
 *
 * - `home`: the folder of the daemon's sockets; by default the `PM2_HOME` of the environment, or else `~/.pm2`.
 * - `namespace` ("openclaw"): the processes of this namespace are OpenClaw jobs.
 * - `name` (none): and so are those with this name, or with a name that matches it.
 * - `variable` ("HEALING_OPENCLAW"): and those with this variable in their environment: `true` for a job that ends by itself,
 *   `while-up` for one that is always up and is to count all the while. `false` makes it none, whatever its namespace and name.
 * - `exclude` (none): names of processes that are not reviewed. Those of them that are OpenClaw jobs still hold reviews up.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pm2Options {
  readonly home?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: NamePattern | undefined
  readonly variable?: string | undefined
  readonly exclude?: ReadonlyArray<NamePattern> | undefined
}

/**
 * The `Supervisor` of the processes of a PM2 daemon on this machine, over the daemon's own sockets. It starts no daemon: while
 * none runs, what runs is unknown, and thereby busy (R16), and it connects as soon as one does.
 *
 * - A job is all processes of one name, except for PM2's modules. It runs as often as processes of it do.
 * - An OpenClaw job counts while it is up if it is finite: if it has `autorestart: false`. One that PM2 always keeps up, also with
 *   a `cron_restart`, would hold reviews up for ever: it is named in a warning, and counts only if its environment holds
 *   `HEALING_OPENCLAW=while-up`. Between a crash and an immediate restart it counts; while PM2 waits to restart it, it does not.
 * - One whose daemon was killed counts for as long as it lives, and so do the children of one that was killed, on Linux. They are named
 *   in a warning, since PM2 would start the job a second time. They are found by a file that this layer keeps in PM2's home, and on Linux
 *   by their environments. Off Linux a process cannot be told from another one that gets its pid.
 * - A run that ends with an exit code other than 0 and the `stop_exit_codes`, or by a signal other than SIGTERM, SIGINT and
 *   SIGHUP, is a `failure`, and so is one after which PM2 gives up (`errored`), and one that PM2 ends for `max_memory_restart`. A stop,
 *   a restart, a reload or a delete is none. What failed without a connection, or while this process was down, is found when there is one
 *   again, once for each process, unless PM2 itself was restarted meanwhile.
 * - A policy is the JSON in the environment entry `HEALING_POLICY` of a process, the first with that name that has one.
 * - Evidence holds the command line, the script, the paths of the logs, and up to 200 runs: those seen since the layer was
 *   built, and the last one before that. Of environments nothing is kept but these two entries.
 *
 * Deaths by signals, and starts before they are listed, are read from PM2's own log, of which it tells only with a date format:
 * by default it has one (`PM2_LOG_DATE_FORMAT`).
 *
 * `jobs` and `evidence` ask PM2 anew, and fail with a `SupervisorError` if it does not answer within 10 seconds. What PM2 does
 * without telling is seen at the latest after 30 seconds. Closing the layer closes its two connections.
 *
 * Tried with PM2 7.0. Its protocol is documented by its source alone: https://github.com/Unitech/pm2.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Supervisor } from "effect-healing"
 * import { Pm2 } from "effect-healing/pm2"
 *
 * // Reviews wait for the processes of the namespace `openclaw`, and for all whose names begin with `agent-`.
 * export const SupervisorLive = Supervisor.layerActivity.pipe(
 *   Layer.provideMerge(Pm2.layer({ name: /^agent-/, exclude: ["nginx"] }))
 * )
 * ```
 *
 * In `ecosystem.config.cjs`:
 *
 * ```js
 * module.exports = {
 *   apps: [
 *     {
 *       name: "nightly-digest",
 *       script: "digest.js",
 *       namespace: "openclaw",
 *       autorestart: false,
 *       cron_restart: "0 3 * * *",
 *       env: { HEALING_POLICY: JSON.stringify({ schedule: { frequency: "weekly", day: 1 } }) }
 *     }
 *   ]
 * }
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const Pm2: {
  readonly layer: (options?: Pm2Options) => Layer.Layer<Supervisor>
} = {
  layer: (options = {}) => Layer.scoped(Supervisor, make(options))
}

/** PM2 deletes without telling. */
const SAFETY_LOOK = "30 seconds"

/** Nobody tells when a process that is being started is there. */
const STARTING_LOOK = "50 millis"

/** Nobody tells when an orphan ends. */
const ORPHAN_LOOK = "1 second"

const FIRST_PAUSE = 100

const LONGEST_PAUSE = 5000

/** Answers in a row that were older than an event that has come before them. */
const MAX_DROPPED = 20

/** Kept for each reader of events who is late. */
const MAX_EVENTS = 1000

type Asking = Deferred.Deferred<ReadonlyArray<Payload.Process>, SupervisorError>

/**
 * Longer than a screen, since the connection, its loop and those who ask share what was heard last.
 */
const make = (options: Pm2Options): Effect.Effect<Supervisor["Type"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const home = options.home ?? (yield* defaultHome)
    const variable = options.variable ?? VARIABLE
    const rules: OpenClawRules = {
      namespace: options.namespace ?? NAMESPACE,
      isNamed: options.name === undefined ? () => false : matcher(options.name)
    }
    const excluded = (options.exclude ?? []).map(matcher)
    const isReviewed = ({ isModule, job }: Pick<Payload.Process, "isModule" | "job">) =>
      !isModule && !excluded.some((matches) => matches(job))

    const activity = yield* ToldActivity.make("PM2 was not asked yet")
    const { tell } = activity
    // What has failed before anybody listened is no less news.
    const events = Broadcast.keeping<JobEvent>(MAX_EVENTS)
    const lookFile = LastLook.make(home, JSON.stringify([rules.namespace, String(options.name), variable]))
    const lastLook = lookFile.read(yield* Clock.currentTimeMillis)
    const isJobReviewed = (job: string) => isReviewed({ job, isModule: false })
    const runEvents = Broadcast.keeping<RunEvent>(MAX_EVENTS)
    const runs = Runs.make((event) => {
      if (isJobReviewed(event.job)) runEvents.tell(event)
    })
    if (lastLook !== undefined) runs.resume(lastLook)
    const starts = Starts.make(yield* Effect.clock)
    const running = RunningJobs.make(rules, variable, () => startedBy(home, variable), lastLook?.processes ?? [])
    const asking = new Set<Asking>()
    const wanted = yield* Effect.makeLatch(false)
    let connected: Client.Client | undefined
    let changes = 0
    let pause = FIRST_PAUSE
    let hasClosed = false

    const tellEvent = (event: JobEvent | undefined, isModule: boolean) => {
      if (event !== undefined && isReviewed({ job: event.job, isModule })) events.tell(event)
    }

    const lookAgain = () => {
      changes++
      wanted.unsafeOpen()
    }

    const receive = (topic: string, payload: unknown) => {
      if (topic === "process:event") {
        lookAgain()
        const exit = Option.getOrUndefined(Payload.exitOf(payload))
        if (exit !== undefined) starts.ended(exit.slot)
        if (exit !== undefined && !exit.isModule) tellEvent(runs.ended(exit), exit.isModule)
      } else if (topic === "process:exception") {
        Option.map(Payload.exceptionOf(payload), runs.excepted)
      } else {
        const line = Option.getOrUndefined(Payload.lineOf(payload))
        if (line === undefined) return
        lookAgain()
        runs.read(line)
        if (line._tag === "Starting") starts.add(line.slot)
        if (line._tag === "Ended" && line.signal !== undefined && Runs.isKill(line.signal)) running.killed(line.slot)
      }
    }

    const looks = Effect.fnUntraced(function* (client: Client.Client) {
      let isFirst = true
      let dropped = 0
      while (true) {
        wanted.unsafeClose()
        const asked = Array.from(asking)
        const changesBefore = changes
        const list = Option.getOrUndefined(Payload.processesOf(yield* client.list, variable))
        if (list === undefined) return yield* new Client.Pm2Lost({ reason: "PM2 lists what cannot be understood" })
        const { odd, processes } = list
        const isOld = changes !== changesBefore
        if (isOld && dropped < MAX_DROPPED) {
          dropped++
          continue
        }
        if (!isOld) dropped = 0
        const managed = processes.filter(({ isModule }) => !isModule)
        for (const event of runs.listed(managed, isFirst)) tellEvent(event, false)
        const up = yield* running.of(processes, isFirst)
        yield* lookFile.write(lookOf(processes, rules), yield* Clock.currentTimeMillis)
        const isStarting = starts.listed(processes, (process) => roleOf(process, rules) === "counts")
        if (isOld) yield* tell(Activity.Unknown({ reason: "PM2 changes faster than it lists" }))
        else if (isStarting) yield* tell(Activity.Unknown({ reason: "PM2 is starting a process" }))
        else if (odd > 0) yield* tell(Activity.Unknown({ reason: `PM2 lists ${odd} entries that are no processes` }))
        else yield* tell(Activity.Known({ running: up }))
        for (const one of asked) Deferred.unsafeDone(one, Exit.succeed(managed))
        isFirst = false
        pause = FIRST_PAUSE
        const isOrphaned = running.hasOrphans()
        const longest = isStarting ? STARTING_LOOK : isOrphaned ? ORPHAN_LOOK : SAFETY_LOOK
        yield* Effect.timeoutOption(wanted.await, longest)
      }
    })

    const connection = Effect.scoped(
      Effect.flatMap(Client.open(home, receive), (client) => {
        connected = client
        return Effect.raceFirst(client.lost, looks(client))
      })
    )

    const lose = Effect.fnUntraced(function* (reason: string) {
      yield* tell(Activity.Unknown({ reason }))
      for (const one of asking) Deferred.unsafeDone(one, Exit.fail(new SupervisorError({ detail: reason })))
    })

    yield* Effect.addFinalizer(() => {
      hasClosed = true
      return lose(CLOSED)
    })
    yield* Effect.exit(connection).pipe(
      Effect.flatMap((exit) => lose(Exit.match(exit, { onSuccess: () => BROKE, onFailure: reasonOf }))),
      Effect.zipRight(
        Effect.suspend(() => {
          const now = pause
          pause = Math.min(pause * 1.5, LONGEST_PAUSE)
          wanted.unsafeClose()
          // Somebody who asks does not wait for the pause.
          return Effect.timeoutOption(wanted.await, now)
        })
      ),
      Effect.forever,
      Effect.forkScoped
    )

    /** The processes, from a list that was asked for after this was. */
    const ask = Effect.suspend(() => {
      if (hasClosed) return new SupervisorError({ detail: CLOSED })
      return Effect.flatMap(Deferred.make<ReadonlyArray<Payload.Process>, SupervisorError>(), (one) => {
        asking.add(one)
        wanted.unsafeOpen()
        return Effect.ensuring(
          Deferred.await(one),
          Effect.sync(() => asking.delete(one))
        )
      })
    })

    return {
      jobs: Effect.map(ask, (processes) => jobsOf(processes.filter(isReviewed), rules)),
      activity: activity.changes,
      events: events.listen,
      runs: runEvents.listenFrom(() => runs.up().filter(({ job }) => isJobReviewed(job))),
      restart: ({ id }) =>
        Effect.gen(function* () {
          const processes = (yield* ask).filter((process) => process.job === id && isReviewed(process))
          if (processes.length === 0 || !processes.every(({ autorestart }) => autorestart)) {
            return yield* new SupervisorError({ detail: `PM2 does not always keep ${id} up, so it is not restarted` })
          }
          // One that a person has stopped has no pid, stays so, and takes the change when it is started. One that PM2 is about to start again
          // may be started with the old file.
          const started = processes.filter((process) => process.pid !== null || isUp(process))
          const restarts = yield* Effect.forEach(started, ({ slot }) =>
            Effect.either(connected?.restart(slot) ?? new Client.Pm2Lost({ reason: BROKE }))
          )
          const reasons = restarts.flatMap((one) => (one._tag === "Left" ? [one.left.reason] : []))
          if (reasons.length > 0) {
            const detail = `${reasons.length} of ${restarts.length} processes of ${id}: ${Array.from(new Set(reasons)).join(", ")}`
            return yield* new SupervisorError({ detail })
          }
        }),
      ownPaths: [home],
      evidence: ({ id }, scope) =>
        Effect.flatMap(ask, (processes) => {
          const [first, ...others] = processes.filter((process) => process.job === id && isReviewed(process))
          return first === undefined
            ? new SupervisorError({ detail: `PM2 has no process named ${id}` })
            : Effect.succeed(evidenceOf([first, ...others], first, runs, scope))
        })
    }
  })

const lookOf = (processes: ReadonlyArray<Payload.Process>, rules: OpenClawRules): ReadonlyArray<LastLook.SeenProcess> =>
  processes
    .filter(({ isModule }) => !isModule)
    .map((process) => ({
      ...Runs.seenOf(process),
      start:
        process.pid !== null && roleOf(process, rules) === "counts" && isUp(process)
          ? (Proc.startOf(process.pid) ?? null)
          : null
    }))

const CLOSED = "the adapter of PM2 is closed"

const BROKE = "the adapter of PM2 broke"

/** What a defect says is left out: anything may stand in it. */
const reasonOf = (cause: Cause.Cause<Client.Pm2Lost>): string =>
  Option.match(Cause.failureOption(cause), { onNone: () => BROKE, onSome: ({ reason }) => reason })

const jobsOf = (processes: ReadonlyArray<Payload.Process>, rules: OpenClawRules): ReadonlyArray<JobInfo> => {
  const jobs = new Map<string, JobInfo>()
  for (const process of processes) {
    const known = jobs.get(process.job)
    const role = roleOf(process, rules)
    const canRestart = process.autorestart && (known === undefined || known.canRestart === true)
    // One process of it that counts is enough.
    const isAlwaysUp = role === "always" && (known === undefined || !known.openClaw || known.alwaysUp === true)
    jobs.set(process.job, {
      id: process.job,
      kind: known?.kind ?? (process.isCron ? "cron" : process.mode),
      openClaw: known?.openClaw === true || role !== "none",
      ...(isAlwaysUp && { alwaysUp: true }),
      ...(canRestart && { canRestart: true }),
      policy: known === undefined || known.policy === Payload.NO_POLICY ? process.policy : known.policy
    })
  }
  return Array.from(jobs.values())
}

/** Nobody reads more than some of them. */
const MAX_LOGS = 8

const evidenceOf = (
  processes: ReadonlyArray<Payload.Process>,
  { command, script }: Payload.Process,
  runs: Runs.Runs,
  scope: EvidenceScope
): Evidence => {
  const job = processes[0]?.job ?? ""
  const logs = new Map<string, string>()
  for (const { errorLog, outputLog } of processes) {
    if (errorLog !== undefined && isAbsolute(errorLog)) logs.set(errorLog, "stderr")
    // The two may be one file.
    if (outputLog !== undefined && isAbsolute(outputLog) && !logs.has(outputLog)) logs.set(outputLog, "stdout")
  }
  return {
    command,
    runs: runs.of(job, scope),
    slaBreaches: [],
    logs: Array.from(logs, ([path, name]) => ({ name, path }))
      .filter(({ path }) => path !== "/dev/null")
      .slice(0, MAX_LOGS),
    files: script === undefined || !isAbsolute(script) ? [] : [{ path: script, role: "script" }]
  }
}
