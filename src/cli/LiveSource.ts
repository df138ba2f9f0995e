/**
 * The running service, by its API.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { HealingClient } from "../http/HealingHttp.js"
import { type Problem, problemOf } from "./Problem.js"
import type { Source } from "./Source.js"

/** Any way in which the API fails is a problem of the command. */
const asked = <A>(
  effect: Effect.Effect<A, { readonly _tag: string; readonly message: string }>
): Effect.Effect<A, Problem> => Effect.mapError(effect, problemOf)

/** What is not said is left out. */
const said = <A extends object>(fields: A) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]: Exclude<A[K], undefined>
  }

/** @internal */
export const make = ({ api }: HealingClient): Source => ({
  status: asked(api.status.status()),
  jobs: asked(api.jobs.list()),
  queue: (limit) => asked(api.requests.queue({ urlParams: { limit } })),
  history: ({ before, job, limit, states }) =>
    asked(api.requests.history({ urlParams: said({ job, state: states, limit, before }) })),
  request: (id) => asked(api.requests.get({ path: { id }, urlParams: {} })),
  suggestions: ({ after, job, limit, states }) =>
    asked(api.suggestions.list({ urlParams: said({ job, state: states, limit, after }) })),
  suggestion: (id) => asked(api.suggestions.get({ path: { id } })),
  steps: (id) => asked(api.suggestions.steps({ path: { id } })),
  notices: ({ before, channel, job, limit, states }) =>
    asked(api.notices.list({ urlParams: said({ job, channel, state: states, limit, before }) }))
})
