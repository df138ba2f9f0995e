/**
 * The kinds of settings: what may stand for one in code, in a YAML file and in the environment, and what to say when it does not fit.
 *
 * @since 0.1.0
 */
import { isAbsolute, normalize } from "node:path"
import * as Duration from "effect/Duration"
import type * as Either from "effect/Either"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Durations from "../internal/Durations.js"

export type Decode<A> = (raw: unknown) => Either.Either<A, ParseResult.ParseError>

/**
 * - `inCode`: what code may give.
 * - `decode`: what may stand in each source; `undefined` for the environment if the setting may not stand there.
 * - `expected`, `expectedInText`: what would be right in code, and in a file or the environment.
 * - `explain`: what would be right for what was found, if that can be told better.
 * - `isSecret`: whether what was found is not to be shown.
 * - `fallback`: what counts where it is not set.
 */
export interface SettingKind<A, I = A> {
  readonly inCode: Schema.Schema<A, I>
  readonly decode: {
    readonly code: Decode<A>
    readonly yaml: Decode<A>
    readonly environment: Decode<A> | undefined
  }
  readonly expected: string
  readonly expectedInText: string
  readonly explain?: (error: ParseResult.ParseError) => string
  readonly isSecret?: boolean
  readonly fallback: A
}

const decodeUnknown = Schema.decodeUnknownEither

/** One that is the same in code and in a file. */
const kind = <A>(
  inCode: Schema.Schema<A>,
  environment: Decode<A> | undefined,
  expected: string,
  fallback: A
): SettingKind<A> => {
  const code = decodeUnknown(inCode)
  return {
    inCode,
    decode: { code, yaml: code, environment },
    expected,
    expectedInText: expected,
    fallback
  }
}

/** @internal */
export const flag = (fallback: boolean): SettingKind<boolean> =>
  kind(Schema.Boolean, decodeUnknown(Schema.BooleanFromString), "true or false", fallback)

/** @internal */
export const name = (fallback: string): SettingKind<string> => {
  const schema = Schema.NonEmptyString.pipe(Schema.maxLength(256))
  return kind(schema, decodeUnknown(schema), "a name of 1 to 256 characters", fallback)
}

/**
 * One of a few words, the first of which is the default.
 *
 * @internal
 */
export const choice = <A extends string, B extends string>(fallback: A, other: B): SettingKind<A | B> => {
  const schema = Schema.Literal(fallback, other)
  return kind<A | B>(schema, decodeUnknown(schema), `"${fallback}" or "${other}"`, fallback)
}

const number = (schema: Schema.Schema<number>, expected: string, fallback: number): SettingKind<number> =>
  kind(schema, decodeUnknown(Schema.compose(Schema.NumberFromString, schema)), expected, fallback)

/** @internal */
export const priority = (fallback: number): SettingKind<number> =>
  number(Schema.Finite.pipe(Schema.negative()), "a number below 0, the priority of every job", fallback)

/** @internal */
export const count = (fallback: number): SettingKind<number> =>
  number(Schema.Int.pipe(Schema.positive()), "a whole number of 1 or more", fallback)

/** @internal */
export const countOrNone = (fallback: number): SettingKind<number> =>
  number(Schema.NonNegativeInt, "a whole number of 0 or more", fallback)

const durationKind = (
  allowed: keyof typeof Durations.inCode,
  expected: (unit: string) => string,
  infinity: readonly [inCode: string, inText: string],
  fallback: Duration.DurationInput
): SettingKind<Duration.Duration, Duration.DurationInput> => {
  const text = decodeUnknown(Durations.withUnit[allowed])
  return {
    inCode: Durations.inCode[allowed],
    decode: { code: decodeUnknown(Durations.inCode[allowed]), yaml: text, environment: text },
    expected: `${expected("")}, such as "${fallback}"${infinity[0]}`,
    expectedInText: `${expected(" with its unit")}, such as "${fallback}"${infinity[1]}`,
    fallback: Duration.decode(fallback)
  }
}

const OR_INFINITY = [", or Duration.infinity", ', or "infinity"'] as const

const NO_INFINITY = ["", ""] as const

/**
 * Any duration, as a text with its unit: that is also the example in its errors.
 *
 * @internal
 */
