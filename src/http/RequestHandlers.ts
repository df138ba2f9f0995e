/**
 * Durable requests: what waits, what has ended, and what somebody wants of them.
 *
 * @internal
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { HealingInvalid, HealingNotFound } from "../HealingError.js"
import * as Durations from "../internal/Durations.js"
import { decode, expecting, optional } from "../internal/Input.js"
import { decodeTarget } from "../queue/HealingWish.js"
import type { HealingRequest } from "../request/HealingRequest.js"
import * as ApiView from "./ApiView.js"
import * as Cursor from "./Cursor.js"
import type { Floors } from "./Floors.js"
import { HealingApi, type PastQuery, type Wish } from "./HealingApi.js"
import { inTime } from "./InTime.js"
import * as JobHandlers from "./JobHandlers.js"
import { whileWaiting } from "./Slots.js"

/** @internal */
export const layer = (floors: Floors) =>
  HttpApiBuilder.group(HealingApi, "requests", (handlers) =>
    handlers
      .handle("queue", ({ urlParams }) => inTime(page(floors, urlParams)))
      .handle("pause", () => inTime(floors.queue.pause))
      .handle("resume", () => inTime(floors.queue.resume))
      .handle("history", ({ urlParams }) => inTime(history(floors, urlParams)))
      .handle("heal", ({ payload }) => inTime(heal(floors, payload)))
      .handle("get", ({ path, urlParams }) => get(floors, path.id, urlParams))
      .handle("cancel", ({ path }) => inTime(floors.queue.cancel({ id: path.id })))
  )

const Page = Schema.Struct({
  limit: optional(expecting("a whole number of 1 to 1,000")(Schema.Int.pipe(Schema.between(1, 1000)))),
  offset: optional(expecting("a whole number of 0 or more")(Schema.NonNegativeInt))
})

const decodePage = decode(Page, Object.keys(Page.fields))

const page = ({ queue }: Floors, input: typeof Page.Encoded) =>
  Effect.gen(function* () {
    const { limit = 50, offset = 0 } = yield* decodePage(input)
    const pending = yield* queue.pending
    return { total: pending.length, requests: pending.slice(offset, offset + limit).map(ApiView.requestBrief) }
  })

const badCursor = new HealingInvalid({ issues: [{ path: "before", message: "expected the next of a page" }] })

const history = ({ queue }: Floors, { before, job, limit = 50, state }: typeof PastQuery.Type) =>
  Effect.gen(function* () {
    const place = before === undefined ? undefined : Cursor.placeOf(before)
    if (before !== undefined && place === undefined) return yield* badCursor
    // Of the request before, only its place counts.
    const found = yield* queue.history({ job, states: state, limit, before: place as HealingRequest | undefined })
    return { requests: found.map(ApiView.requestBrief), next: Cursor.nextOf(found, limit) }
  })

const Waits = Schema.Struct({
  maxWait: optional(expecting('a duration with its unit, such as "1 hour"')(Durations.withUnit.any)),
  cooldown: optional(expecting('a finite duration with its unit, such as "10 minutes"')(Durations.withUnit.finite))
})

const decodeDurations = decode(Waits, Object.keys(Waits.fields))

const heal = (floors: Floors, { cooldown, maxWait, ...wish }: typeof Wish.Type) =>
  Effect.gen(function* () {
    yield* decodeTarget({ job: wish.job })
    // Only an app with a supervisor knows which jobs there are.
    yield* Effect.catchTag(JobHandlers.find(floors, wish.job), "NotProvided", () => Effect.void)
    const durations = yield* decodeDurations({ cooldown, maxWait })
    const submission = yield* floors.queue.submit({ ...wish, ...durations })
    return { notBefore: null, ...submission }
  })

/** For so long a client may wait for the end of a request; then it asks again. */
const MAX_WAIT = Duration.seconds(60)

const Wait = Schema.Struct({
  wait: optional(
    expecting('a duration with its unit of at most 60 seconds, such as "30s"')(
      Durations.withUnit.finite.pipe(Schema.filter(Duration.lessThanOrEqualTo(MAX_WAIT)))
    )
  )
})

const decodeWait = decode(Wait, Object.keys(Wait.fields))

const get = ({ healing, queue }: Floors, id: string, input: { readonly wait?: string }) =>
  Effect.gen(function* () {
    const { wait } = yield* decodeWait(input)
    const find = Effect.flatMap(queue.get(id), (found) => Effect.mapError(found, () => new HealingNotFound({ id })))
    const now = yield* inTime(find)
    if (wait === undefined || now.endedAt !== null) return now
    // However it ends, it is told as it is then.
    yield* whileWaiting(healing.detached(queue.await(id)).pipe(Effect.exit, Effect.timeoutOption(wait)))
    return yield* inTime(find)
  })
