/**
 * The processes that PM2 has started, as the system knows them.
 *
 * @internal
 */
import { join } from "node:path"
import { pids, variablesOf, wordsOf } from "../internal/Proc.js"
import { realPath } from "../internal/RealPath.js"
import { runIdOf } from "./daemon/Payload.js"

/**
 * The variables of PM2 in the environment of a process that PM2 has started, or of a child of one. Nothing else of the environment is kept.
 *
 * @internal
 */
export interface Started {
  readonly pid: number
  readonly job: string
  readonly namespace: string
  readonly isModule: boolean
  readonly autorestart: boolean
  readonly mark: string | undefined
  readonly uniqueId: string | undefined
  readonly runId: string | null
}

/**
 * The processes of this user that the PM2 of this home has started, and their children. None where there is no `/proc`.
 *
 * - `variable`: the one by which a process says something about OpenClaw.
 *
 * @internal
 */
export const startedBy = (home: string, variable: string): ReadonlyArray<Started> => {
  const place = realPath(home)
  return pids().flatMap((pid) => startedIn(pid, place, variable) ?? [])
}

const startedIn = (pid: number, home: string, variable: string): Started | undefined => {
  const said = variablesOf(pid, "pm_id=", [
    "pm_id",
    "PM2_HOME",
    "HOME",
    "name",
    "namespace",
    "autorestart",
    "pmx_module",
    "unique_id",
    "pm_uptime",
    variable
  ])
  const { HOME = "", PM2_HOME = join(HOME, ".pm2"), name, pm_id: slot } = said
  if (pid === process.pid || slot === undefined || name === undefined || realPath(PM2_HOME) !== home) return undefined
  if (isDaemon(pid)) return undefined
  return {
    pid,
    job: name,
    namespace: said.namespace ?? "default",
    isModule: said.pmx_module === "true",
    autorestart: said.autorestart !== "false",
    mark: said[variable],
    uniqueId: said.unique_id,
    runId: runIdOf({ pm_id: slot, pm_uptime: said.pm_uptime })
  }
}

/** One that a job has started has the variables of that job. */
const isDaemon = (pid: number): boolean => /^PM2 v[\d.]+: God Daemon/.test(wordsOf(pid).join(" "))
