/**
 * Whether the gateway works, over one connection to it. Events are edges: they only ever mean that it works now. The level is what it
 * answers to the question how much it has to do. No sets of open runs are kept: starts come without their ends, ends come early, late and in
 * disorder, and some runs tell of nothing.
 *
 * It is one decision on plain values, in milliseconds of a steady clock: no fibers, no timers. This is the rule that was never wrong on
 * recordings of a real gateway, OpenClaw 2026.9.6: never idle while something ran.
 *
 * @internal
 */

/**
 * - `idle`: from one question to the next while it is idle.
 * - `busy`: and while it is not.
 *
 * @internal
 */
export interface Intervals {
  readonly idle: number
  readonly busy: number
}

/**
 * For how long it must have been quiet before a question of which the answer may mean that it is idle: between a sub-agent and the run that
 * tells of it there were 1.2 seconds.
 */
const QUIET = 2000

/** How long an answer may take before the gateway counts as unknown: 2.2 seconds were seen. */
const PATIENCE = 3000

/**
 * A gateway that was killed in a run goes on with it when it is up again: 4.4 seconds after its first answer were seen.
 */
const RESUMING = 15_000

/** @internal */
export type State = { readonly _tag: "Idle" | "Busy" } | { readonly _tag: "Unknown"; readonly reason: string }

const BUSY: State = { _tag: "Busy" }

const IDLE: State = { _tag: "Idle" }

/** @internal */
export class Level {
  readonly #intervals: Intervals
  /** When it was last seen to work. */
  #sign: number
  /** When the last question was asked, and when one has begun of which the answer was good. */
  #asked = Number.NEGATIVE_INFINITY
  #heard: number
  #state: State = { _tag: "Unknown", reason: "it has just been connected to" }

  /**
   * - `at`: when the connection has begun.
   * - `mayResume`: whether the gateway may have begun a short while ago.
   */
  constructor(intervals: Intervals, at: number, mayResume: boolean) {
    this.#intervals = intervals
    this.#heard = at
    this.#sign = mayResume ? at + RESUMING - QUIET : at
  }

  /** It was seen to work. */
  sign(at: number): void {
    this.#sign = Math.max(this.#sign, at)
    this.#heard = Math.max(this.#heard, at)
    this.#state = BUSY
  }

  asked(at: number): void {
    this.#asked = at
  }

  /** `active`: how much it has to do. It counts from the question on: what took long is old by now. */
  answered(at: number, active: number): void {
    if (active > 0) this.sign(at)
    else {
      this.#heard = Math.max(this.#heard, this.#asked)
      if (this.#asked >= this.#sign + QUIET) this.#state = IDLE
    }
  }

  /** It has not said how much it has to do. */
  refused(reason: string): void {
    this.#state = { _tag: "Unknown", reason }
  }

  /** How it stands at a time that is not before anything else that was told. */
  at(now: number): State {
    if (now >= this.stale) this.#state = { _tag: "Unknown", reason: "it does not answer" }
    return this.#state
  }

  /** When it is no longer known how it stands, unless it answers until then. */
  get stale(): number {
    return this.#heard + this.#interval + PATIENCE
  }

  /** When it is to be asked next, if it has answered since: at once when an answer could mean that it is idle, and not before. */
  get due(): number {
    const next = this.#asked + this.#interval
    const quiet = this.#sign + QUIET
    return quiet > this.#asked ? Math.min(next, quiet) : next
  }

  get #interval(): number {
    return this.#state._tag === "Idle" ? this.#intervals.idle : this.#intervals.busy
  }
}
