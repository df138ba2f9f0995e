/**
 * What the page knows of how things are now, made of the events of the API. Plain values.
 *
 * @internal
 */
import type { ApiEvent } from "../http/ApiEvent.js"
import type { ApiSegment, ApiStatus } from "../http/ApiModel.js"

/**
 * - `status`: as it was told last; `undefined` before the first event.
 * - `segments`: the timeline of this run of the process.
 *
 * @internal
 */
export interface Live {
  readonly status: ApiStatus | undefined
  readonly segments: ReadonlyMap<number, ApiSegment>
}

/** @internal */
export const nothing: Live = { status: undefined, segments: new Map() }

/** The server keeps as many at most. */
const MAX_SEGMENTS = 2000

/** What has ended does not go on again, in whichever order it is told. The oldest ones are forgotten. */
const withSegments = (
  known: ReadonlyMap<number, ApiSegment>,
  told: ReadonlyArray<ApiSegment>
): ReadonlyMap<number, ApiSegment> => {
  const all = new Map(known)
  for (const segment of told) {
    const before = all.get(segment.id)
    if (segment.to !== null || before === undefined || before.to === null) all.set(segment.id, segment)
  }
  const inOrder = all.size > MAX_SEGMENTS ? Array.from(all.keys()).sort((a, b) => a - b) : []
  for (const id of inOrder.slice(0, all.size - MAX_SEGMENTS)) all.delete(id)
  return all
}

const withStatus = (live: Live, status: ApiStatus): Live => ({
  // Another process counts its segments anew.
  segments: live.status === undefined || live.status.start === status.start ? live.segments : new Map(),
  status
})

/** @internal */
export const after = (live: Live, event: ApiEvent): Live => {
  switch (event._tag) {
    case "Snapshot":
    case "Status":
      return withStatus(live, event.status)
    case "Segment":
      return { ...live, segments: withSegments(live.segments, [event.segment]) }
    case "Request":
    case "Suggestion":
    case "Queue":
      return live
  }
}

/**
 * With the timeline of the last hours, which was asked for.
 *
 * @internal
 */
export const withTimeline = (live: Live, timeline: ReadonlyArray<ApiSegment>): Live => ({
  ...live,
  segments: withSegments(live.segments, timeline)
})
