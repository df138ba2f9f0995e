/**
 * Who gets a turn, who gives way and whose wait is over: one decision at a time, on plain values.
 *
 * @internal
 */
import type { HeldBy } from "../HealingError.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { Lanes } from "./Lanes.js"
import type { Ticket } from "./Ticket.js"

/**
 * What a decision is made on, beside those who wait and those who have a turn. Instants are monotonic, in milliseconds.
 *
 * - `at`: now.
 * - `quietAt`: from when on reviews may start; `Infinity` while a job runs or a source is unknown (R2, R16).
 * - `started`: how many job instances have ever been started.
 *
 * @internal
 */
export interface Situation {
  readonly at: number
  readonly quietAt: number
  readonly started: number
}

const MAX_PASSED = 100

/** @internal */
export class Dispatcher {
  readonly lanes = new Lanes<Ticket>()
  /** Those who have a turn. */
  readonly turns = new Set<Ticket>()
  readonly #settings: Pick<HealingSettings, "enabled" | "maxConcurrent" | "onMaxWait">

  constructor(settings: Pick<HealingSettings, "enabled" | "maxConcurrent" | "onMaxWait">) {
    this.#settings = settings
  }

  /** Whether every turn is taken (R1). */
  get isFull(): boolean {
    return this.turns.size >= this.#settings.maxConcurrent
  }

  /** Lines the ticket up, at its place. */
  enter(ticket: Ticket, at: number): void {
    ticket.stage = "waiting"
    ticket.waitingSince = at
    ticket.lane.line.add(ticket)
  }

  /** Changes what the order goes by, wherever the ticket is. */
  rearrange(ticket: Ticket, change: () => void): void {
    const isWaiting = ticket.stage === "waiting"
    if (isWaiting) ticket.lane.line.remove(ticket)
    change()
    if (isWaiting) ticket.lane.line.add(ticket)
  }

  /** Out of the line, and out of its turn, if any. */
  leave(ticket: Ticket): void {
    if (ticket.stage === "waiting") ticket.lane.line.remove(ticket)
    ticket.stage = "out"
    if (ticket.turn === undefined) return
    if (ticket.turn.mark !== undefined) ticket.turn.mark.live = false
    ticket.turn = undefined
    this.turns.delete(ticket)
  }

  /** Nobody waits any more. Those who have a turn keep it (R11). */
  close(): void {
    for (const { line } of this.lanes) {
      for (const ticket of line) {
        this.leave(ticket)
        ticket.owner.closed(ticket)
      }
    }
  }

  /**
   * Decides: state changes have been made before it, so grants of turns come first, then deadlines (R6). Those whom the running
   * state makes give way, and those whose review has timed out, are told so on the way. Returns how many have left without a turn.
   *
   * - `heldBy`: what holds a ticket up; asked of those whose deadline passes.
   */
  decide(situation: Situation, heldBy: (ticket: Ticket) => ReadonlyArray<HeldBy>): number {
    const { at } = situation
    this.lanes.release(at)
    let left = 0
    let isAnyOverdue: boolean
    do {
      this.#grant(situation)
      this.#giveWay(situation)
      const passed = this.#passDeadlines(at, heldBy)
      left += passed.left
      isAnyOverdue = passed.isAnyOverdue
      // An overdue one goes first from now on.
    } while (isAnyOverdue)
    this.#timeOut(at)
    return left
  }

  /** When to decide again if nothing happens before: at a deadline, at a limit, or when somebody may go. */
  nextInstant({ at, quietAt }: Omit<Situation, "started">): number {
    let next = this.lanes.mostUrgent?.deadline ?? Number.POSITIVE_INFINITY
    // The limit of a review that has not begun cannot be sooner than that of one that begins now.
    for (const { limit, stage, turn } of this.turns) {
      next = Math.min(next, stage === "granted" ? at + limit : (turn?.limitAt ?? Number.POSITIVE_INFINITY))
    }
    if (!this.#settings.enabled || this.isFull) return next
    for (const { heldUntil, line } of this.lanes) {
      // An overdue one that may go has gone.
      if (line.first !== undefined) next = Math.min(next, Math.max(quietAt, heldUntil))
      if (line.first?.overdue === true) next = Math.min(next, heldUntil)
      if (line.firstDelayed !== undefined) next = Math.min(next, Math.max(line.firstDelayed.notBefore, heldUntil))
    }
    return next
  }

  /**
   * The owner of a ticket may hold, change or leave lanes while it is told of its grant: the limit of reviews per day must bite
   * between two grants. So each round looks at all of them anew.
   */
  #grant({ at, quietAt }: Situation): void {
    while (this.#settings.enabled && !this.isFull) {
      const first = this.lanes.nextUp(at)
      if (first === undefined || !mayStart(first, { at, quietAt })) break
      first.lane.line.remove(first)
      first.stage = "granted"
      first.turn = { at, limitAt: Number.POSITIVE_INFINITY, giveWay: undefined, started: 0, mark: undefined }
      this.turns.add(first)
      first.owner.granted(first)
    }
  }

  /** A job instance that has started since the last check of a review interrupts it, if any may (R10). */
  #giveWay({ started }: Situation): void {
    for (const { turn } of this.turns) {
      if (turn?.giveWay === undefined || turn.started >= started) continue
      turn.giveWay()
      turn.giveWay = undefined
    }
  }

  #timeOut(at: number): void {
    for (const ticket of this.turns) {
      if (ticket.turn === undefined || ticket.turn.limitAt > at) continue
      ticket.turn.limitAt = Number.POSITIVE_INFINITY
      ticket.owner.timedOut(ticket)
    }
  }

  #passDeadlines(at: number, heldBy: (ticket: Ticket) => ReadonlyArray<HeldBy>) {
    let isAnyOverdue = false
    let left = 0
    // One decision passes at most so many: a job that reports meanwhile must not wait for all of them (R3).
    for (let i = 0; i < MAX_PASSED; i++) {
      const ticket = this.lanes.mostUrgent
      if (ticket === undefined || ticket.deadline > at) break
      const { line } = ticket.lane
      if (this.#settings.onMaxWait === "run" && this.#settings.enabled) {
        isAnyOverdue = true
        line.remove(ticket)
        ticket.overdue = true
        ticket.deadline = Number.POSITIVE_INFINITY
        line.add(ticket)
        continue
      }
      const held = heldBy(ticket)
      const ahead = this.lanes.ahead(ticket)
      line.remove(ticket)
      const next = ticket.owner.deadlinePassed(ticket, at, held, ahead)
      if (next === undefined) {
        left++
        ticket.stage = "out"
      } else {
        ticket.deadline = next
        line.add(ticket)
      }
    }
    return { isAnyOverdue, left }
  }
}

/**
 * Whether the running state lets the review of a ticket start (R2). It lets an overdue one start always (R6).
 *
 * @internal
 */
export const mayStart = ({ overdue }: Pick<Ticket, "overdue">, { at, quietAt }: Omit<Situation, "started">): boolean =>
  overdue || quietAt <= at
