/**
 * What the system tells of processes. Only Linux tells more than whether one lives.
 *
 * @internal
 */
import { readdirSync, readFileSync, realpathSync } from "node:fs"
import { uptime } from "node:os"
import { join } from "node:path"
import { isAlive } from "../internal/Pid.js"
import { runIdOf } from "./daemon/Payload.js"

const isLinux = process.platform === "linux"

// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name may hold anything, so what counts is behind its last `)`.
const statOf = (pid: number): ReadonlyArray<string> =>
  readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []

/**
 * When a process was started, in words that no other process with the same pid has; none if it does not live, or is a zombie.
 * Where there is no `/proc`, all of them have the same words.
 *
 * @internal
 */
export const startOf = (pid: number): string | undefined => {
  try {
    const [state, ...rest] = statOf(pid)
    return state === "Z" || state === "X" ? undefined : rest[18]
  } catch {
    return isLinux || !isAlive(pid) ? undefined : "unknown"
  }
}

const parentOf = (pid: number): number => {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return 0
  }
}

/** No line of ancestors is longer that matters. */
const MAX_ANCESTORS = 50

/**
 * Whether one of these is an ancestor of the process.
 *
 * @internal
 */
export const hasAncestor = (pid: number, pids: ReadonlySet<number>): boolean => {
  let one = parentOf(pid)
  for (let steps = 0; one > 1 && steps < MAX_ANCESTORS; steps++) {
    if (pids.has(one)) return true
    one = parentOf(one)
  }
  return false
}

/**
 * In which life of the machine this is, since pids begin anew with each. Where the system does not tell, it is the minute in which the
 * machine was started, as far as its clock can be trusted.
 *
 * @internal
 */
export const bootOf = (now: number): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
  } catch {
    return `since ${Math.round((now / 1000 - uptime()) / 60)}`
  }
}

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

/** The processes that are looked at. */
const MAX_PROCESSES = 20_000

/**
 * The processes of this user that the PM2 of this home has started, and their children. None where there is no `/proc`.
 *
 * - `variable`: the one by which a process says something about OpenClaw.
 *
 * @internal
 */
export const startedBy = (home: string, variable: string): ReadonlyArray<Started> => {
  if (!isLinux) return []
  const place = real(home)
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .slice(0, MAX_PROCESSES)
    .flatMap((name) => startedIn(Number(name), place, variable) ?? [])
}

const startedIn = (pid: number, home: string, variable: string): Started | undefined => {
  const said = variablesOf(pid, [
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
  if (pid === process.pid || slot === undefined || name === undefined || real(PM2_HOME) !== home) return undefined
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

const variablesOf = (pid: number, names: ReadonlyArray<string>): Partial<Record<string, string>> => {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8")
    if (!environment.includes("pm_id=") || isDaemon(pid)) return {}
    return Object.fromEntries(
      environment.split("\0").flatMap((entry) => {
        const end = entry.indexOf("=")
        return names.includes(entry.slice(0, end)) ? [[entry.slice(0, end), entry.slice(end + 1)]] : []
      })
    )
  } catch {
    // It has ended, or is somebody else's.
    return {}
  }
}

/** One that a job has started has the variables of that job. */
const isDaemon = (pid: number): boolean => /^PM2 v[\d.]+: God Daemon/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"))

const real = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
