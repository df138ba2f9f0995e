/**
 * Records the timeline of the last hours, and tells those who watch of each change of it.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { listenToRuns } from "../supervisor/ListeningToRuns.js"
import type { ApiSegment } from "./ApiModel.js"
import type { EventFeed } from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import * as Timeline from "./Timeline.js"

/** How many reviews of an earlier process are looked up. */
const MAX_EARLIER = 200

/** The reviews of the process before this one, as far as they have ended. */
const readEarlier = ({ queue }: Floors, timeline: Timeline.Timeline) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const past = yield* Effect.orElseSucceed(queue.history({ limit: MAX_EARLIER }), () => [])
    for (const { endedAt, job, starts } of past.toReversed()) {
      const from = starts.at(-1)
      if (from !== undefined && endedAt !== null && endedAt > now - Timeline.KEPT) timeline.reviewed(job, from, endedAt)
    }
  })

/**
 * - `segments`: those of the last hours.
 *
 * @internal
 */
export interface Recording {
  readonly segments: Effect.Effect<ReadonlyArray<ApiSegment>>
}

/**
 * Records for as long as the scope is open.
 *
 * @internal
 */
export const start = (floors: Floors, feed: Pick<EventFeed, "publish">): Effect.Effect<Recording, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { healing, openClaw, supervisor } = floors
    const timeline = Timeline.make()
    const record = (change: (at: number) => ReadonlyArray<ApiSegment>) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) =>
        Effect.forEach(change(at), (segment) => feed.publish({ _tag: "Segment", at, segment }), { discard: true })
      )
    yield* readEarlier(floors, timeline)
    const sources = [
      Stream.runForEach(healing.status.changes, ({ line, running }) =>
        record((at) => [
          ...timeline.now("waiting", new Set(line.map(({ job }) => job)), at),
          ...timeline.now("review", new Set(running.map(({ job }) => job)), at)
        ])
      ),
      Stream.runForEach(openClaw.running.changes, ({ jobs, unknown }) =>
        record((at) => [
          ...timeline.now("run", new Set(HashMap.keys(jobs)), at),
          ...timeline.now("unknown", new Set(unknown.map(({ name }) => name)), at)
        ])
      )
    ]
    for (const source of sources) yield* Effect.forkScoped(source)
    const found = yield* Effect.option(supervisor)
    if (Option.isSome(found)) {
      yield* Effect.forkScoped(listenToRuns(found.value, (event) => record((at) => timeline.ran(event, at))))
    }
    return { segments: Effect.map(Clock.currentTimeMillis, timeline.all) }
  })
