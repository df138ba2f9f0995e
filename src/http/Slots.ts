/**
 * How many requests one door answers at once.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as GlobalValue from "effect/GlobalValue"
import { TooBusy } from "./ApiError.js"
import { type Caller, callerKey } from "./Rights.js"

/**
 * - `all`, `ofOne`: requests that are being answered, in all and of one caller.
 * - `ofNobody`: of all those who are not known, for one thing that is there for them.
 * - `waiting`: of one caller, those that wait for something, such as the end of a review; they are not among the others meanwhile.
 *
 * @internal
 */
export const LIMITS = { all: 100, ofOne: 50, ofNobody: 10, waiting: 20 }

/** One request of a caller. */
interface Slot {
  readonly caller: string
  readonly slots: Slots
}

/** The slot that the request has, if it came through a door. */
const held: FiberRef.FiberRef<Slot | undefined> = GlobalValue.globalValue("effect-healing/http/slot", () =>
  FiberRef.unsafeMake<Slot | undefined>(undefined)
)

const busy = (most: number, what: string) =>
  new TooBusy({ message: `${most} requests ${what}, which is the most: ask again in a second` })

const changed = (counts: Map<string, number>, name: string, by: number): void => {
  const count = (counts.get(name) ?? 0) + by
  if (count === 0) counts.delete(name)
  else counts.set(name, count)
}

/** @internal */
export class Slots {
  private inProgress = 0
  private readonly ofCaller = new Map<string, number>()
  private readonly waiting = new Map<string, number>()

  /** One more of all requests, whoever it is. */
  readonly limited = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | TooBusy, R> =>
    Effect.acquireUseRelease(
      Effect.suspend(() => {
        if (this.inProgress >= LIMITS.all) return Effect.fail(busy(LIMITS.all, "are being answered"))
        this.inProgress += 1
        return Effect.void
      }),
      () => effect,
      () =>
        Effect.sync(() => {
          this.inProgress -= 1
        })
    )

  /** One more of this caller. */
  readonly of =
    (who: Pick<Caller, "door" | "name" | "rights">) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | TooBusy, R> => {
      const caller = callerKey(who)
      const most = who.rights === "none" ? LIMITS.ofNobody : LIMITS.ofOne
      return Effect.acquireUseRelease(
        Effect.suspend(() => {
          if ((this.ofCaller.get(caller) ?? 0) >= most)
            return Effect.fail(busy(most, `of ${who.name} are being answered`))
          changed(this.ofCaller, caller, 1)
          return Effect.void
        }),
        () => Effect.locally(effect, held, { caller, slots: this }),
        () => Effect.sync(() => changed(this.ofCaller, caller, -1))
      )
    }

  /** It takes nobody's place while it waits. */
  readonly aside =
    (caller: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | TooBusy, R> =>
      Effect.acquireUseRelease(
        Effect.suspend(() => {
          if ((this.waiting.get(caller) ?? 0) >= LIMITS.waiting)
            return Effect.fail(busy(LIMITS.waiting, "of yours wait for something"))
          changed(this.waiting, caller, 1)
          changed(this.ofCaller, caller, -1)
          this.inProgress -= 1
          return Effect.void
        }),
        () => effect,
        () =>
          Effect.sync(() => {
            changed(this.waiting, caller, -1)
            changed(this.ofCaller, caller, 1)
            this.inProgress += 1
          })
      )
}

/**
 * What may take long, since it waits for something: it is in nobody's way meanwhile.
 *
 * @internal
 */
export const whileWaiting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | TooBusy, R> =>
  Effect.flatMap(
    FiberRef.get(held),
    (slot): Effect.Effect<A, E | TooBusy, R> => (slot === undefined ? effect : slot.slots.aside(slot.caller)(effect))
  )