export const duration = (fallback: Extract<Duration.DurationInput, string>) =>
  durationKind("any", (unit) => `a duration of zero or more${unit}`, OR_INFINITY, fallback)

/** @internal */
export const finiteDuration = (fallback: Extract<Duration.DurationInput, string>) =>
  durationKind("finite", (unit) => `a finite duration of zero or more${unit}`, NO_INFINITY, fallback)

/**
 * One above zero: what may take no time at all would never succeed, and what is kept for no time is not kept.
 *
 * @internal
 */
export const lastingDuration = (fallback: Extract<Duration.DurationInput, string>) =>
  durationKind("lasting", (unit) => `a duration above zero${unit}`, OR_INFINITY, fallback)

const absolute = Schema.String.pipe(
  Schema.maxLength(4096),
  Schema.filter((path) => isAbsolute(path) && !path.includes("\0"))
)

/**
 * Of a list in the settings.
 *
 * @internal
 */
export const MAX_ITEMS = 100

/**
 * Folders, but not the root of all files.
 *
 * @internal
 */
export const folders: SettingKind<ReadonlyArray<string>> = kind(
  Schema.Array(absolute.pipe(Schema.filter((path) => normalize(path) !== normalize("/")))).pipe(
    Schema.maxItems(MAX_ITEMS)
  ),
  undefined,
  "a list of at most 100 absolute paths of folders, not /",
  []
)

/** @internal */
export const Glob = Schema.NonEmptyString.pipe(Schema.maxLength(1000))

/** @internal */
export const globs: SettingKind<ReadonlyArray<string>> = kind(
  Schema.Array(Glob).pipe(Schema.maxItems(MAX_ITEMS)),
  undefined,
  'a list of at most 100 globs, such as "**/*.key"',
  []
)

const Command = Schema.Array(Schema.NonEmptyString.pipe(Schema.maxLength(4096))).pipe(
  Schema.minItems(1),
  Schema.maxItems(MAX_ITEMS)
)

/**
 * Commands by globs.
 *
 * @internal
 */
export const commands: SettingKind<Readonly<Record<string, ReadonlyArray<string>>>> = kind(
  // A key that did not fit would be left out without a word.
  Schema.Record({ key: Schema.String, value: Command }).pipe(
    Schema.filter((commands) => {
      const globs = Object.keys(commands)
      return globs.length <= MAX_ITEMS && globs.every(Schema.is(Glob))
    })
  ),
  undefined,
  'a mapping of at most 100 globs to commands, which are lists of words, such as ["node", "--check"]',
  {}
)

/**
 * The path of a file, if it is to be another one than that which somebody else knows best.
 *
 * @internal
 */
export const file: SettingKind<string | undefined> = kind(
  Schema.UndefinedOr(absolute),
  decodeUnknown(absolute),
  "the absolute path of a file",
  undefined
)

/**
 * The path of a folder, if it is to be another one than that which somebody else knows best.
 *
 * @internal
 */
export const folder: SettingKind<string | undefined> = kind(
  Schema.UndefinedOr(absolute),
  decodeUnknown(absolute),
  "the absolute path of a folder",
  undefined
)

const portNumber = Schema.Int.pipe(Schema.between(0, 65_535))

/**
 * A TCP port, if there is to be one.
 *
 * @internal
 */
export const port: SettingKind<number | undefined> = kind(
  Schema.UndefinedOr(portNumber),
  decodeUnknown(Schema.compose(Schema.NumberFromString, portNumber)),
  "a port: a whole number of 0 to 65535",
  undefined
)

/**
 * Names of machines, as they stand in a `Host` header.
 *
 * @internal
 */
export const hosts: SettingKind<ReadonlyArray<string>> = kind(
  Schema.Array(Schema.String.pipe(Schema.pattern(/^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/))).pipe(
    Schema.maxItems(MAX_ITEMS)
  ),
  undefined,
  'a list of at most 100 names of this machine, such as "build-7.lan"',
  []
)

/**
 * Policies by the names of their jobs, which are decoded with what their supervisor says of the same job: what is wrong with one of
 * them is said of that job, and the others go on.
 *
 * @internal
 */
export const policies: SettingKind<Readonly<Record<string, unknown>>> = kind(
  Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  undefined,
  "a mapping of the names of jobs to their policies, which are mappings",
  {}
)
