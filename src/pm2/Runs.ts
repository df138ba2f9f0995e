/**
 * The runs of jobs, as far as they were seen, and those of their ends that are failures.
 *
 * @internal
 */
import { type EvidenceScope, type Run, runsWithin } from "../supervisor/Evidence.js"
import type { JobEvent, RunEvent } from "../supervisor/Supervisor.js"
import { type Exception, type Exit, type Line, type Process, UNKNOWN } from "./daemon/Payload.js"
import type { LastLook, SeenProcess } from "./LastLook.js"
import { isUp } from "./OpenClawRules.js"

/** How many runs of one job are kept. */
const MAX_RUNS = 200

/** The jobs that were seen last: also of those that are gone, since an update may delete them and start them anew. */
const MAX_JOBS = 1000

/** Processes of which an exception, a signal or a stop is kept, until their end is told. */
const MAX_LAST_WORDS = 1000

/** The time from an uncaught exception to the end that it brings about, in milliseconds. */
const MAX_AGONY = 10_000

/** Of what a run has said last, in characters. */
const MAX_LAST_ERROR = 10_000

const GAVE_UP = "PM2 has given up: too many unstable restarts"

interface Seen extends Run {
  /** Whether its end was told: one death may come with two events, and with a list that was quicker. */
  readonly isTold: boolean
  /** Whether PM2 always keeps it up, as far as that is known. */
  readonly alwaysUp: boolean
}

/** @internal */
export interface Runs {
  /** An event of an end: the failure, if it is one that was not told before. */
  readonly ended: (exit: Exit) => JobEvent | undefined
  readonly excepted: (exception: Exception) => void
  /** What the log of PM2 tells. */
  readonly read: (line: Line) => void
  /**
   * A list, `isFirst` of a connection: the failures of which the events were missed, while there was none; at most one a
   * process.
   */
  readonly listed: (processes: ReadonlyArray<Process>, isFirst: boolean) => ReadonlyArray<JobEvent>
  /** What was listed before this process was started: what has failed since then is told with the first list. */
  readonly resume: (last: LastLook) => void
  /** The starts of those that run. */
  readonly up: () => ReadonlyArray<RunEvent>
  /** The newest first. */
  readonly of: (job: string, scope: EvidenceScope) => ReadonlyArray<Run>
}

/**
 * `tell` is told each start and each end that is seen, once.
 *
 * Longer than a screen, since each message of PM2 and each list of processes may tell the end of the same run, and all of them look at
 * the same few maps.
 *
 * @internal
 */
