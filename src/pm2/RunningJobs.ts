/**
 * Which OpenClaw jobs run according to a list of processes.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { hasAncestor } from "../internal/Proc.js"
import type * as Payload from "./daemon/Payload.js"
import type { SeenProcess } from "./LastLook.js"
import { isUp, type OpenClawRules, roleOf, WHILE_UP } from "./OpenClawRules.js"
import * as Orphans from "./Orphans.js"
import type { Started } from "./Started.js"

/** How long a reload may take, in milliseconds. During it the old process lives beside the new one. */
const MAX_RELOAD = 30_000

/** Names of which it is remembered that they were warned of. */
const MAX_WARNED = 1000

/** Runs of which it is remembered that they were killed. */
const MAX_KILLED = 1000

/**
 * - `killed`: the process in this slot was ended by a signal that leaves it no time to end its children.
 * - `of`: the names of the OpenClaw jobs that run, one for each process: those that are up, and those of a former daemon or generation
 *   that still live. It warns once of each that its people may not know of. `isFirst`: of a connection.
 * - `hasOrphans`: whether some of them are on no list.
 *
 * @internal
 */
export interface RunningJobs {
  readonly killed: (slot: string) => void
  readonly of: (processes: ReadonlyArray<Payload.Process>, isFirst: boolean) => Effect.Effect<ReadonlyArray<string>>
  readonly hasOrphans: () => boolean
}

/**
 * - `variable`: by which a process says that it counts while it is up.
 * - `started`: the processes that PM2 has started, as the system knows them.
 * - `remembered`: those that counted when PM2 was last looked at.
 *
 * @internal
 */
export const make = (
  rules: OpenClawRules,
  variable: string,
  started: () => ReadonlyArray<Started>,
  remembered: ReadonlyArray<SeenProcess>
): RunningJobs => {
  const orphans = Orphans.make()
  orphans.add(
    remembered.flatMap(({ job, pid, start }) => (pid === null || start === null ? [] : [{ job, pid, start }]))
  )
  const killed = new Set<string>()
  let runs: ReadonlyMap<string, string | null> = new Map()
  /** Whether there may be processes that PM2 does not list and that nobody has looked for. */
  let mayStray = false
  const warned = new Set<string>()
  const orphanedAt = new Map<number, number>()

  const warnOnce = (key: string, message: string) =>
    Effect.suspend(() => {
      if (warned.has(key) || warned.size >= MAX_WARNED) return Effect.void
      warned.add(key)
      return Effect.logWarning(message)
    })

  const of = Effect.fnUntraced(function* (processes: ReadonlyArray<Payload.Process>, isFirst: boolean) {
    runs = new Map(processes.map(({ runId, slot }) => [slot, runId]))
    const up = processes.filter((process) => roleOf(process, rules) === "counts").filter(isUp)
    const listed = up.flatMap(({ job, pid }) => (pid === null ? [] : [{ job, pid }]))
    let orphaned = orphans.update(listed)
    // What an orphan has started may outlive it.
    const hasLost = [...orphanedAt.keys()].some((pid) => !orphaned.some((one) => one.pid === pid))
    if (isFirst || mayStray || hasLost) {
      mayStray = false
      orphans.add(straysOf(started(), processes, orphaned, rules, killed))
      orphaned = orphans.update(listed)
    }
    const now = yield* Clock.currentTimeMillis
    const left = new Set(orphaned.map(({ pid }) => pid))
    for (const pid of orphanedAt.keys()) if (!left.has(pid)) orphanedAt.delete(pid)
    for (const { job, pid } of orphaned) {
      const since = orphanedAt.get(pid) ?? now
      orphanedAt.set(pid, since)
      if (!isFirst && now - since < MAX_RELOAD) continue
      yield* warnOnce(
        `orphan ${pid}`,
        `The process ${pid} of the OpenClaw job ${job} runs on without PM2, and counts as running until it ends: stop it by its pid`
      )
    }
    for (const process of processes) {
      if (roleOf(process, rules) !== "always") continue
      yield* warnOnce(
        `always ${process.job}`,
        `The OpenClaw job ${process.job} is always up, and does not hold reviews up: set ${variable}=${WHILE_UP} in its environment if it is to, or autorestart: false if it ends by itself`
      )
    }
    return [...up, ...orphaned].map(({ job }) => job).sort()
  })

  return {
    of,
    hasOrphans: () => orphanedAt.size > 0,
    killed: (slot) => {
      const runId = runs.get(slot)
      if (runId === undefined || runId === null || killed.size >= MAX_KILLED) return
      killed.add(runId)
      mayStray = true
    }
  }
}

/**
 * Those that count of which PM2 knows nothing: what a former daemon has started, and what the children of a killed run are. One that such
 * a process has started itself is a part of it.
 */
const straysOf = (
  started: ReadonlyArray<Started>,
  processes: ReadonlyArray<Payload.Process>,
  orphaned: ReadonlyArray<Orphans.Orphan>,
  rules: OpenClawRules,
  killed: ReadonlySet<string>
): ReadonlyArray<Orphans.Orphan> => {
  const known = new Set([...processes, ...orphaned].flatMap(({ pid }) => (pid === null ? [] : [pid])))
  const ids = new Set(processes.map(({ uniqueId }) => uniqueId))
  const strays = started.filter(
    (one) =>
      !known.has(one.pid) &&
      roleOf(one, rules) === "counts" &&
      (!ids.has(one.uniqueId) || (one.runId !== null && killed.has(one.runId))) &&
      !hasAncestor(one.pid, known)
  )
  const pids = new Set(strays.map(({ pid }) => pid))
  return strays.filter(({ pid }) => !hasAncestor(pid, pids))
}
