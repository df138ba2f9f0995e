/**
 * What this machine shows of a ProcClaw that runs on it.
 *
 * @internal
 */
import * as Heartbeats from "./Heartbeats.js"
import * as Processes from "./Processes.js"

/**
 * - `isDaemonHere`: whether the daemon of this home is seen to live here.
 * - `jobs`: the jobs that have a process, but for this one, what has started it, and what it has started.
 * - `heartbeats`: those with a fresh sign of life, at a time of the wall clock.
 *
 * @internal
 */
export interface Machine {
  readonly isDaemonHere: () => boolean
  readonly jobs: () => ReadonlyArray<Processes.JobProcess>
  readonly heartbeats: (now: number) => ReadonlyArray<string>
}

/** @internal */
export const real = (home: string): Machine => ({
  isDaemonHere: () => Processes.isDaemonHere(home),
  jobs: () => Processes.jobsWithProcesses(home),
  heartbeats: (now) => Heartbeats.freshAt(now)
})
