/**
 * What must come of the schedules of jobs: each occurrence once, in one row.
 *
 * It lists occurrences by the reference of `calendars.ts`, knows what the scheduler was told, and judges each row that
 * is written. Times are those of the wall clock unless they are said to be monotonic.
 */
import { isDeepStrictEqual } from "node:util"
import * as Schema from "effect/Schema"
import { HealingSchedule, type Occurrence } from "effect-healing"
import type { Change } from "../../src/store/Change.js"
import { type Case, DAY, MINUTE, reference, SECOND, shown, walkDays } from "../support/calendarSamples.js"

/** What is looked at together. */
const BLOCK = 16 * DAY

/** Nothing is looked for beyond so many of them. */
const MAX_BLOCKS = 200

const SPACING = 6 * SECOND

const GRACE = 2 * MINUTE

/** A clock that shows less was never set. */
const SANE = Date.UTC(2026, 0, 1)

/** By more than one period: the one before it is still to come, too. */
const isFarAhead = (calendar: Calendar | undefined, base: number, wall: number): boolean =>
  wall >= SANE && base > wall && calendar !== undefined && calendar.last(base - 1) > wall

const BEGIN = "its schedule counts from here on"

const END = "it has no schedule any more"

const OLD = "it was missed too long ago"

/** The occurrences of a schedule, by the reference. */
export class Calendar {
  readonly schedule: HealingSchedule
  readonly text: string
  readonly #blocks = new Map<number, ReadonlyArray<number>>()

  constructor(readonly of: Case) {
    this.schedule = Schema.decodeSync(HealingSchedule)(of.input)
    this.text = JSON.stringify(this.schedule)
  }

  #block(index: number): ReadonlyArray<number> {
    let found = this.#blocks.get(index)
    if (found === undefined) {
      found = reference(this.schedule, this.of.fields, index * BLOCK - 1, (index + 1) * BLOCK - 1, walkDays)
      this.#blocks.set(index, found)
    }
    return found
  }

  /** The first one after that. */
  next(after: number): number {
    const block = Math.floor(after / BLOCK)
    for (let index = block; index < block + MAX_BLOCKS; index++) {
      const found = this.#block(index).find((at) => at > after)
      if (found !== undefined) return found
    }
    return Number.POSITIVE_INFINITY
  }

  /** The last one until then. */
  last(until: number): number {
    const block = Math.floor(until / BLOCK)
    for (let index = block; index > block - MAX_BLOCKS; index--) {
      const found = this.#block(index).findLast((at) => at <= until)
      if (found !== undefined) return found
    }
    return Number.NEGATIVE_INFINITY
  }

  /** By how much its clocks were put forward between the two. */
  shift(from: number, to: number): number {
    if (!("timeZone" in this.schedule)) return 0
    return shown(this.schedule.timeZone, to) - to - (shown(this.schedule.timeZone, from) - from)
  }
}

/** What a supervisor may say of a job. */
export type JobState =
  | { readonly _tag: "Planned" | "Disabled" | "Wrong"; readonly calendar: number; readonly variant: number }
  | { readonly _tag: "Plain" }

/** From where a job's schedule goes on; without a calendar it has none. */
interface Current {
  readonly calendar: Calendar | undefined
  /** Everything until then has been dealt with. */
  readonly base: number
  /** Whether it is yet to be written that it begins there. */
  readonly unwritten: boolean
  /** When that was, by the monotonic clock. */
  readonly since: number
}

const textOf = (calendar: Calendar | undefined): string => calendar?.text ?? ""

export interface Times {
  readonly wall: number
  readonly monotonic: number
}

const NEVER: Times = { wall: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY }

export interface Settings {
  readonly maxCatchUpAge: number
  readonly maxPending: number
}

