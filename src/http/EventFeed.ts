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

/**
 * - `name`: of the caller, of whom only so many may watch.
 * - `lastId`: of the last event that was seen.
 * - `isStillAdmitted`: asked with each heartbeat.
 * - `cut`: told when the watcher is cut off.
 *
 * @internal
 */
export interface WatchOptions {
  readonly name: string
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
 *   feed does, when its caller is not admitted any more, or when it is cut off. None if too many watch.
 * - `end`: there is nothing more to watch.
 *
 * @internal
 */
export interface EventFeed {
  readonly start: string
  readonly publish: (event: ApiEvent) => Effect.Effect<void>
  readonly statusChanged: Effect.Effect<void>
  readonly watchers: () => number
  readonly watch: (options: WatchOptions) => Effect.Effect<Option.Option<Stream.Stream<Uint8Array>>, never, Scope.Scope>
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
    const follow = makeFollow(ring)
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
      for (const watcher of watchers.all) follow.wake(watcher)
    })
    const tellStatus = Effect.suspend(() => {
      status.unsafeClose()
      return watchers.all.size === 0 ? Effect.void : Effect.flatMap(options.current(start), publish)
    })
    yield* paced(news, PACE, tell)
    yield* paced(status, PACE, tellStatus)
    yield* beating(watchers)

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
      watch: ({ cut, isStillAdmitted, lastId, name }) =>
        Effect.gen(function* () {
          const number = numberIn(lastId, start)
          const goesOn = number !== undefined && ring.after(number) !== undefined
          const enrolled = yield* watchers.enrol(name, goesOn ? number : ring.last(), cut)
          if (isEnded || Option.isNone(enrolled)) return Option.none()
          const watcher = enrolled.value
          const isOver = () => isEnded
          const rest = Stream.paginateChunkEffect(undefined, () =>
            Effect.map(follow.next(watcher, isStillAdmitted, isOver), (found) => [
              Chunk.fromIterable(found),
              found.length === 0 ? Option.none() : Option.some(undefined)
            ])
          )
          return Option.some(Stream.concat(Stream.fromIterableEffect(greet(watcher, goesOn)), rest))
        }),
      end: Effect.sync(() => {
        isEnded = true
        for (const watcher of watchers.all) watcher.wake.unsafeOpen()
      })
    }
  })

/** As long as somebody watches, each gets a sign of life from time to time. */
const beating = ({ all, someone }: Watchers.Watchers) =>
  someone.await.pipe(
    Effect.zipRight(Effect.sleep(HEARTBEAT)),
    Effect.zipRight(
      Effect.sync(() => {
        if (all.size === 0) someone.unsafeClose()
        for (const watcher of all) {
          watcher.isDue = true
          watcher.wake.unsafeOpen()
        }
      })
    ),
    Effect.forever,
    Effect.forkScoped
  )

/** How watchers go through the ring. */
const makeFollow = (ring: EventRing.EventRing) => {
  /** Cuts it off if its place was overwritten. */
  const wake = (watcher: Watchers.Watcher): void => {
    if (!watcher.isCut && ring.after(watcher.seen) === undefined) {
      watcher.isCut = true
      watcher.cut()
    }
    watcher.wake.unsafeOpen()
  }

  /** What it has not been handed yet; nothing if it is cut off. */
  const unseen = (watcher: Watchers.Watcher): ReadonlyArray<Uint8Array> => {
    const found = ring.after(watcher.seen)
    if (found === undefined || watcher.isCut) {
      wake(watcher)
      return []
    }
    watcher.seen = ring.last()
    watcher.wake.unsafeClose()
    return found
  }

  /** What is told next; nothing once it is over. */
  const next = (
    watcher: Watchers.Watcher,
    isStillAdmitted: Effect.Effect<boolean>,
    isOver: () => boolean
  ): Effect.Effect<ReadonlyArray<Uint8Array>> =>
    Effect.gen(function* () {
      yield* watcher.wake.await
      const { isDue } = watcher
      watcher.isDue = false
      if (isOver() || (isDue && !(yield* isStillAdmitted))) return []
      const found = unseen(watcher)
      if (found.length > 0 || watcher.isCut) return found
      return isDue ? [heartbeat] : yield* next(watcher, isStillAdmitted, isOver)
    })

  return { wake, unseen, next }
}
