/**
 * Suggestions: what they are, and what somebody decides on them.
 *
 * @internal
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { HealingInvalid, SuggestionNotFound } from "../HealingError.js"
import { type HealingSuggestion, suggestionKey } from "../request/HealingSuggestion.js"
import type { Decision } from "../suggestions/Decision.js"
import type { Suggestions } from "../suggestions/Suggestions.js"
import * as ApiView from "./ApiView.js"
import { decisionOf } from "./Deciding.js"
import type { EventFeed } from "./EventFeed.js"
import type { Floors } from "./Floors.js"
import { HealingApi, type SuggestionQuery } from "./HealingApi.js"
import { inTime } from "./InTime.js"
import { whileWaiting } from "./Slots.js"

/** @internal */
export const layer = (floors: Floors, feed: EventFeed) =>
  HttpApiBuilder.group(HealingApi, "suggestions", (handlers) => {
    const { suggestions } = floors
    return (
      handlers
        .handle("list", ({ urlParams }) => inTime(list(floors, urlParams)))
        .handle("locks", () => inTime(Effect.flatMap(suggestions, ({ locks }) => locks)))
        .handle("rehearse", ({ urlParams }) =>
          inTime(
            Effect.map(
              Effect.flatMap(suggestions, ({ rehearse }) => rehearse({ since: urlParams.since })),
              (all) => all.map((one) => ({ ...one, suggestion: ApiView.suggestionBrief(one.suggestion) }))
            )
          )
        )
        .handle("stop", ({ payload }) =>
          inTime(
            Effect.gen(function* () {
              yield* (yield* suggestions).stop(yield* decisionOf(payload))
              yield* feed.statusChanged
            })
          )
        )
        .handle("resume", ({ payload }) =>
          inTime(
            Effect.gen(function* () {
              yield* (yield* suggestions).resume(yield* decisionOf(payload))
              yield* feed.statusChanged
            })
          )
        )
        .handle("get", ({ path: { id } }) =>
          inTime(
            Effect.gen(function* () {
              const found = yield* (yield* suggestions).get(id)
              return yield* Effect.mapError(found, () => new SuggestionNotFound({ id }))
            })
          )
        )
        .handle("steps", ({ path }) => inTime(Effect.flatMap(suggestions, ({ steps }) => steps(path.id))))
        .handle("preview", ({ path, urlParams }) =>
          // Its checks are commands of the user's, with a time limit of their own.
          whileWaiting(Effect.flatMap(suggestions, ({ preview }) => preview(path.id, urlParams)))
        )
        .handle("approve", ({ path, payload }) =>
          whileWaiting(
            Effect.gen(function* () {
              const decision = yield* decisionOf(payload)
              return yield* (yield* suggestions).approve(path.id, { ...decision, seal: payload.seal })
            })
          )
        )
        .handle("withdraw", ({ path, payload }) => inTime(decide(floors, ({ withdraw }) => withdraw, path.id, payload)))
        .handle("reject", ({ path, payload }) => inTime(decide(floors, ({ reject }) => reject, path.id, payload)))
        // These two wait for the job, for as long as `suggestions.applyWait` says.
        .handle("apply", ({ path, payload }) => whileWaiting(decide(floors, ({ apply }) => apply, path.id, payload)))
        .handle("rollback", ({ path, payload }) =>
          whileWaiting(decide(floors, ({ rollback }) => rollback, path.id, payload))
        )
    )
  })

/** Has the service do what somebody has decided. */
const decide = <E>(
  { suggestions }: Floors,
  of: (
    service: Context.Tag.Service<Suggestions>
  ) => (id: string, decision: Decision) => Effect.Effect<HealingSuggestion, E>,
  id: string,
  payload: { readonly reason?: string | undefined }
) =>
  Effect.gen(function* () {
    return yield* of(yield* suggestions)(id, yield* decisionOf(payload))
  })

const badCursor = new HealingInvalid({ issues: [{ path: "after", message: "expected the next of a page" }] })

const list = ({ suggestions }: Floors, { after, job, limit = 50, state }: typeof SuggestionQuery.Type) =>
  Effect.gen(function* () {
    const key = after === undefined ? undefined : suggestionKey(after)
    if (after !== undefined && key === undefined) return yield* badCursor
    // Of the suggestion before, only its place counts.
    const place = key as HealingSuggestion | undefined
    const found = yield* (yield* suggestions).list({ job, states: state, limit, after: place })
    return {
      suggestions: found.map(ApiView.suggestionBrief),
      next: found.length < limit ? null : (found.at(-1)?.id ?? null)
    }
  })
