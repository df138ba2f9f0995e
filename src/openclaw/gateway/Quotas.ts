/**
 * What is left of the quotas of the gateway's providers, as they say themselves.
 *
 * @internal
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LAST_INSTANT } from "../../internal/LastInstant.js"
import { lenient } from "../../internal/Lenient.js"
import type { Quota } from "../../running/Quota.js"
import { oneLine } from "../../text/OneLine.js"

/** Windows that are kept. */
const MAX_QUOTAS = 50

/** Of a name, in characters. */
const MAX_NAME = 100

const Name = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(1000))

const Window = Schema.Struct({
  label: lenient(Name),
  usedPercent: Schema.Finite,
  resetAt: lenient(Schema.Finite.pipe(Schema.between(0, LAST_INSTANT)))
})

const Usage = Schema.Struct({
  providers: Schema.Array(
    Schema.Struct({
      provider: lenient(Name),
      displayName: lenient(Name),
      windows: lenient(Schema.Array(Schema.Unknown))
    })
  )
})

const decode = Schema.decodeUnknownOption(Usage)

const decodeWindow = Schema.decodeUnknownOption(Window)

const short = (name: string): string => oneLine(name).slice(0, MAX_NAME)

/**
 * The answer to `usage.status`.
 *
 * @internal
 */
export const quotasOf = (payload: unknown): Option.Option<ReadonlyArray<Quota>> =>
  Option.map(decode(payload), ({ providers }) =>
    providers
      .flatMap(({ displayName, provider, windows = [] }) =>
        windows.flatMap((window) =>
          Option.toArray(
            Option.map(decodeWindow(window), ({ label, resetAt, usedPercent }) => ({
              provider: short(displayName ?? provider ?? "a provider"),
              window: short(label ?? "a window"),
              usedPercent: Math.min(100, Math.max(0, usedPercent)),
              resetsAt: resetAt ?? null
            }))
          )
        )
      )
      .slice(0, MAX_QUOTAS)
  )
