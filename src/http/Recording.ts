/**
 * Records the timeline of the last hours, and tells those who watch of each change of it.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type { HealingStatus } from "../gate/HealingStatus.js"
import type { RunningState } from "../running/OpenClaw.js"
import type { RunEvent } from "../supervisor/Supervisor.js"
import type { ApiSegment } from "./ApiModel.js"
import type { EventFeed } from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import * as Timeline from "./Timeline.js"

/** How many reviews of what was before are looked up. */
const MAX_EARLIER = 200

/**
 * - `segments`: those of the last hours. What was before the recording is looked up when somebody asks first.
 *
 * @internal
 */
export interface Recording {
  readonly segments: Effect.Effect<ReadonlyArray<ApiSegment>>
}

/**
 * - `healings`, `jobs`, `ran`: what is to be recorded.
 *
 * @internal
 */
export interface Recorder extends Recording {
  readonly healings: (status: Pick<HealingStatus, "line" | "running">) => Effect.Effect<void>
  readonly jobs: (state: RunningState) => Effect.Effect<void>
  readonly ran: (event: RunEvent) => Effect.Effect<void>
}

/** @internal */
export const make = (
  { queue }: Pick<Floors, "queue">,
  { publish }: Pick<EventFeed, "publish">
): Effect.Effect<Recorder> =>
  Effect.gen(function* () {
    const timeline = Timeline.make()
    const start = yield* Clock.currentTimeMillis
    /** The reviews that had ended by the start. */
    const readEarlier = Effect.gen(function* () {
      const past = yield* Effect.orElseSucceed(queue.history({ limit: MAX_EARLIER }), () => [])
      for (const { endedAt, job, starts } of past.toReversed()) {
        const from = starts.at(-1)
        if (from !== undefined && endedAt !== null && endedAt <= start) timeline.reviewed(job, from, endedAt)
      }
    })
    const earlier = yield* Effect.cached(Effect.uninterruptible(readEarlier))
    const record = (change: (at: number) => ReadonlyArray<ApiSegment>) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) =>
        Effect.forEach(change(at), (segment) => publish({ _tag: "Segment", at, segment }), { discard: true })
      )
    return {
      segments: Effect.zipRight(earlier, Effect.map(Clock.currentTimeMillis, timeline.all)),
      healings: ({ line, running }) =>
        record((at) => [
          ...timeline.now("waiting", new Set(line.map(({ job }) => job)), at),
          ...timeline.now("review", new Set(running.map(({ job }) => job)), at)
        ]),
      jobs: ({ jobs, unknown }) =>
        record((at) => [
          ...timeline.now("run", new Set(HashMap.keys(jobs)), at),
          ...timeline.now("unknown", new Set(unknown.map(({ name }) => name)), at)
        ]),
      ran: (event) => record((at) => timeline.ran(event, at))
    }
  })
