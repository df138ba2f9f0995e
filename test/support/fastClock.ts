/** A clock of its own, by which recordings are played faster than they were made. */
import { Clock, Duration, Effect } from "effect"

/** `from`: the time that it shows at first, in milliseconds since 1970. `speed`: how many seconds pass in one. */
export const fastClock = (from: number, speed: number): Clock.Clock => {
  const began = performance.now()
  const millis = () => from + (performance.now() - began) * speed
  const nanos = () => BigInt(Math.round(millis() * 1e6))
  const machine = Clock.make()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: millis,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanos: Effect.sync(nanos),
    sleep: (duration) => machine.sleep(Duration.millis(Duration.toMillis(duration) / speed))
  }
}
