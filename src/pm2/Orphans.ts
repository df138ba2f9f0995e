/**
 * Processes that PM2 does not know any more, and that live on: those of a daemon that was killed, and those that are being
 * replaced.
 *
 * @internal
 */
import { startOf } from "../internal/Proc.js"

/** @internal */
export interface Orphan {
  readonly job: string
  readonly pid: number
}

/** @internal */
export interface Orphans {
  /** Takes those of the jobs that are up, and gives those that live on without being up. */
  readonly update: (up: ReadonlyArray<Orphan>) => ReadonlyArray<Orphan>
  /** Takes those that were found otherwise. `start`: when it was started, if that is known. */
  readonly add: (found: ReadonlyArray<Orphan & { readonly start?: string }>) => void
}

/** @internal */
export const make = (startOfPid: (pid: number) => string | undefined = startOf): Orphans => {
  const seen = new Map<number, { readonly job: string; readonly start: string }>()
  const see = ({ job, pid }: Orphan) => {
    const start = seen.size < MAX_PIDS || seen.has(pid) ? startOfPid(pid) : undefined
    if (start === undefined) seen.delete(pid)
    else seen.set(pid, { job, start })
  }
  return {
    add: (found) => {
      for (const one of found) if (one.start === undefined || one.start === startOfPid(one.pid)) see(one)
    },
    update: (up) => {
      const listed = new Set(up.map(({ pid }) => pid))
      up.forEach(see)
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
