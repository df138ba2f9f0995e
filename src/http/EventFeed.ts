/**
 * What happens, for those who watch: one ring of the last events for all of them, in which each has a place of its own. A watcher who is so
 * late that its place was overwritten is cut off, and begins with a snapshot when it comes again. So each costs next to nothing, and none
 * of them slows anything down.
 *
 * @internal
 */
import * as Sse from "@effect/experimental/Sse"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ApiEvent } from "./ApiEvent.js"
import * as EventRing from "./EventRing.js"
import * as Watchers from "./Watchers.js"

/** Events that come sooner after others are told together, so that many watchers cost little. */
const PACE = Duration.millis(100)

/** Somebody between the two who sees nothing for longer may take the connection for dead. */
const HEARTBEAT = Duration.seconds(15)

/** Who takes nothing while so many heartbeats are due is cut off. */
const MAX_BEATS = 3

/** Who does not say in time whether somebody is still let in has not said yes. */
const ADMISSION = Duration.seconds(10)

/**
 * - `caller`: of whom only so many may watch.
 * - `lastId`: of the last event that was seen.
 * - `isStillAdmitted`: asked with each heartbeat.
 * - `cut`: told when the watcher is cut off.
 *
 * @internal
 */
export interface WatchOptions {
  readonly caller: string
  readonly lastId: string | undefined
  readonly isStillAdmitted: Effect.Effect<boolean>
  readonly cut: () => void
}

/**
 * - `start`: which run of the process this is: the time of its start.
 * - `publish`: costs its maker no more than the making of its text.
 * - `statusChanged`: tells who watches how the status is by then. Many changes come to one event.
 * - `watchers`: how many there are.
 * - `watch`: the events as server-sent ones, from the one after `lastId` if that is still there, else from a snapshot. It ends when the
 *   feed does, when its caller is not admitted any more, or when it is cut off. None if too many watch. Its place is given back with the
 *   scope, when it is cut off, or by `leave`.
 * - `end`: there is nothing more to watch.
 *
 * @internal
 */
export interface EventFeed {
  readonly start: string
  readonly publish: (event: ApiEvent) => Effect.Effect<void>
  readonly statusChanged: Effect.Effect<void>
  readonly watchers: () => number
  readonly watch: (
    options: WatchOptions
  ) => Effect.Effect<
    Option.Option<{ readonly stream: Stream.Stream<Uint8Array>; readonly leave: () => void }>,
    never,
    Scope.Scope
  >
  readonly end: Effect.Effect<void>
}

const encoder = new TextEncoder()

/** A comment, which clients leave out. */
const heartbeat = encoder.encode(": still here\n\n")

const textOf = (event: ApiEvent, start: string, number: number): Uint8Array =>
  encoder.encode(
    Sse.encoder.write({ _tag: "Event", event: event._tag, id: `${start}:${number}`, data: JSON.stringify(event) })
  )

/** The number in an id of this run of the process. */
const numberIn = (id: string | undefined, start: string): number | undefined => {
  const [, of, number] = /^(\d+):(\d{1,15})$/.exec(id ?? "") ?? []
  return of === start ? Number(number) : undefined
}

/** Does it when the latch is open, and then not again for a while. */
const paced = (latch: Effect.Latch, pace: Duration.Duration, effect: Effect.Effect<void>) =>
  Effect.forkScoped(Effect.forever(latch.await.pipe(Effect.zipRight(effect), Effect.zipRight(Effect.sleep(pace)))))

/**
 * - `snapshot`: how everything is now; its events come after it.
 * - `current`: the status now, for those who go on where they were.
 *
 * @internal
 */
