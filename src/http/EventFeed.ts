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

/** How many events, and how many bytes of them, can be made up for. */
const MAX_EVENTS = 1024
const MAX_BYTES = 4 * 1024 * 1024

/** Events that come sooner after others are told together, so that many watchers cost little. */
const PACE = Duration.millis(100)

/** Somebody between the two who sees nothing for longer may take the connection for dead. */
const HEARTBEAT = Duration.seconds(15)

/**
 * How many watch at once, in all and of one caller.
 *
 * @internal
 */
export const LIMITS = { all: 1000, ofOne: 200 }

interface Event {
  readonly number: number
  readonly bytes: Uint8Array
}

/**
 * - `seen`: the number of the last event that was handed to it.
 * - `isDue`: whether it is to get a heartbeat if there is nothing else.
 */
interface Watcher {
  seen: number
  isCut: boolean
  isDue: boolean
  readonly cut: () => void
  readonly wake: Effect.Latch
}

/**
 * - `start`: which run of the process this is: the time of its start.
 * - `publish`: costs its maker no more than the making of its text.
 * - `statusChanged`: tells who watches how the status is by then. Many changes come to one event.
 * - `watchers`: how many there are.
 * - `end`: there is nothing more to watch.
 * - `watch`: the events as server-sent ones, from the one after `lastId` if that is still there, else from a snapshot. It ends when the
 *   feed is closed, when its caller is not admitted any more, or when it is cut off, of which `cut` is told. None if too many watch.
 *
 * @internal
 */
export interface EventFeed {
  readonly start: string
  readonly publish: (event: ApiEvent) => Effect.Effect<void>
  readonly statusChanged: Effect.Effect<void>
  readonly watchers: () => number
  readonly end: Effect.Effect<void>
  readonly watch: (options: {
    readonly name: string
    readonly lastId: string | undefined
    readonly isStillAdmitted: Effect.Effect<boolean>
    readonly cut: () => void
  }) => Effect.Effect<Option.Option<Stream.Stream<Uint8Array>>, never, Scope.Scope>
}

const encoder = new TextEncoder()

