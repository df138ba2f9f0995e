/**
 * Which OpenClaw jobs run according to a list of processes.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Payload from "./daemon/Payload.js"
import { isUp, type OpenClawRules, roleOf, WHILE_UP } from "./OpenClawRules.js"
import * as Orphans from "./Orphans.js"

/** How long a reload may take, in milliseconds. During it the old process lives beside the new one. */
const MAX_RELOAD = 30_000

/** Names of which it is remembered that they were warned of. */
const MAX_WARNED = 1000

/**
 * - `of`: the names of the OpenClaw jobs that run, one for each process: those that are up, and those of a former daemon or generation
 *   that still live. It warns once of each that its people may not know of. `isFirst`: of a connection.
 * - `hasOrphans`: whether some of them are on no list.
 *
 * @internal
 */
export interface RunningJobs {
  readonly of: (processes: ReadonlyArray<Payload.Process>, isFirst: boolean) => Effect.Effect<ReadonlyArray<string>>
  readonly hasOrphans: () => boolean
}

/**
 * `variable`: by which a process says that it counts while it is up.
 *
 * @internal
 */
export const make = (rules: OpenClawRules, variable: string): RunningJobs => {
  const orphans = Orphans.make()
  const warned = new Set<string>()
  const orphanedAt = new Map<number, number>()

  const warnOnce = (key: string, message: string) =>
    Effect.suspend(() => {
      if (warned.has(key) || warned.size >= MAX_WARNED) return Effect.void
      warned.add(key)
      return Effect.logWarning(message)
    })

  const of = Effect.fnUntraced(function* (processes: ReadonlyArray<Payload.Process>, isFirst: boolean) {
    const up = processes.filter((process) => roleOf(process, rules) === "counts").filter(isUp)
    const orphaned = orphans.update(up.flatMap(({ job, pid }) => (pid === null ? [] : [{ job, pid }])))
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

  return { of, hasOrphans: () => orphanedAt.size > 0 }
}
