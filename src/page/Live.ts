/**
 * What the page knows of how things are now, made of the events of the API. Plain values.
 *
 * @internal
 */
import type { ApiEvent } from "../http/ApiEvent.js"
import type { ApiSegment, ApiStatus, RequestBrief, SuggestionBrief } from "../http/ApiModel.js"
import type { SuggestionState } from "../request/HealingSuggestion.js"

/**
 * - `status`: as it was told last; `undefined` before the first event.
 * - `requests`: those that run and wait, in the order of turns as far as it is known.
 * - `open`: suggestions that somebody can decide on, or that are being applied or watched.
 * - `segments`: the timeline of this run of the process.
 *
 * @internal
 */
export interface Live {
  readonly status: ApiStatus | undefined
  readonly requests: ReadonlyMap<string, RequestBrief>
  readonly open: ReadonlyMap<string, SuggestionBrief>
  readonly segments: ReadonlyMap<number, ApiSegment>
}

/** @internal */
export const nothing: Live = { status: undefined, requests: new Map(), open: new Map(), segments: new Map() }

/** The server keeps as many at most. */
const MAX_SEGMENTS = 2000

/** Of requests and suggestions: more than anybody reads on one page. Those that were there first stay. */
const MAX_LISTED = 1000

const isOpen = (state: SuggestionState): boolean =>
  state === "pending" || state === "approved" || state === "applying" || state === "applied"

const byId = <A extends { readonly id: string }>(all: ReadonlyArray<A>): ReadonlyMap<string, A> =>
  new Map(all.map((one) => [one.id, one]))

const set = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V, most = MAX_LISTED): ReadonlyMap<K, V> =>
  map.size >= most && !map.has(key) ? map : new Map(map).set(key, value)

const remove = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

/** What has ended does not go on again, in whichever order it is told. */
const withSegments = (
  known: ReadonlyMap<number, ApiSegment>,
  told: ReadonlyArray<ApiSegment>
): ReadonlyMap<number, ApiSegment> => {
  const all = new Map(known)
  for (const segment of told) {
    const before = all.get(segment.id)
    if (segment.to !== null || before === undefined || before.to === null) all.set(segment.id, segment)
  }
  for (const id of all.keys()) {
    if (all.size <= MAX_SEGMENTS) break
    all.delete(id)
  }
  return all
}

const withStatus = (live: Live, status: ApiStatus): Live => ({
  ...live,
  // Another process counts its segments anew.
  segments: live.status === undefined || live.status.start === status.start ? live.segments : new Map(),
  status
})

/** @internal */
export const after = (live: Live, event: ApiEvent): Live => {
  switch (event._tag) {
    case "Snapshot":
      return { ...withStatus(live, event.status), requests: byId(event.queue), open: byId(event.suggestions) }
    case "Status":
      return withStatus(live, event.status)
    case "Request": {
      const { request } = event
      const isLive = request.state === "pending" || request.state === "running"
      // One that runs is always among them.
      const most = request.state === "running" ? Number.POSITIVE_INFINITY : MAX_LISTED
      const requests = isLive ? set(live.requests, request.id, request, most) : remove(live.requests, request.id)
      return { ...live, requests }
    }
    case "Suggestion": {
      const { suggestion } = event
      const open = isOpen(suggestion.state)
        ? set(live.open, suggestion.id, suggestion)
        : remove(live.open, suggestion.id)
      return { ...live, open }
    }
    case "Segment":
      return { ...live, segments: withSegments(live.segments, [event.segment]) }
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