export const make = (tell: (event: RunEvent) => void = () => {}): Runs => {
  const jobs = new Map<string, Map<string, Seen>>()
  const exceptions = new Map<string, Exception>()
  const signals = new Map<string, string>()
  const stops = new Set<string>()
  const overMemory = new Map<string, string>()
  let slots: ReadonlyMap<string, SeenProcess> = new Map()
  /** When PM2 was looked at before this process was started, until it is looked at again. */
  let lookedAt: number | undefined

  const startOf = (job: string, { alwaysUp, id, startedAt }: Seen): RunEvent => ({
    _tag: "Started",
    job,
    runId: id,
    at: startedAt,
    alwaysUp
  })

  /** What is kept of a run for the first time, or with its end. */
  const tellOf = (job: string, before: Seen | undefined, run: Seen, lastError: string | undefined) => {
    if (before === undefined && (run.outcome === "running" || run.isTold)) tell(startOf(job, run))
    if (run.outcome === "running" || !run.isTold || before?.isTold === true) return
    tell({
      _tag: "Ended",
      job,
      runId: run.id,
      startedAt: run.startedAt,
      at: run.endedAt,
      outcome: run.outcome,
      exitCode: run.exitCode,
      ...(lastError === undefined ? {} : { lastError: lastError.slice(0, MAX_LAST_ERROR) })
    })
  }

  const keep = (job: string, run: Seen, lastError?: string) => {
    const runs = jobs.get(job) ?? new Map<string, Seen>()
    tellOf(job, runs.get(run.id), run, lastError)
    // It goes to the end of the line of those that may have to go.
    jobs.delete(job)
    jobs.set(job, runs)
    runs.set(run.id, run)
    trim(jobs, MAX_JOBS)
    trim(runs, MAX_RUNS)
  }

  const failure = (job: string, runId: string | null, exitCode: number | null, lastError?: string): JobEvent => ({
    job,
    trigger: "failure",
    runId,
    exitCode,
    ...(lastError === undefined ? {} : { lastError })
  })

  /** The end of a run that began before anybody looked is kept as well, but is no news. */
  const keepFound = (process: Process, isTold: boolean) => {
    const { job, runId, startedAt } = process
    if (runId === null) return
    const known = jobs.get(job)?.get(runId)
    const outcome = isUp(process) ? "running" : outcomeOf(process, undefined)
    if (outcome === undefined || known?.isTold === true) return
    const exitCode = outcome === "running" ? null : process.exitCode
    if (known?.outcome === outcome && known.isTold === isTold) return
    const alwaysUp = process.autorestart
    keep(job, { id: runId, outcome, startedAt, endedAt: known?.endedAt ?? null, exitCode, isTold, alwaysUp })
  }

  /** What has failed since a process was last listed, over a connection that was lost in between. */
  const missed = (before: SeenProcess, now: Process): JobEvent | undefined => {
    // Another daemon gives it another one, and has not seen it fail.
    if (now.uniqueId === undefined || now.uniqueId !== before.uniqueId) return undefined
    if (!isUp(now) && jobs.get(now.job)?.get(now.runId ?? "")?.isTold === true) return undefined
    const isSame = now.runId === before.runId
    if (isSame && (!isUp(before) || isUp(now))) return undefined
    const failed = outcomeOf({ ...now, status: isUp(now) ? "waiting restart" : now.status }, undefined) === "failed"
    if (!failed) return undefined
    const hadEnded = !isUp(before) || jobs.get(before.job)?.get(before.runId ?? "")?.isTold === true
    if (isSame && hadEnded) return undefined
    if (!isUp(now)) return failure(now.job, now.runId, now.exitCode, lastErrorOf(now.status))
    // Each restart comes after an end, the last of which the exit code is of.
    const ends = now.restarts - before.restarts - (hadEnded ? 1 : 0)
    if (ends < 1) return undefined
    return failure(now.job, ends === 1 && !hadEnded ? before.runId : null, now.exitCode)
  }

  /** The failure of a run that has begun since PM2 was last looked at, by a process that was not there then. */
  const missedOfNew = (now: Process): JobEvent | undefined => {
    const isNew = lookedAt !== undefined && now.startedAt !== null && now.startedAt > lookedAt
    const isTold = jobs.get(now.job)?.get(now.runId ?? "")?.isTold === true
    if (!isNew || isTold || isUp(now) || now.status === UNKNOWN) return undefined
    if (outcomeOf(now, undefined) !== "failed") return undefined
    return failure(now.job, now.runId, now.exitCode, lastErrorOf(now.status))
  }

  return {
    resume: ({ at, processes }) => {
      slots = new Map(processes.map((process) => [process.slot, process]))
      lookedAt = at
    },
    ended: (exit) => {
      const { at, exitCode, job, runId, slot, startedAt, status } = exit
      const signal = signals.get(slot)
      const exception = exceptions.get(slot)
      const memory = overMemory.get(slot)
      // PM2 stops what takes too much memory as if somebody had asked for it.
      const wasStopped = stops.delete(slot) && memory === undefined
      overMemory.delete(slot)
      signals.delete(slot)
      exceptions.delete(slot)
      const known = runId === null ? undefined : jobs.get(job)?.get(runId)
      if (runId === null || known?.isTold === true) return undefined
      if (wasStopped && known !== undefined && known.outcome !== "running") {
        // It has ended before, and it is the wait for its restart that has been stopped.
        keep(job, { ...known, isTold: true })
        return undefined
      }
      const isItsEnd = exception !== undefined && Math.abs((at ?? 0) - (exception.at ?? 0)) <= MAX_AGONY
      const asked = wasStopped ? "stopped" : (outcomeOf(exit, signal) ?? "succeeded")
      const ended = memory === undefined ? asked : "failed"
      // An exception that nobody has caught has a worker of a cluster exit with 0.
      const outcome = ended === "succeeded" && exit.mode === "cluster" && isItsEnd ? "failed" : ended
      const why =
        memory !== undefined
          ? memory
          : isItsEnd
            ? exception.message
            : (lastErrorOf(status) ?? (signal === undefined ? undefined : `ended by ${signal}`))
      const lastError = outcome === "failed" ? why : undefined
      keep(
        job,
        {
          id: runId,
          outcome,
          startedAt,
          endedAt: at,
          exitCode,
          ...(signal === undefined ? {} : { signal }),
          isTold: true,
          alwaysUp: known?.alwaysUp ?? exit.autorestart
        },
        lastError
      )
      return outcome === "failed" ? failure(job, runId, exitCode, lastError) : undefined
    },
    excepted: (exception) => {
      exceptions.set(exception.slot, exception)
      trim(exceptions, MAX_LAST_WORDS)
    },
    read: (line) => {
      if (line._tag === "Other") return
      const { slot } = line
      signals.delete(slot)
      if (line._tag === "Starting") {
        stops.delete(slot)
        overMemory.delete(slot)
      }
      if (line._tag === "OverMemory") overMemory.set(slot, line.message)
      if (line._tag === "Stopping") stops.add(slot)
      if (line._tag === "Ended" && line.signal !== undefined) signals.set(slot, line.signal)
      trim(signals, MAX_LAST_WORDS)
      trim(stops, MAX_LAST_WORDS)
      trim(overMemory, MAX_LAST_WORDS)
    },
    listed: (processes, isFirst) => {
      const before = slots
      slots = new Map(processes.map((process) => [process.slot, seenOf(process)]))
      const events = processes.flatMap((process) => {
        const earlier = isFirst ? before.get(process.slot) : undefined
        const event = (earlier === undefined ? undefined : missed(earlier, process)) ?? missedOfNew(process)
        if (event !== undefined && event.runId === null) {
          const { exitCode, job } = event
          tell({ _tag: "Ended", job, runId: null, startedAt: null, at: null, outcome: "failed", exitCode })
        }
        if (event !== undefined && event.runId !== null && event.runId !== process.runId) {
          const known = jobs.get(event.job)?.get(event.runId)
          const startedAt = known?.startedAt ?? earlier?.startedAt ?? null
          const exitCode = event.exitCode ?? null
          const alwaysUp = process.autorestart
          keep(event.job, {
            id: event.runId,
            outcome: "failed",
            startedAt,
            endedAt: null,
            exitCode,
            isTold: true,
            alwaysUp
          })
        }
        keepFound(process, event !== undefined && event.runId === process.runId)
        return event === undefined ? [] : [event]
      })
      lookedAt = undefined
      return events
    },
    up: () => {
      const up = new Set(Array.from(slots.values()).flatMap((process) => (isUp(process) ? [process.runId] : [])))
      return Array.from(jobs).flatMap(([job, runs]) =>
        Array.from(runs.values())
          .filter(({ id, outcome }) => outcome === "running" && up.has(id))
          .map((run) => startOf(job, run))
      )
    },
    of: (job, scope) => {
      const up = new Set(Array.from(slots.values()).flatMap((process) => (isUp(process) ? [process.runId] : [])))
      const runs = Array.from(
        jobs.get(job)?.values() ?? [],
        ({ alwaysUp: _, isTold: __, ...run }): Run =>
          // It was deleted, or its daemon was killed.
          run.outcome === "running" && !up.has(run.id) ? { ...run, outcome: "stopped" } : run
      )
      return runsWithin(runs, scope)
    }
  }
}

