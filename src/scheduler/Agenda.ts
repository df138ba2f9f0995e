/**
 * Which jobs are due by their schedules, and when to look again.
 *
 * The store tells the last occurrence of each job. What is due since then is one request,
 * however many occurrences that are. One that is late was missed, since nobody looked: those are made up for one by one.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Iterable from "effect/Iterable"
import * as Order from "effect/Order"
import * as SortedSet from "effect/SortedSet"
import { type HealingSchedule, lastOccurrence, nextOccurrence } from "../policy/HealingSchedule.js"
import type { Occurrence } from "../store/Change.js"

/** An occurrence that is later than this was missed. It is twice the longest sleep. */
const GRACE = Duration.toMillis("2 minutes")

/** The time between two missed ones that are made up for. */
const SPACING = Duration.toMillis("6 seconds")

/** This package did not exist before: a clock that shows an earlier time was not set at all, as after a start without a battery. */
const SANE = Date.UTC(2026, 0, 1)

/**
 * What is ahead by more than one period of the schedule was written by a clock that was wrong: the occurrence before it is still to come,
 * too. As long as it is less, nothing happens twice, and the schedule is silent for no longer than usual.
 */
const isWrong = (schedule: HealingSchedule, last: number, now: number): boolean =>
  now >= SANE && last > now && (lastOccurrence(schedule, last - 1) ?? now) > now

/** How long one that could not be written is left alone. */
const RETRY = Duration.toMillis("1 minute")

/**
 * When a job is to be reviewed. `text` is the same for the same schedule.
 *
 * @internal
 */
export interface Plan {
  readonly job: string
  readonly schedule: HealingSchedule
  readonly text: string
}

interface Entry {
  readonly plan: Plan
  /** The first occurrence of which nothing has come yet. */
  due: number
  /** When a missed one is made up for. */
  slot: number
  /** When to look at it again; it is sorted by that. */
  wakeAt: number
  readonly number: number
}

const byWake: Order.Order<Entry> = Order.combine(
  Order.mapInput(Order.number, ({ wakeAt }: Entry) => wakeAt),
  Order.mapInput(Order.number, ({ number }: Entry) => number)
)

/**
 * What is due, or was and is not any more: then `reason` says why.
 *
 * @internal
 */
export type Due = Omit<Occurrence, "request">

/**
 * Times are those of the wall clock, in milliseconds since 1970.
 *
 * @internal
 */