export const make = (options: {
  readonly snapshot: (start: string) => Effect.Effect<ApiEvent>
  readonly current: (start: string) => Effect.Effect<ApiEvent>
}): Effect.Effect<EventFeed, never, Scope.Scope> =>
  Effect.gen(function* () {
    const start = String(yield* Clock.currentTimeMillis)
    const ring = EventRing.make()
    const watchers = Watchers.make()
    const follow = makeFollow(ring, watchers, () => isEnded)
    const news = Effect.unsafeMakeLatch()
    const status = Effect.unsafeMakeLatch()
    let isEnded = false

    const publish = (event: ApiEvent) =>
      Effect.sync(() => {
        ring.push((number) => textOf(event, start, number))
        news.unsafeOpen()
      })

    const tell = Effect.sync(() => {
      news.unsafeClose()
      for (const watcher of watchers.all.keys()) follow.wake(watcher)
    })
    const tellStatus = Effect.suspend(() => {
      status.unsafeClose()
      return watchers.all.size === 0 ? Effect.void : Effect.flatMap(options.current(start), publish)
    })
    yield* paced(news, PACE, tell)
    yield* paced(status, PACE, tellStatus)
    yield* beating(watchers, follow.cutOff)

    /** What it has missed, or a snapshot; then the status, which is not told while nobody watches. */
    const greet = (watcher: Watchers.Watcher, goesOn: boolean) =>
      Effect.gen(function* () {
        // Who comes again with the id of a greeting has seen what was before it, and not what comes while it is made.
        const { seen } = watcher
        const greeting = yield* goesOn ? options.current(start) : options.snapshot(start)
        const missed = goesOn ? follow.unseen(watcher) : []
        return [...missed, textOf(greeting, start, goesOn ? watcher.seen : seen)]
      })

    return {
      start,
      publish,
      statusChanged: Effect.sync(() => status.unsafeOpen()),
      watchers: () => watchers.all.size,
      watch: ({ caller, cut, isStillAdmitted, lastId }) =>
        Effect.gen(function* () {
          const number = numberIn(lastId, start)
          const goesOn = number !== undefined && ring.after(number) !== undefined
          const enrolled = yield* Effect.acquireRelease(
            Effect.sync(() => (isEnded ? Option.none() : watchers.enrol(caller, goesOn ? number : ring.last(), cut))),
            (enrolled) => Effect.sync(() => Option.map(enrolled, watchers.leave))
          )
          return Option.map(enrolled, (watcher) => {
            const rest = Stream.paginateChunkEffect(undefined, () =>
              Effect.map(follow.next(watcher, isStillAdmitted), (found) => [
                Chunk.fromIterable(found),
                found.length === 0 ? Option.none() : Option.some(undefined)
              ])
            )
            return {
              stream: Stream.concat(Stream.fromIterableEffect(greet(watcher, goesOn)), rest),
              leave: () => watchers.leave(watcher)
            }
          })
        }),
      end: Effect.sync(() => {
        isEnded = true
        for (const watcher of watchers.all.keys()) watcher.wake.unsafeOpen()
      })
    }
  })

/** As long as somebody watches, each gets a sign of life from time to time. */
const beating = ({ all, someone }: Watchers.Watchers, cutOff: (watcher: Watchers.Watcher) => void) =>
  someone.await.pipe(
    Effect.zipRight(Effect.sleep(HEARTBEAT)),
    Effect.zipRight(
      Effect.sync(() => {
        if (all.size === 0) someone.unsafeClose()
        for (const watcher of all.keys()) {
          watcher.beats += 1
          if (watcher.beats > MAX_BEATS) cutOff(watcher)
          else watcher.wake.unsafeOpen()
        }
      })
    ),
    Effect.forever,
    Effect.forkScoped
  )

/** How watchers go through the ring. */
const makeFollow = (ring: EventRing.EventRing, watchers: Watchers.Watchers, isOver: () => boolean) => {
  const cutOff = (watcher: Watchers.Watcher): void => {
    if (watcher.isGone) return
    watchers.leave(watcher)
    watcher.cut()
  }

  /** Cuts it off if its place was overwritten. */
  const wake = (watcher: Watchers.Watcher): void => {
    if (ring.after(watcher.seen) === undefined) cutOff(watcher)
    watcher.wake.unsafeOpen()
  }

  /** What it has not been handed yet; nothing if it is cut off. */
  const unseen = (watcher: Watchers.Watcher): ReadonlyArray<Uint8Array> => {
    const found = ring.after(watcher.seen)
    if (found === undefined || watcher.isGone) {
      wake(watcher)
      return []
    }
    watcher.seen = ring.last()
    // Once it is over, it stays awake.
    if (!isOver()) watcher.wake.unsafeClose()
    return found
  }

  /** What is told next; nothing once it is over. */
  const next = (
    watcher: Watchers.Watcher,
    isStillAdmitted: Effect.Effect<boolean>
  ): Effect.Effect<ReadonlyArray<Uint8Array>> =>
    Effect.gen(function* () {
      yield* watcher.wake.await
      const isDue = watcher.beats > 0
      watcher.beats = 0
      const mayGoOn = isDue
        ? yield* Effect.timeoutTo(isStillAdmitted, {
            duration: ADMISSION,
            onSuccess: (is) => is,
            onTimeout: () => false
          })
        : true
      if (isOver() || !mayGoOn) return []
      const found = unseen(watcher)
      if (found.length > 0 || watcher.isGone) return found
      return isDue ? [heartbeat] : yield* next(watcher, isStillAdmitted)
    })

  return { wake, unseen, next, cutOff }
}
