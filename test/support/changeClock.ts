/** A clock that differs from another one in something. */
import { Clock } from "effect"

/** The clock, with some of it changed. */
export const changeClock = (clock: Clock.Clock, changed: Partial<Clock.Clock>): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  sleep: (duration) => clock.sleep(duration),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanos: clock.currentTimeNanos,
  unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
  unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
  ...changed
})
