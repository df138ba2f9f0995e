/**
 * What people are told, and through which channels.
 *
 * @internal
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { HealingInvalid } from "../HealingError.js"
import * as Durations from "../internal/Durations.js"
import type { Floors } from "./Floors.js"
import { HealingApi, type NoticeQuery } from "./HealingApi.js"
import { inTime } from "./InTime.js"
import { CurrentCaller } from "./Rights.js"
import { whileWaiting } from "./Slots.js"

/** @internal */
export const layer = (floors: Floors) =>
  HttpApiBuilder.group(HealingApi, "notices", (handlers) => {
    const { notices } = floors
    return (
      handlers
        .handle("list", ({ urlParams }) => inTime(list(floors, urlParams)))
        .handle("channels", () => inTime(Effect.flatMap(notices, ({ channels }) => channels)))
        .handle("muted", () => inTime(Effect.flatMap(notices, ({ muted }) => muted)))
        .handle("mute", ({ payload: { for: text, ...target } }) =>
          inTime(
            Effect.gen(function* () {
              const duration = yield* Effect.mapError(decodeDuration(text), () => badDuration)
              const { name } = yield* CurrentCaller
              return yield* (yield* notices).mute(target, { for: duration, who: name })
            })
          )
        )
        .handle("unmute", ({ payload }) => inTime(Effect.flatMap(notices, ({ unmute }) => unmute(payload))))
        // A channel may take as long as it does.
        .handle("test", ({ payload: { channel } }) =>
          whileWaiting(Effect.flatMap(notices, ({ test }) => test(channel)))
        )
    )
  })

const decodeDuration = Schema.decodeUnknown(Durations.withUnit.lasting)

const badDuration = new HealingInvalid({
  issues: [{ path: "for", message: 'expected a duration above zero with its unit, such as "2 hours"' }]
})

const list = ({ notices }: Floors, { before, channel, job, limit = 50, state }: typeof NoticeQuery.Type) =>
  Effect.gen(function* () {
    const found = yield* (yield* notices).list({ before, channel, job, limit, states: state })
    return { notices: found, next: found.length < limit ? null : (found.at(-1)?.number ?? null) }
  })