export class Model {
  readonly rows: Array<Occurrence> = []
  readonly alarms: Array<string> = []
  /** What the scheduler was told last, in this life. */
  readonly planned = new Map<string, { readonly calendar: Calendar; readonly since: number }>()
  wrong: ReadonlySet<string> = new Set()
  readonly #current = new Map<string, Current>()
  /** What was replaced; an occurrence of it may still be being written. */
  readonly #old = new Map<string, Array<Current & { readonly until: number }>>()
  /** The clock was set back by so much that a schedule begins anew, at this or later. */
  readonly #rebased = new Map<string, number>()
  #lastCatchUp: Times = NEVER
  #failedAt = Number.NEGATIVE_INFINITY
  #hung = { from: Number.POSITIVE_INFINITY, until: Number.NEGATIVE_INFINITY, latest: Number.NEGATIVE_INFINITY }

  constructor(
    readonly settings: Settings,
    readonly calendars: ReadonlyArray<Calendar>,
    readonly see: (what: string) => void
  ) {}

  /** Of each job the row that was written last. */
  get last(): ReadonlyMap<string, Occurrence> {
    return new Map(this.rows.map((row) => [row.job, row]))
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What happens
  // -------------------------------------------------------------------------------------------------------------------

  /** A scheduler begins, and knows what is written. */
  begin({ monotonic }: Times): void {
    this.planned.clear()
    this.wrong = new Set()
    this.#current.clear()
    this.#old.clear()
    this.#rebased.clear()
    this.#lastCatchUp = NEVER
    this.#failedAt = Number.NEGATIVE_INFINITY
    this.#hung = { from: Number.POSITIVE_INFINITY, until: Number.NEGATIVE_INFINITY, latest: Number.NEGATIVE_INFINITY }
    for (const [job, { at, schedule }] of this.last) {
      const calendar = this.calendars.find(({ text }) => text === schedule)
      this.#current.set(job, { calendar, base: at, unwritten: false, since: monotonic })
    }
  }

  /** The supervisor says which jobs there are. */
  told(jobs: ReadonlyMap<string, JobState>, isOn: boolean, times: Times): void {
    for (const job of this.planned.keys()) if (!jobs.has(job)) this.#leave(job, "gone")
    this.wrong = new Set([...jobs].filter(([, { _tag }]) => _tag === "Wrong").map(([job]) => job))
    for (const [job, state] of jobs) {
      const current = this.#current.get(job)
      const calendar = isOn && state._tag === "Planned" ? this.calendars[state.calendar] : undefined
      if (state._tag === "Wrong") {
        this.#leave(job, "wrong")
      } else if (calendar === undefined) {
        this.#leave(job, "without a schedule")
        if (current?.calendar !== undefined) this.#change(job, undefined, times)
      } else if (this.planned.get(job)?.calendar.text !== calendar.text) {
        this.planned.set(job, { calendar, since: times.monotonic })
        const goesOn =
          textOf(current?.calendar) === calendar.text && !isFarAhead(calendar, current?.base ?? 0, times.wall)
        if (!goesOn) this.#change(job, calendar, times)
        else this.see("a schedule goes on")
        this.#rebased.delete(job)
      }
    }
  }

  #leave(job: string, how: string): void {
    if (this.planned.delete(job)) this.see(how)
  }

