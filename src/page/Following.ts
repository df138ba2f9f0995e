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

/** A tab that nobody sees is woken up once a minute, which is no sleep. */
const ASLEEP = 90_000

/** When the machine was awake last, once it wakes up: by then, nobody knows what has become of the connection. */
const slept = Effect.gen(function* () {
  let last = yield* Clock.currentTimeMillis
  while (true) {
    yield* Effect.sleep("1 second")
    const now = yield* Clock.currentTimeMillis
    if (now - last > ASLEEP) return last
    last = now
  }
})

/** Why a stream has ended, and since when. */
interface End {
  readonly _tag: string
  readonly message: string
  readonly since?: number
}

/**
 * Ends when whoever looks may not do so any more.
 *
 * - `told`: gets each event.
 * - `lost`: the stream has ended, why, and since when nothing is known.
 *
 * @internal
 */
export const follow = (
  api: Pick<Api, "events">,
  {
    lost,
    told
  }: {
    readonly told: (event: ApiEvent) => Effect.Effect<unknown>
    readonly lost: (why: string, since: number) => void
  }
): Effect.Effect<void> =>
  Effect.gen(function* () {
    let lastId: string | undefined
    let wait = FIRST_WAIT
    const once = Stream.suspend(() => api.events(lastId)).pipe(
      Stream.runForEach(({ event, id }) =>
        Effect.suspend(() => {
          lastId = id
          return told(event)
        })
      ),
      Effect.as<End>({ _tag: "Ended", message: "The stream of events has ended." }),
      Effect.catchAll((error) => Effect.succeed<End>(error))
    )
    const ends = [
      once,
      Effect.as(says("offline"), { _tag: "Offline", message: "The browser says that there is no network." }),
      Effect.map(slept, (since) => ({ _tag: "Slept", message: "This machine was asleep.", since }))
    ]
    while (true) {
      const began = yield* Clock.currentTimeMillis
      const ended: End = yield* Effect.raceAll(ends)
      const now = yield* Clock.currentTimeMillis
      lost(problemOf(ended), ended.since ?? now)
      if (ended._tag === "Unauthorized" || ended._tag === "NotPermitted") return
      // A stream that ends again and again at once is not worth a try four times a second.
      if (now - began > LONGEST_WAIT) wait = FIRST_WAIT
      yield* Effect.raceFirst(Effect.sleep(wait), says("online"))
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  })
