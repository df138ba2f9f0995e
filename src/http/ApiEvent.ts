/**
 * What streams of events carry.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ApiSegment, ApiStatus, RequestBrief, SuggestionBrief } from "./ApiModel.js"

const at = { at: Schema.Int }

const maybe = Schema.NullOr(Schema.String)

/**
 * Each carries the instant, in milliseconds since 1970.
 *
 * - `Snapshot`: how everything is: the first event of a stream that does not go on where another one has ended. `queue` has the first 100
 *   that run and wait, `suggestions` the newest 100 that can be decided on or applied.
 * - `Status`: what runs and waits has changed. Several changes within a tenth of a second come to one event.
 * - `Request`: something has happened to a request: `event` is the name of the `HealingEvent`, and `request` is as it is afterwards.
 * - `Suggestion`: the same for a suggestion; `event` is the name of the `SuggestionEvent`.
 * - `Segment`: something has begun or ended on the timeline, of which `GET /timeline` tells the last hours.
 * - `Queue`: something has happened to the queue as a whole; `event` is the name of the `HealingEvent`, of which it has the fields.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ApiEvent = Schema.Union(
  Schema.TaggedStruct("Snapshot", {
    ...at,
    status: ApiStatus,
    queue: Schema.Array(RequestBrief),
    suggestions: Schema.Array(SuggestionBrief)
  }),
  Schema.TaggedStruct("Status", { ...at, status: ApiStatus }),
  Schema.TaggedStruct("Request", { ...at, event: Schema.String, request: RequestBrief, reason: maybe }),
  Schema.TaggedStruct("Suggestion", { ...at, event: Schema.String, suggestion: SuggestionBrief }),
  Schema.TaggedStruct("Segment", { ...at, segment: ApiSegment }),
  Schema.TaggedStruct("Queue", {
    ...at,
    event: Schema.String,
    job: maybe,
    until: Schema.NullOr(Schema.Int),
    reason: maybe
  })
)

/**
 * @since 0.1.0
 * @category models
 */
export type ApiEvent = typeof ApiEvent.Type
