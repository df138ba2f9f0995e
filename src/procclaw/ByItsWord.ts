/**
 * Which jobs run by ProcClaw's own word, where the system does not tell which of their processes live. None of its signs is right alone, so that a
 * job runs as long as one of them says so. It is never taken for idle while it works, as far as was recorded: 7 seconds after a stop.
 *
 * It is one decision on plain values: no clocks, no fibers.
 *
 * @internal
 */
import type { Job, ListedRun } from "./Payload.js"

/** For how long an agent works on after a stop, a disable or a pause: 2.7 to 7 seconds were recorded. In milliseconds. */
const AFTERGLOW = 7000

/** One that has ended longer ago was listed anew, and is no news. */
const RECENT = 60_000

/** Jobs of which it is remembered that they were cut off. */
const MAX_JOBS = 1000

/**
 * What is seen at one time, in milliseconds of the steady clock.
 *
 * - `wall`: the same time by the wall clock, by which ProcClaw tells when runs have ended.
 * - `heartbeats`: the jobs with a fresh sign of life, where that can be seen.
 * - `cutOff`: those of which the audit log has told since the last time that they were cut off.
 *
 * @internal
 */
export interface Sight {
  readonly at: number
  readonly wall: number
  readonly jobs: ReadonlyArray<Job>
  readonly runs: ReadonlyArray<ListedRun>
  readonly heartbeats: ReadonlyArray<string>
  readonly cutOff: ReadonlyArray<string>
}

/** @internal */
export class ByItsWord {
  /** When they were seen to be cut off. */
  readonly #cutOff = new Map<string, number>()
  /** Since when ProcClaw says that they run, and nothing else does. */
  readonly #unsupported = new Map<string, number>()
  #ended: ReadonlySet<string> | undefined = undefined
  #open: ReadonlySet<string> = new Set()
  #ran: ReadonlySet<string> = new Set()

  /** The jobs that run. */
  look({ at, cutOff, heartbeats, jobs, runs, wall }: Sight): ReadonlySet<string> {
    const ended = new Set(runs.filter(({ run }) => run.outcome !== "running").map(({ key }) => key))
    const before = this.#ended
    const wasOpen = this.#open
    const newlyCutOff = runs.filter(({ key, run, wasCutOff }) => {
      if (!wasCutOff || before?.has(key) === true) return false
      const age = wall - (run.endedAt ?? (before === undefined ? 0 : wall))
      return wasOpen.has(key) || age < (before === undefined ? AFTERGLOW : RECENT)
    })
    this.#ended = ended
    const running = runs.filter(({ run }) => run.outcome === "running")
    this.#open = new Set(running.map(({ key }) => key))
    const open = new Set(running.map(({ job }) => job))
    const saidToRun = jobs.filter(({ isRunning }) => isRunning).map(({ id }) => id)
    const ran = new Set([...saidToRun, ...open])
    // One that has gone from the list while it ran was removed.
    const listed = new Set(jobs.map(({ id }) => id))
    const removed = Array.from(this.#ran).filter((job) => !ran.has(job) && !listed.has(job))
    this.#ran = ran
    for (const job of [...cutOff, ...newlyCutOff.map(({ job }) => job), ...removed]) {
      if (this.#cutOff.size < MAX_JOBS || this.#cutOff.has(job)) this.#cutOff.set(job, at)
    }
    for (const [job, since] of this.#cutOff) if (at - since >= AFTERGLOW) this.#cutOff.delete(job)
    const supported = new Set([...open, ...heartbeats])
    this.#support(at, saidToRun, supported)
    return new Set([...saidToRun, ...supported, ...this.#cutOff.keys()])
  }

  /** When the afterglow of one of them is over. */
  get next(): number {
    return Math.min(...Array.from(this.#cutOff.values(), (since) => since + AFTERGLOW))
  }

  /** The jobs that run by its word alone, for so long by now. */
  unsupportedFor(time: number, at: number): ReadonlyArray<string> {
    return Array.from(this.#unsupported).flatMap(([job, since]) => (at - since >= time ? [job] : []))
  }

  #support(at: number, saidToRun: ReadonlyArray<string>, supported: ReadonlySet<string>): void {
    const alone = new Set(saidToRun.filter((job) => !supported.has(job)))
    for (const job of this.#unsupported.keys()) if (!alone.has(job)) this.#unsupported.delete(job)
    for (const job of alone) if (!this.#unsupported.has(job)) this.#unsupported.set(job, at)
  }
}