/** A comment, which clients leave out. */
const heartbeat = encoder.encode(": still here\n\n")

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
    const ring: Array<Event> = []
    let bytes = 0
    let last = 0
    let isClosed = false
    const watchers = new Set<Watcher>()
    const ofName = new Map<string, number>()
    const news = Effect.unsafeMakeLatch()
    const isWatched = Effect.unsafeMakeLatch()

    const textOf = (event: ApiEvent, number: number): Uint8Array =>
      encoder.encode(
        Sse.encoder.write({
          _tag: "Event",
          event: event._tag,
          id: `${start}:${number}`,
          data: JSON.stringify(event)
        })
      )

    const publish = (event: ApiEvent) =>
      Effect.sync(() => {
        last += 1
        const one = { number: last, bytes: textOf(event, last) }
        ring.push(one)
        bytes += one.bytes.length
        while (ring.length > MAX_EVENTS || (bytes > MAX_BYTES && ring.length > 1))
          bytes -= ring.shift()?.bytes.length ?? 0
        news.unsafeOpen()
      })

    /** The number of the first event that is still there. */
    const first = () => ring[0]?.number ?? last + 1

    const cutOff = (watcher: Watcher) => {
      watcher.isCut = true
      watcher.cut()
    }

    const tell = Effect.sync(() => {
      news.unsafeClose()
      for (const watcher of watchers) {
        if (watcher.seen + 1 < first() && !watcher.isCut) cutOff(watcher)
        watcher.wake.unsafeOpen()
      }
    })
    yield* Effect.forkScoped(
      Effect.forever(news.await.pipe(Effect.zipRight(tell), Effect.zipRight(Effect.sleep(PACE))))
    )
    const status = Effect.unsafeMakeLatch()
    const tellStatus = Effect.suspend(() => {
      status.unsafeClose()
      return watchers.size === 0 ? Effect.void : Effect.flatMap(options.current(start), publish)
    })
    yield* Effect.forkScoped(
      Effect.forever(status.await.pipe(Effect.zipRight(tellStatus), Effect.zipRight(Effect.sleep(PACE))))
    )
    const beat = Effect.sync(() => {
      if (watchers.size === 0) isWatched.unsafeClose()
      for (const watcher of watchers) {
        watcher.isDue = true
        watcher.wake.unsafeOpen()
      }
    })
    yield* Effect.forkScoped(
      Effect.forever(isWatched.await.pipe(Effect.zipRight(Effect.sleep(HEARTBEAT)), Effect.zipRight(beat)))
    )
    const end = Effect.sync(() => {
      isClosed = true
      for (const watcher of watchers) watcher.wake.unsafeOpen()
    })

    /** What a watcher has not been handed yet. */
    const unseen = (watcher: Watcher): ReadonlyArray<Uint8Array> => {
      const found = ring.slice(Math.max(watcher.seen + 1 - first(), 0))
      watcher.seen = last
      watcher.wake.unsafeClose()
      return found.map(({ bytes }) => bytes)
    }

    /** Nothing once it is over. */
    const next = (
      watcher: Watcher,
      isStillAdmitted: Effect.Effect<boolean>
    ): Effect.Effect<ReadonlyArray<Uint8Array>> =>
      Effect.gen(function* () {
        yield* watcher.wake.await
        if (isClosed || watcher.isCut) return []
        const { isDue } = watcher
        watcher.isDue = false
        if (isDue && !(yield* isStillAdmitted)) return []
        const found = unseen(watcher)
        if (found.length > 0) return found
        return isDue ? [heartbeat] : yield* next(watcher, isStillAdmitted)
      })

    /** Where a watcher goes on that has seen this id last. */
    const placeOf = (lastId: string | undefined): number | undefined => {
      const [, of, number] = /^(\d+):(\d{1,15})$/.exec(lastId ?? "") ?? []
      const seen = Number(number)
      return of === start && seen >= first() - 1 && seen <= last ? seen : undefined
    }

    const enrol = (name: string, lastId: string | undefined, cut: () => void) =>
      Effect.acquireRelease(
        Effect.sync((): Watcher => {
          const seen = placeOf(lastId) ?? last
          const watcher = { seen, isCut: false, isDue: false, cut, wake: Effect.unsafeMakeLatch() }
          watchers.add(watcher)
          ofName.set(name, (ofName.get(name) ?? 0) + 1)
          isWatched.unsafeOpen()
          return watcher
        }),
        (watcher) =>
          Effect.sync(() => {
            watchers.delete(watcher)
            const left = (ofName.get(name) ?? 1) - 1
            if (left === 0) ofName.delete(name)
            else ofName.set(name, left)
          })
      )

    /** What it has missed, or a snapshot; then the status, which is not told while nobody watches. */
    const greet = (watcher: Watcher, goesOn: boolean) =>
      Effect.gen(function* () {
        // Who comes again with the id of a greeting has seen what was before it, and not what comes while it is made.
        const { seen } = watcher
        const greeting = yield* goesOn ? options.current(start) : options.snapshot(start)
        const missed = goesOn ? unseen(watcher) : []
        return [...missed, textOf(greeting, goesOn ? watcher.seen : seen)]
      })

    return {
      start,
      publish,
      statusChanged: Effect.sync(() => status.unsafeOpen()),
      watchers: () => watchers.size,
      end,
      watch: ({ cut, isStillAdmitted, lastId, name }) =>
        Effect.gen(function* () {
          if (isClosed || watchers.size >= LIMITS.all || (ofName.get(name) ?? 0) >= LIMITS.ofOne) return Option.none()
          const goesOn = placeOf(lastId) !== undefined
          const watcher = yield* enrol(name, lastId, cut)
          const rest = Stream.paginateChunkEffect(undefined, () =>
            Effect.map(next(watcher, isStillAdmitted), (found) => [
              Chunk.fromIterable(found),
              found.length === 0 ? Option.none() : Option.some(undefined)
            ])
          )
          return Option.some(Stream.concat(Stream.fromIterableEffect(greet(watcher, goesOn)), rest))
        })
    }
  })
