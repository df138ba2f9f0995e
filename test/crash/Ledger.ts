/**
 * What the lives of one file have reported, and what must be true of it: while they report, and of the file in the end.
 */
import type { HealingRequest, HealingSettingsInput, RequestState } from "effect-healing"

/** What a life is to do. */
export interface Orders {
  /** A SQLite file, or the address of a PostgreSQL database. */
  readonly store: string
  readonly seed: number
  readonly settings: Required<Pick<HealingSettingsInput, "onJobStart" | "maxYields">> & { readonly maxAttempts: number }
  /** Wishes until it is killed, or brings everything to its end and leaves. */
  readonly task: "wish" | "drain"
  /** Kills itself right after so many lines. */
  readonly dieAfter: number | undefined
}

/**
 * One thing that a life reports, in the order in which it happens.
 *
 * - `Submitted`: acknowledged, as a request of its own or as part of another; it was asked for after `since` lines.
 * - `Healed`, `Cancelled`: what `heal` and `cancel` have returned.
 * - `Begins`, `Ends`: a review, as the reviewer sees it.
 * - `Ended`: the event of this name.
 * - `Paused`: `pause` has returned. `Resuming`: `resume` is about to be called.
 * - `Wrong`: what may not happen at all.
 */
export type Line =
  | { readonly _tag: "Opening" }
  | { readonly _tag: "Ready"; readonly left: number }
  | {
      readonly _tag: "Submitted"
      readonly id: string
      readonly joined: boolean
      readonly since: number
      readonly trigger: string
      readonly priority: number
    }
  | { readonly _tag: "Healed"; readonly id: string }
  | { readonly _tag: "Cancelled"; readonly id: string }
  | { readonly _tag: "Begins"; readonly id: string; readonly attempts: number }
  | { readonly _tag: "Ends"; readonly id: string; readonly how: End }
  | { readonly _tag: "Ended"; readonly id: string; readonly state: RequestState }
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Resuming" }
  | { readonly _tag: "Wrong"; readonly what: string }

/** `failed` counts as an attempt; `limited` and `interrupted` do not. */
export type End = "completed" | "skipped" | "failed" | "limited" | "interrupted"

/** A row of the file. */
export interface Row extends Pick<HealingRequest, "number" | "job" | "priority" | "attempts" | "reason"> {
  readonly state: string
  readonly triggers: string
  readonly starts: string
  readonly coalesced_into: string | null
  readonly report: string | null
  /** The states of its suggestions, and of their steps, one behind the other. */
  readonly suggestions: string | null
  readonly steps: string | null
}

interface Acknowledged extends Extract<Line, { readonly _tag: "Submitted" }> {
  readonly life: number
  readonly askedAt: number
}

/** What was seen of one request. */
interface Fate {
  begun: number
  cutOff: number
  failed: number
  /** When a review of it last ended so. */
  readonly ends: Map<End, number>
  ended: RequestState | undefined
  /** How often the event of its end was seen. */
  events: number
}

const FINAL = ["completed", "failed", "skipped", "cancelled", "coalesced"]

const MAX_STARTS = 16

export class Ledger {
  /** What was found wrong. */
  readonly wrong: Array<string> = []
  readonly counts = { submitted: 0, joined: 0, begun: 0, cutOff: 0, completed: 0, healed: 0, cancelled: 0, lives: 0 }
  private readonly acknowledged: Array<Acknowledged> = []
  private readonly fates = new Map<string, Fate>()
  private lines = 0
  private paused = false

  constructor(private readonly maxAttempts: number) {}

  /** All that one life has reported until its end. */
  add(lines: ReadonlyArray<Line>): void {
    const life = ++this.counts.lives
    const before = this.lines
    const wrong = (what: string) => this.wrong.push(`life ${life}: ${what}`)
    let open: string | undefined
    for (const line of lines) {
      this.lines++
      switch (line._tag) {
        case "Submitted":
          this.acknowledged.push({ ...line, life, askedAt: before + line.since })
          this.counts[line.joined ? "joined" : "submitted"]++
          break
        case "Begins": {
          const fate = this.fateOf(line.id)
          this.counts.begun++
          fate.begun++
          if (open !== undefined) wrong(`the review of ${line.id} began during that of ${open}`)
          if (fate.ended !== undefined) wrong(`${line.id} was reviewed again after it was ${fate.ended}`)
          if (this.paused) wrong(`${line.id} was reviewed during a pause`)
          if (line.attempts >= this.maxAttempts) wrong(`${line.id} was reviewed after ${line.attempts} attempts`)
          if (line.attempts < fate.cutOff) wrong(`${line.id} has ${line.attempts} attempts, and ${fate.cutOff} cut off`)
          open = line.id
          break
        }
        case "Ends": {
          const fate = this.fateOf(line.id)
          if (open !== line.id) wrong(`the review of ${line.id} ended during that of ${open}`)
          if (line.how === "failed") fate.failed++
          fate.ends.set(line.how, this.lines)
          open = undefined
          break
        }
        case "Ended":
          this.end(line.id, line.state, true, wrong)
          break
        case "Healed":
          this.counts.healed++
          this.end(line.id, "completed", false, wrong)
          break
        case "Cancelled":
          this.counts.cancelled++
          this.end(line.id, "cancelled", false, wrong)
          break
        case "Paused":
          this.paused = true
          break
        case "Resuming":
          this.paused = false
          break
        case "Wrong":
          wrong(line.what)
      }
    }
    if (open !== undefined) {
      this.counts.cutOff++
      this.fateOf(open).cutOff++
    }
  }

