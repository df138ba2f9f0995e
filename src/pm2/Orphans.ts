/**
 * Processes that PM2 does not know any more, and that live on: those of a daemon that was killed, and those that are being
 * replaced.
 *
 * @internal
 */
import { readFileSync } from "node:fs"

/**
 * When a process was started, in words that no other process with the same pid has; none if it does not live, or is a zombie.
 * Where there is no `/proc`, all of them have the same words.
 *
 * @internal
 */
export const startOf = (pid: number): string | undefined => {
  try {
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name may hold anything, so what counts is behind its last `)`.
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
    return state === "Z" || state === "X" ? undefined : rest[18]
  } catch {
    return hasProc || !isAlive(pid) ? undefined : "unknown"
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // One of somebody else's does live.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const hasProc = process.platform === "linux"

/** @internal */
export interface Orphan {
  readonly job: string
  readonly pid: number
}

/** @internal */
export interface Orphans {
  /** Takes those of the jobs that are up, and gives those that live on without being up. */
  readonly update: (up: ReadonlyArray<Orphan>) => ReadonlyArray<Orphan>
}

/** @internal */
export const make = (startOfPid: (pid: number) => string | undefined = startOf): Orphans => {
  const seen = new Map<number, { readonly job: string; readonly start: string }>()
  return {
    update: (up) => {
      const listed = new Set<number>()
      for (const { job, pid } of up) {
        listed.add(pid)
        const start = seen.size < MAX_PIDS || seen.has(pid) ? startOfPid(pid) : undefined
        if (start === undefined) seen.delete(pid)
        else seen.set(pid, { job, start })
      }
      const orphans: Array<Orphan> = []
      for (const [pid, { job, start }] of seen) {
        if (listed.has(pid)) continue
        if (startOfPid(pid) === start) orphans.push({ job, pid })
        else seen.delete(pid)
      }
      return orphans
    }
  }
}

const MAX_PIDS = 10_000
