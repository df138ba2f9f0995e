/**
 * What this machine shows of a ProcClaw that runs on it.
 *
 * @internal
 */
import * as Heartbeats from "./Heartbeats.js"
import * as Processes from "./Processes.js"

/**
 * - `isDaemonHere`: whether the daemon of this home is seen to live here.
 * - `jobs`: the jobs that have a process, but not the one that this process is.
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
  jobs: () => {
    const { PROCCLAW_JOB_ID: own } = process.env
    return Processes.jobsWithProcesses(home).filter(({ job }) => job !== own)
  },
  heartbeats: (now) => Heartbeats.freshAt(now)
})
