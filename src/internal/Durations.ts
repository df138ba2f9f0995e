/**
 * Durations as people write them.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

// `Duration.decode` makes zero of whatever is negative or not a number, so those are told apart before.
const isNegative = (raw: unknown): boolean =>
  Predicate.isString(raw)
    ? raw.startsWith("-")
    : Array.isArray(raw)
      ? raw.some(isNegative)
      : Predicate.isNumber(raw)
        ? !(raw >= 0)
        : Predicate.isBigInt(raw) && raw < 0n

/** How `Duration.format` writes them: `1h 30m`. */
const UNITS = { d: "days", h: "hours", m: "minutes", s: "seconds", ms: "millis" } as const

const FORMATTED = /^\s*(?:\d+(?:\.\d+)?(?:ms|[dhms])\s*)+$/

const formatted = (text: string): Option.Option<Duration.Duration> =>
  Array.from(text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)).reduce(
    (sum, [, count, unit]) =>
      Option.zipWith(
        sum,
        Duration.decodeUnknown(`${count} ${UNITS[unit as keyof typeof UNITS]}`), // The pattern names no other.
        Duration.sum
      ),
    Option.some(Duration.zero)
  )

const decode = (raw: unknown): Option.Option<Duration.Duration> => {
  if (isNegative(raw)) return Option.none()
  if (Predicate.isString(raw) && FORMATTED.test(raw)) return formatted(raw)
  return Duration.decodeUnknown(raw === "infinity" ? Duration.infinity : raw)
}

const durationFrom = <I extends Duration.DurationInput>(
  isAllowed: Predicate.Refinement<unknown, I>,
  fits: Predicate.Predicate<Duration.Duration>
): Schema.Schema<Duration.Duration, I> =>
  Schema.transform(
    Schema.declare((raw: unknown): raw is I => isAllowed(raw) && Option.exists(decode(raw), fits)),
    Schema.DurationFromSelf,
    {
      strict: false,
      decode: (raw) => Option.getOrThrow(decode(raw)),
      encode: (duration) => duration
    }
  )

const isAny = (_: unknown): _ is Duration.DurationInput => true

// A bare number hides its unit, which the reader of a file or of an environment cannot look up.
const hasUnit = (raw: unknown): raw is Duration.Duration | Extract<Duration.DurationInput, string> =>
  Predicate.isString(raw) || Duration.isDuration(raw)

const isAll = () => true

const lasts = (duration: Duration.Duration): boolean => Duration.toMillis(duration) > 0

/**
 * What code may say: any `DurationInput` of zero or more, a finite one, or one above zero.
 *
 * @internal
 */
export const inCode = {
  any: durationFrom(isAny, isAll),
  finite: durationFrom(isAny, Duration.isFinite),
  lasting: durationFrom(isAny, lasts)
}

/**
 * The same with its unit: what a file or an environment may say.
 *
 * @internal
 */
export const withUnit = {
  any: durationFrom(hasUnit, isAll),
  finite: durationFrom(hasUnit, Duration.isFinite),
  lasting: durationFrom(hasUnit, lasts)
}