/**
 * What is needed of a process to know what has become of it.
 *
 * @internal
 */
export const seenOf = ({
  autorestart,
  job,
  pid,
  restarts,
  runId,
  slot,
  startedAt,
  status,
  uniqueId
}: Process): SeenProcess => ({
  ...{ autorestart, job, pid, restarts, runId, slot, startedAt, status, uniqueId },
  start: null
})

const lastErrorOf = (status: string) => (status === "errored" ? GAVE_UP : undefined)

/**
 * Whether a process that has ended by this signal was killed or has crashed. It was not asked to end, and had no time to end what it has
 * started.
 *
 * @internal
 */
export const isKill = (signal: string): boolean => !["SIGTERM", "SIGHUP", "SIGINT"].includes(signal)

/**
 * How a run has ended; none if it cannot be told, or if there was none.
 *
 * A stop, a restart and a reload tell of the death twice: at first it is `stopping`. One that PM2 does not start again although
 * it should was stopped. A process that was asked to end from outside of PM2 has not failed, one that was killed or has crashed
 * has; PM2 gives both the exit code 0.
 */
const outcomeOf = (
  {
    exitCode,
    status,
    stopExitCodes,
    ...process
  }: Pick<Exit, "exitCode" | "status" | "stopExitCodes"> & Partial<Pick<Process, "autorestart" | "pid">>,
  signal: string | undefined
): Exclude<Run["outcome"], "running"> | undefined => {
  if (status === "stopping") return "stopped"
  if (status === "errored") return "failed"
  if (exitCode !== null && stopExitCodes.includes(exitCode)) return "succeeded"
  if (process.autorestart === true && process.pid === null && status === "stopped") {
    return exitCode === null ? undefined : "stopped"
  }
  if (exitCode !== null && exitCode !== 0) return "failed"
  if (signal !== undefined) return isKill(signal) ? "failed" : "stopped"
  return exitCode === null ? undefined : "succeeded"
}

/** Those that were put in first go first. */
const trim = (map: Map<string, unknown> | Set<string>, max: number) => {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
