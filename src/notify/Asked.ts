/**
 * What is asked of notices, as it is taken in.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { HealingInvalid } from "../HealingError.js"
import * as Durations from "../internal/Durations.js"
import { decode, expecting, optional, withDefault } from "../internal/Input.js"
import { JobName } from "../request/HealingRequest.js"
import { DeliveryState } from "../store/NoticeJournal.js"

const job = optional(expecting("the name of a job, of 1 to 256 characters")(JobName))

const aText = (what: string, maxLength: number) =>
  expecting(what)(Schema.NonEmptyString.pipe(Schema.maxLength(maxLength)))

const Filter = Schema.Struct({
  channel: optional(aText("the name of a channel", 64)),
  job,
  states: withDefault(
    expecting(`a list of ${DeliveryState.literals.join(", ")}`)(Schema.Array(DeliveryState)),
    () => DeliveryState.literals
  ),
  limit: withDefault(expecting("a whole number of 1 to 1000")(Schema.Int.pipe(Schema.between(1, 1000))), () => 50),
  before: optional(expecting("the number of a notice")(Schema.Int))
})

/** @internal */
export const decodeFilter = decode(Filter, Object.keys(Filter.fields))

const Target = Schema.Struct({ job, signature: optional(aText("the signature of a failure", 256)) })

const decodeKeys = decode(Target, Object.keys(Target.fields))

/** @internal */
export const decodeTarget = (target: object) =>
  Effect.filterOrFail(
    decodeKeys(target),
    (found) => found.job !== undefined || found.signature !== undefined,
    () => new HealingInvalid({ issues: [{ path: "", message: "expected a job, a signature, or both" }] })
  )

const YEAR = Duration.days(366)

const Muting = Schema.Struct({
  for: expecting('a duration above zero and of a year at most, such as "2 hours"')(
    Durations.inCode.lasting.pipe(Schema.filter((duration) => Duration.lessThanOrEqualTo(duration, YEAR)))
  ),
  who: aText("who says so, in 1 to 256 characters", 256)
})

/** @internal */
export const decodeMuting = decode(Muting, Object.keys(Muting.fields))