  #change(job: string, calendar: Calendar | undefined, { monotonic, wall }: Times): void {
    const current = this.#current.get(job)
    if (current !== undefined) {
      this.#old.set(job, [...(this.#old.get(job) ?? []), { ...current, until: monotonic }])
      this.see("a schedule changes")
    }
    this.#current.set(job, { calendar, base: wall, unwritten: true, since: monotonic })
  }

  wallWasSet({ wall }: Times, before: number): void {
    this.#hung.latest = Math.max(this.#hung.latest, wall, before)
    for (const [job, { calendar }] of this.planned) {
      if (!isFarAhead(calendar, this.#current.get(job)?.base ?? 0, wall)) continue
      this.#rebased.set(job, Math.min(wall, this.#rebased.get(job) ?? wall))
    }
  }

  diskFailed({ monotonic }: Times): void {
    this.#failedAt = monotonic
  }

  diskHangs({ monotonic, wall }: Times): void {
    this.#hung = { from: monotonic, until: Number.POSITIVE_INFINITY, latest: wall }
  }

  diskGoesOn({ monotonic, wall }: Times): void {
    this.#hung.until = monotonic
    this.#hung.latest = Math.max(this.#hung.latest, wall)
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What is written
  // -------------------------------------------------------------------------------------------------------------------

  written(changes: ReadonlyArray<Change>, times: Times): void {
    for (const change of changes) {
      if (change._tag !== "Occurrence") continue
      const row = change.occurrence
      const wrong = this.#judge(row, changes, times)
      if (wrong !== undefined) this.alarms.push(`${wrong}: ${JSON.stringify(row)} at ${times.wall}`)
      this.rows.push(row)
    }
  }

  #judge(row: Occurrence, changes: ReadonlyArray<Change>, times: Times): string | undefined {
    const current = this.#current.get(row.job)
    if ((row.request === null) === (row.reason === null)) return "a row has a request or a reason"
    if (current === undefined) return "the scheduler knows nothing of this job"
    return row.reason === BEGIN || row.reason === END
      ? this.#judgeMark(row, current)
      : this.#judgeDue(row, current, changes, times)
  }

  #judgeMark(row: Occurrence, current: Current): string | undefined {
    if (row.first !== row.at || (row.reason === END) !== (row.schedule === "")) return "a beginning is an instant"
    if (textOf(current.calendar) !== row.schedule) return "it has another schedule"
    const rebased = this.#rebased.get(row.job)
    if (rebased !== undefined && row.at >= rebased && isFarAhead(current.calendar, current.base, row.at)) {
      this.#rebased.delete(row.job)
      this.see("a schedule begins anew since the clock was far ahead")
    } else if (!current.unwritten || row.at !== current.base) {
      return `its schedule counts from ${current.base}${current.unwritten ? "" : ", which was written"}`
    } else this.see(row.reason === END ? "a schedule ends" : "a schedule begins")
    this.#current.set(row.job, { ...current, base: row.at, unwritten: false })
    return undefined
  }

  #judgeDue(
    row: Occurrence,
    current: Current,
    changes: ReadonlyArray<Change>,
    { monotonic, wall }: Times
  ): string | undefined {
    const { at, first, job, reason, request, schedule } = row
    const wasHung = monotonic <= this.#hung.until && monotonic >= this.#hung.from
    const rebased = this.#rebased.get(job)
    const old = (this.#old.get(job) ?? [])
      .filter(({ until }) => until === monotonic || (wasHung && until >= this.#hung.from))
      .filter((old) => textOf(old.calendar) === schedule)
    const isCurrent = textOf(current.calendar) === schedule
    const calendar = isCurrent ? current.calendar : old[0]?.calendar
    if (calendar === undefined) return "its schedule is another one"

    const isNext = isCurrent && calendar.next(current.base) === first
    const isNextOfOld = old.some(({ base }) => calendar.next(base) === first)
    const isAnew = isCurrent && rebased !== undefined && first > rebased
    if (!isNext && !isNextOfOld && !isAnew) return `the next occurrence is at ${calendar.next(current.base)}`
    if (isNext && current.unwritten && this.#failedAt < current.since && !wasHung)
      return "it was not written where its schedule begins"
    if (!isNext && isAnew) this.#rebased.delete(job)
    if (isCurrent) {
      const base = isNext || isAnew ? at : Math.max(current.base, at)
      this.#current.set(job, { ...current, base, unwritten: false })
    } else {
      this.see("a schedule changes while an occurrence is written")
      this.#current.set(job, { ...current, unwritten: true })
    }

    if (at < first || calendar.last(at) !== at) return "it ends with an occurrence"
    if (!wasHung && calendar.last(wall) !== at) return `the last occurrence was at ${calendar.last(wall)}`
    if (wasHung && at > Math.max(wall, this.#hung.latest)) return "it is ahead"

    if (request !== null) {
      const found = changes.find((change) => change._tag === "Transition" && change.to.number === request)
      if (found?._tag !== "Transition" || found.to.job !== job || !found.to.triggers.includes("schedule"))
        return "its request is written with it"
      this.see(found.from === null ? "a request" : "one more reason for a request")
    }
    const age = wall - at
    const isLate = age > GRACE
    const isOld = isLate && age > this.settings.maxCatchUpAge
    if (!wasHung && isOld !== (reason === OLD)) return isOld ? "it was missed too long ago" : "it is not too old"
    if (reason !== null && reason !== OLD) {
      if (this.settings.maxPending > 1 || !reason.includes("maxPending")) return "nothing is in its way"
      this.see("refused")
    }
    if (isLate && !isOld && request !== null && !wasHung) {
      // The one clock may have been set back, and the other may not count while the machine sleeps.
      const pause = Math.max(monotonic - this.#lastCatchUp.monotonic, wall - this.#lastCatchUp.wall)
      if (pause < SPACING) return `${pause} ms after another one that was missed`
      this.see(pause < 2 * SPACING ? "one missed after another" : "missed")
      this.#lastCatchUp = { monotonic, wall }
    }

    if (isOld) this.see("missed too long ago")
    if (!isLate) this.see("on time")
    if (first < at) this.see("several in one")
    if (at - first > 25 * DAY) this.see("more than 25 days in one")
    const before = isNext ? current.base : first - 1
    const shift = calendar.shift(before, at)
    if (shift !== 0) this.see(shift > 0 ? "clocks were put forward" : "clocks were put back")
    if ("timeZone" in calendar.schedule) this.see(`zone ${calendar.schedule.timeZone}`)
    return undefined
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What must have been written
  // -------------------------------------------------------------------------------------------------------------------

  /** For how long missed occurrences may wait for one another, once nothing is in the way, and for a retry before that. */
  get #patience(): number {
    return MINUTE + SPACING * (this.planned.size + 2)
  }

  /** `calm`: since when the scheduler runs, its clocks go evenly and its disk works, by the monotonic clock. */
  check(calm: number, { monotonic, wall }: Times): ReadonlyArray<string> {
    return [...this.planned].flatMap(([job, { calendar, since }]) => {
      const current = this.#current.get(job)
      if (current === undefined || textOf(current.calendar) !== calendar.text) return [`${job} has another schedule`]
      const begin = Math.max(calm, since)
      const duration = monotonic - begin
      if (duration > MINUTE && current.unwritten) return [`it is not written where the schedule of ${job} begins`]
      if (this.#rebased.has(job)) {
        return duration > 2 * MINUTE && isFarAhead(calendar, current.base, wall)
          ? [`${job} waits for a wrong clock`]
          : []
      }
      const missing = calendar.next(current.base)
      if (missing > wall) return []
      if (duration > this.#patience) return [`${job} was due at ${missing}, and it is ${wall}`]
      const onTime = calendar.next(Math.max(current.base, wall - duration))
      return onTime <= wall - MINUTE ? [`${job} was due on time at ${onTime}, and it is ${wall}`] : []
    })
  }

  checkUpcoming(
    upcoming: ReadonlyArray<{ readonly job: string; readonly at: number }>,
    calm: number,
    { monotonic, wall }: Times
  ): ReadonlyArray<string> {
    if (monotonic - calm <= MINUTE) return []
    const names = upcoming.map(({ job }) => job).sort()
    if (!isDeepStrictEqual(names, [...this.planned.keys()].sort())) return [`upcoming are ${names}`]
    return upcoming.flatMap(({ at, job }, index) => {
      const planned = this.planned.get(job)
      const { base = 0 } = this.#current.get(job) ?? {}
      if (at <= wall) return [`upcoming: ${job} is in the past, at ${at}`]
      if (at < (upcoming[index - 1]?.at ?? 0)) return ["upcoming: the soonest does not come first"]
      if (planned === undefined || monotonic - Math.max(calm, planned.since) <= this.#patience) return []
      const next = planned.calendar.next(Math.max(base, wall))
      if (next === at || (next === Number.POSITIVE_INFINITY && at > wall + MAX_BLOCKS * BLOCK - BLOCK)) return []
      return this.#rebased.has(job) ? [] : [`upcoming: ${job} is due at ${next}, not at ${at}`]
    })
  }
}
