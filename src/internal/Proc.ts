/**
 * What the system tells of processes. Only Linux tells more than whether one lives.
 *
 * @internal
 */
import { readdirSync, readFileSync } from "node:fs"
import { uptime } from "node:os"
import { isAlive } from "./Pid.js"

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

/** 0 if it is not known. */
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
 * The nearest ancestor of the process that is one of these.
 *
 * @internal
 */
export const ancestorIn = (pid: number, pids: Pick<ReadonlySet<number>, "has">): number | undefined => {
  let one = parentOf(pid)
  for (let steps = 0; one > 1 && steps < MAX_ANCESTORS; steps++) {
    if (pids.has(one)) return one
    one = parentOf(one)
  }
  return undefined
}

/**
 * Whether one of these is an ancestor of the process.
 *
 * @internal
 */
export const hasAncestor = (pid: number, pids: ReadonlySet<number>): boolean => ancestorIn(pid, pids) !== undefined

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

/** The processes that are looked at. */
const MAX_PROCESSES = 20_000

/**
 * The processes that there are. None where there is no `/proc`.
 *
 * @internal
 */
export const pids = (): ReadonlyArray<number> => {
  if (!isLinux) return []
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .slice(0, MAX_PROCESSES)
    .map(Number)
}

/**
 * The variables of these names in the environment of a process, of which nothing else is kept. None if it has ended, or is somebody else's.
 *
 * - `mark`: which environments are looked into at all, by a text in them.
 *
 * @internal
 */
export const variablesOf = (
  pid: number,
  mark: string,
  names: ReadonlyArray<string>
): Partial<Record<string, string>> => {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8")
    if (!environment.includes(mark)) return {}
    return Object.fromEntries(
      environment.split("\0").flatMap((entry) => {
        const end = entry.indexOf("=")
        return names.includes(entry.slice(0, end)) ? [[entry.slice(0, end), entry.slice(end + 1)]] : []
      })
    )
  } catch {
    return {}
  }
}

/**
 * The words that a process was started with; none if it has ended.
 *
 * @internal
 */
export const wordsOf = (pid: number): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1)
  } catch {
    return []
  }
}