  /** What the file holds after its last life, which has brought everything to its end. */
  check(rows: ReadonlyArray<Row>): void {
    const byId = new Map(rows.map((row) => [`healing:${row.job}:${row.number}`, row]))
    for (const [id, row] of byId) this.checkRow(id, row, byId)
    for (const id of this.fates.keys()) if (!byId.has(id)) this.wrong.push(`${id} was seen, and is not in the file`)
    for (const acknowledged of this.acknowledged) this.checkAcknowledged(acknowledged, byId)

    // Only one can run when a life ends, whether or not its review had begun.
    const uncounted = Array.from(byId).map(([id, { attempts }]) => Math.max(attempts - this.fateOf(id).failed, 0))
    const cutOff = uncounted.reduce((sum, one) => sum + one, 0)
    if (cutOff > this.counts.lives) this.wrong.push(`${cutOff} attempts were cut off by ${this.counts.lives} deaths`)
  }

  private checkRow(id: string, row: Row, byId: ReadonlyMap<string, Row>): void {
    const wrong = (what: string) => this.wrong.push(`in the end, ${id} (${row.state}) ${what}`)
    const { begun, cutOff, ended, ends, failed } = this.fateOf(id)
    const starts: ReadonlyArray<number> = JSON.parse(row.starts)
    if (!FINAL.includes(row.state)) wrong("has not ended")
    if (ended !== undefined && ended !== row.state) wrong(`had been ${ended}`)
    if (row.attempts > this.maxAttempts) wrong(`has ${row.attempts} attempts`)
    // One that only callers wanted is cancelled by the death of its process instead.
    if (row.attempts < cutOff - (row.state === "cancelled" ? 1 : 0)) {
      wrong(`has ${row.attempts} attempts, and was cut off ${cutOff} times`)
    }
    // The review that has skipped it does not count as one that has begun.
    const counted = row.state === "skipped" && ends.has("skipped") ? begun - 1 : begun
    if (starts.length < MAX_STARTS && counted > starts.length)
      wrong(`has ${starts.length} starts, and began ${begun} times`)
    if (row.state === "completed" && !ends.has("completed")) wrong("has no review that was completed")
    if ((row.state === "completed") !== (row.report !== null)) wrong(`has the report ${row.report}`)
    const newer = Array.from(byId.values()).some(
      ({ job, number, state }) => job === row.job && number > row.number && state === "completed"
    )
    const life =
      row.state !== "completed" ? [null, null] : newer ? ["superseded", "pending superseded"] : ["pending", "pending"]
    if (row.suggestions !== life[0] || row.steps !== life[1]) {
      wrong(`has a suggestion that is ${row.suggestions}, after ${row.steps}`)
    }
    if (row.state === "skipped" && !ends.has("skipped") && row.reason?.includes("had no turn") !== true) {
      wrong(`has no review that was skipped: ${row.reason}`)
    }
    if (row.state === "failed" && failed === 0 && row.attempts < this.maxAttempts) wrong("has no review that failed")
    if (row.state === "coalesced") {
      const into = byId.get(row.coalesced_into ?? "")
      if (into === undefined) wrong(`went into ${row.coalesced_into}, which is not there`)
      else if (into.job !== row.job || into.number >= row.number) wrong(`went into ${row.coalesced_into}`)
    }
  }

  private checkAcknowledged(wish: Acknowledged, byId: ReadonlyMap<string, Row>): void {
    const wrong = (what: string) => this.wrong.push(`life ${wish.life} acknowledged ${wish.id}: ${what}`)
    let id = wish.id
    let row = byId.get(id)
    while (row?.state === "coalesced" && row.coalesced_into !== null) {
      id = row.coalesced_into
      row = byId.get(id)
    }
    if (row === undefined) {
      wrong(`${id} is not in the file`)
      return
    }
    const { ends } = this.fateOf(id)
    if (!JSON.parse(row.triggers).includes(wish.trigger)) wrong(`${id} lacks its trigger, ${wish.trigger}`)
    if (row.priority < wish.priority) wrong(`${id} lacks its priority, ${wish.priority}`)
    if (row.state === "completed" && !((ends.get("completed") ?? 0) > wish.askedAt)) wrong(`${id} was completed before`)
    if (row.state === "skipped" && !((ends.get("skipped") ?? 0) > wish.askedAt)) wrong(`${id} was skipped before`)
    if (row.state === "cancelled" && row.reason !== "it was cancelled") wrong(`${id} was cancelled: ${row.reason}`)
  }

  private end(id: string, state: RequestState, isEvent: boolean, wrong: (what: string) => void): void {
    const fate = this.fateOf(id)
    if (isEvent && ++fate.events > 1) wrong(`${id} has ended a second time, as ${state}`)
    if (fate.ended !== undefined && fate.ended !== state) wrong(`${id} is ${state} after it was ${fate.ended}`)
    if (isEvent && state === "completed") this.counts.completed++
    fate.ended = state
  }

  private fateOf(id: string): Fate {
    let fate = this.fates.get(id)
    if (fate === undefined) {
      fate = { begun: 0, cutOff: 0, failed: 0, ends: new Map(), ended: undefined, events: 0 }
      this.fates.set(id, fate)
    }
    return fate
  }
}
