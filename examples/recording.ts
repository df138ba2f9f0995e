/**
 * What happens in `timeline.ts`: printed as it happens, kept for the drawing, and there to be waited for.
 */
import { Terminal } from "@effect/platform"
import { Array as Arr, Clock, Config, Console, Effect, Stream, SubscriptionRef } from "effect"
import { type Event, line, type Screen, type State, type Who } from "./draw.js"

/** 60 to 100 columns, as the terminal has them, 80 without one. Colour only on a terminal, unless `NO_COLOR` is set. */
export const screen: Effect.Effect<Screen, never, Terminal.Terminal> = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal
  const columns = yield* terminal.columns
  const noColour = yield* Effect.isSuccess(Config.nonEmptyString("NO_COLOR"))
  return { columns: Math.min(Math.max(columns || 80, 60), 100), colour: (yield* terminal.isTTY) && !noColour }
})

export class Recording extends Effect.Service<Recording>()("examples/Recording", {
  effect: Effect.gen(function* () {
    const shown = yield* screen
    const start = yield* Clock.currentTimeNanos
    const events = yield* SubscriptionRef.make<ReadonlyArray<Event>>([])
    return {
      events: events.get,

      /** From now on, this is how it stands with them. */
      record: (who: Who, state: State, text: string): Effect.Effect<void> =>
        SubscriptionRef.updateEffect(events, (before) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeNanos
            const event: Event = { at: Number(now - start) / 1e9, who, state, text }
            yield* Console.log(line(event, shown))
            return [...before, event]
          })
        ),

      /** Waits until it stands so with them for the first time. */
      until: (who: Who, state: State): Effect.Effect<void> =>
        events.changes.pipe(
          Stream.takeUntil(Arr.some((event) => event.who === who && event.state === state)),
          Stream.runDrain
        )
    }
  })
}) {}