export class Agenda {
  readonly #maxCatchUpAge: number
  readonly #last: Map<string, Pick<Occurrence, "at" | "schedule">>
  readonly #entries = new Map<string, Entry>()
  /** Beginnings and ends of schedules. */
  readonly #unwritten = new Map<string, Occurrence>()
  /** Jobs of which it is being written what has come of an occurrence. */
  readonly #writing = new Set<string>()
  /** Jobs whose schedules begin anew since what was done last is still to come, and when that is. */
  readonly #ahead = new Map<string, number>()
  #sorted: SortedSet.SortedSet<Entry> = SortedSet.empty(byWake)
  #lastSlot = Number.NEGATIVE_INFINITY
  #lastMissed = Number.NEGATIVE_INFINITY
  #lastLook = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(last: ReadonlyArray<Occurrence>, maxCatchUpAge: number) {
    this.#last = new Map(last.map((occurrence) => [occurrence.job, occurrence]))
    this.#maxCatchUpAge = maxCatchUpAge
  }

  /**
   * The schedules from now on. Jobs that are neither among them nor among those that `keep` theirs have none any more, and
   * jobs that are not `present` are left as they are until they are back.
   */
  plan(plans: ReadonlyArray<Plan>, isPresent: (job: string) => boolean, keep: (job: string) => boolean, now: number) {
    const planned = new Set<string>()
    for (const plan of plans) {
      planned.add(plan.job)
      if (this.#entries.get(plan.job)?.plan.text !== plan.text) this.#begin(plan, now)
    }
    for (const [job, entry] of this.#entries) {
      if (!planned.has(job)) this.#remove(job, entry)
    }
    for (const [job, { schedule }] of this.#last) {
      if (schedule !== "" && !planned.has(job) && isPresent(job) && !keep(job)) {
        this.#mark(job, now, "")
      }
    }
  }

  /** What is to be written, in one go or another. */
  get unwritten(): ReadonlyArray<Occurrence> {
    return Array.from(this.#unwritten.values())
  }

  written(occurrences: ReadonlyArray<Occurrence>): void {
    for (const occurrence of occurrences) {
      if (this.#unwritten.get(occurrence.job) === occurrence) this.#unwritten.delete(occurrence.job)
    }
  }

  /** What is due, each until it is said to be `done` or to have `failed`. */
  take(now: number): ReadonlyArray<Due> {
    if (now < this.#lastLook) this.#setBack(now)
    this.#lastLook = now
    const due: Array<Due> = []
    for (let entry = this.#first(); entry !== undefined && entry.wakeAt <= now; entry = this.#first()) {
      const one = this.#look(entry, now)
      if (one !== undefined) due.push(one)
    }
    return due
  }

  done({ at, job, schedule }: Due): void {
    this.#writing.delete(job)
    const last = this.#last.get(job)
    if (last !== undefined && last.schedule !== schedule) {
      // It was changed meanwhile, and what was written about that is no longer what was written last.
      this.#mark(job, last.at, last.schedule)
      return
    }
    this.#last.set(job, { at, schedule })
    this.#unwritten.delete(job)
    this.#ahead.delete(job)
    const entry = this.#entries.get(job)
    // It was gone and is back.
    if (entry !== undefined && entry.due <= at) {
      entry.due = nextOccurrence(entry.plan.schedule, at)
      this.#wake(entry, entry.due)
    }
  }

  failed({ first, job, schedule }: Due, now: number): void {
    this.#writing.delete(job)
    const entry = this.#entries.get(job)
    if (entry?.plan.text !== schedule) return
    entry.due = Math.min(entry.due, first)
    this.#wake(entry, now + RETRY)
  }

  /** Jobs whose schedules begin anew, since what was done last is still to come; until the next occurrence of each. */
  get ahead(): ReadonlyMap<string, number> {
    return this.#ahead
  }

  /** When to look again. */
  get next(): number {
    return this.#first()?.wakeAt ?? Number.POSITIVE_INFINITY
  }

  /** The next occurrence of each job, the soonest first, so many at most. */
  upcoming(limit: number): ReadonlyArray<{ readonly job: string; readonly at: number }> {
    return Array.from(Iterable.take(this.#sorted, limit), ({ plan, wakeAt }) => ({ job: plan.job, at: wakeAt }))
  }

  #begin(plan: Plan, now: number): void {
    const { job, schedule, text } = plan
    const known = this.#entries.get(job)
    if (known !== undefined) this.#remove(job, known)
    const last = this.#last.get(job)
    const isSame = last !== undefined && last.schedule === text
    const goesOn = isSame && !isWrong(schedule, last.at, now)
    if (isSame && !goesOn) this.#ahead.set(job, last.at)
    else this.#ahead.delete(job)
    if (!goesOn) this.#mark(job, now, text)
    const due = nextOccurrence(schedule, goesOn ? last.at : now)
    const entry = { plan, due, slot: Number.POSITIVE_INFINITY, wakeAt: due, number: this.#count++ }
    this.#entries.set(job, entry)
    this.#sorted = SortedSet.add(this.#sorted, entry)
  }

  #remove(job: string, entry: Entry): void {
    this.#entries.delete(job)
    this.#ahead.delete(job)
    this.#sorted = SortedSet.remove(this.#sorted, entry)
  }

  /** The job has this schedule, or none, from then on. */
  #mark(job: string, at: number, schedule: string): void {
    const reason = schedule === "" ? "it has no schedule any more" : "its schedule counts from here on"
    this.#last.set(job, { at, schedule })
    this.#unwritten.set(job, { job, first: at, at, schedule, request: null, reason })
  }

  #first(): Entry | undefined {
    for (const entry of this.#sorted) return entry
    return undefined
  }

  #wake(entry: Entry, at: number): void {
    this.#sorted = SortedSet.remove(this.#sorted, entry)
    entry.wakeAt = at
    this.#sorted = SortedSet.add(this.#sorted, entry)
  }

  /** One whose time to be looked at has come. Afterwards it is later. */
  #look(entry: Entry, now: number): Due | undefined {
    const { due, plan } = entry
    const { job, schedule, text } = plan
    if (this.#writing.has(job)) {
      this.#wake(entry, now + RETRY)
      return undefined
    }
    const at = lastOccurrence(schedule, now) ?? Number.NEGATIVE_INFINITY
    // The clock was set back since then.
    if (at < due) {
      this.#wake(entry, due)
      return undefined
    }
    const next = nextOccurrence(schedule, now)
    const isLate = now - at > GRACE
    const isOld = isLate && now - at > this.#maxCatchUpAge
    if (isLate && !isOld) {
      const slot = this.#slot(entry, now)
      if (slot > now) {
        this.#wake(entry, Math.min(slot, next))
        return undefined
      }
      this.#lastMissed = now
    }
    entry.slot = Number.POSITIVE_INFINITY
    this.#writing.add(job)
    entry.due = next
    this.#wake(entry, next)
    return { job, first: due, at, schedule: text, reason: isOld ? "it was missed too long ago" : null }
  }

  /** When it is made up for. Where nobody looked at that time, it is put off, or all would come at once. */
  #slot(entry: Entry, now: number): number {
    if (entry.slot === Number.POSITIVE_INFINITY || entry.slot + SPACING <= now) {
      entry.slot = Math.max(now, this.#lastSlot + SPACING)
      this.#lastSlot = entry.slot
    }
    entry.slot = Math.max(entry.slot, this.#lastMissed + SPACING)
    return entry.slot
  }

  #setBack(now: number): void {
    this.#lastSlot = Math.min(this.#lastSlot, now)
    this.#lastMissed = Math.min(this.#lastMissed, now)
    for (const [job, entry] of this.#entries) {
      if (isWrong(entry.plan.schedule, this.#last.get(job)?.at ?? now, now)) {
        this.#begin(entry.plan, now)
      } else if (entry.wakeAt > entry.due) {
        // Until a slot, or until it is written at last, by the clock as it was.
        entry.slot = Number.POSITIVE_INFINITY
        this.#wake(entry, Math.max(entry.due, now))
      }
    }
  }
}
