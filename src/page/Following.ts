/**
 * Follows the events of the API, again and again.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ApiEvent } from "../http/ApiEvent.js"
import { type Api, problemOf } from "./Api.js"

/** How long it waits before it tries again, in milliseconds: twice as long each time. */
const FIRST_WAIT = 250
const LONGEST_WAIT = 5000

/** The browser knows sooner that a connection is lost, and that there is one again. */
const says = (name: "online" | "offline") =>
  Effect.async<void>((resume) => {
    const now = () => resume(Effect.void)
    window.addEventListener(name, now, { once: true })
    return Effect.sync(() => window.removeEventListener(name, now))
  })

/**
 * Ends when whoever looks may not do so any more.
 *
 * - `told`: gets each event.
 * - `lost`: the stream has ended, and why.
 *
 * @internal
 */
export const follow = (
  api: Pick<Api, "events">,
  { lost, told }: { readonly told: (event: ApiEvent) => Effect.Effect<unknown>; readonly lost: (why: string) => void }
): Effect.Effect<void> =>
  Effect.gen(function* () {
    let lastId: string | undefined
    let wait = FIRST_WAIT
    while (true) {
      const began = yield* Clock.currentTimeMillis
      const ended = yield* api.events(lastId).pipe(
        Stream.interruptWhen(says("offline")),
        Stream.runForEach(({ event, id }) =>
          Effect.suspend(() => {
            lastId = id
            return told(event)
          })
        ),
        Effect.as({ _tag: "Ended", message: "The stream of events has ended." }),
        Effect.catchAll(Effect.succeed)
      )
      lost(problemOf(ended))
      if (ended._tag === "Unauthorized" || ended._tag === "NotPermitted") return
      // A stream that ends again and again at once is not worth a try four times a second.
      if ((yield* Clock.currentTimeMillis) - began > LONGEST_WAIT) wait = FIRST_WAIT
      yield* Effect.raceFirst(Effect.sleep(wait), says("online"))
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  })
