/**
 * Tells a digest when it is due. One that was missed, since the process was away, is told at the next start.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { HealingStoreError } from "../HealingError.js"
import { type HealingSchedule, nextOccurrence } from "../policy/HealingSchedule.js"
import type { Journal } from "../store/Journal.js"
import type { NoticeChange } from "../store/NoticeJournal.js"
import * as Digest from "./Digest.js"
import { PAUSE } from "./Persistently.js"
import type { Telling } from "./Telling.js"

/** A timer does not hear of a clock that is set, or of a machine that was suspended. */
const LONGEST_SLEEP = Duration.hours(1)

/** Under this it is remembered when the last one was told. */
const LAST = { job: "", kind: "Digest", subject: "last" } as const

/**
 * It goes on for as long as the scope is open.
 *
 * - `before`: done before each: all that was counted is to be written.
 *
 * @internal
 */
export const make = ({
  before,
  schedule,
  store,
  tell,
  wall
}: Pick<Telling, "tell"> & {
  readonly before: Effect.Effect<void, HealingStoreError>
  readonly schedule: HealingSchedule
  readonly store: Journal
  readonly wall: () => number
}): Effect.Effect<void, never, Scope.Scope> => {
  const remember = (at: number): NoticeChange => ({ _tag: "Told", told: { ...LAST, at } })

  const step = Effect.gen(function* () {
    const at = wall()
    const last = Option.getOrUndefined(yield* store.notices.told(LAST))
    // A clock that was ahead does not silence it for longer.
    if (last === undefined || last > at) {
      yield* tell(undefined, { others: [remember(at)] })
      return
    }
    const due = nextOccurrence(schedule, last)
    if (due > at) return yield* Effect.sleep(Duration.min(Duration.millis(due - at), LONGEST_SLEEP))
    yield* before
    const { draft, told } = yield* Digest.make(store, last, at)
    yield* tell(draft, { others: [remember(at), ...told] })
  })

  // The queue says in the log that its store fails.
  return step.pipe(
    Effect.catchAll(() => Effect.sleep(PAUSE)),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid
  )
}
