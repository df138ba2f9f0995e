/**
 * What a setting may be, wherever it stands.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Inspectable from "effect/Inspectable"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import { closest, distance } from "fastest-levenshtein"
import type { ConfigIssue } from "../HealingError.js"
import * as Durations from "../internal/Durations.js"
import type { HealingPolicyInput } from "../policy/HealingPolicy.js"

// What is wrong with one of them is said of that job, and the others go on.
const Policies = Schema.Record({
  key: Schema.String,
  value: Schema.declare((_policy: unknown): _policy is HealingPolicyInput => true)
})

const Priority = Schema.Finite.pipe(Schema.negative())

const Count = Schema.Int.pipe(Schema.positive())

const InCode = Schema.Struct({
  enabled: Schema.Boolean,
  queue: Schema.NonEmptyString.pipe(Schema.maxLength(256)),
  priority: Priority,
  maxConcurrent: Count,
  maxWait: Durations.inCode.any,
  onMaxWait: Schema.Literal("fail", "run"),
  // An endless one would be another `enabled: false`, of which no `HeldBy` tells.
  quietPeriod: Durations.inCode.finite,
  onJobStart: Schema.Literal("continue", "yield"),
  maxYields: Schema.NonNegativeInt,
  // One that may take no time at all would never succeed, and what is kept for no time is not kept.
  reviewTimeout: Durations.inCode.lasting,
  maxAttempts: Count,
  cooldown: Durations.inCode.finite,
  maxReviewsPerDay: Count,
  maxPending: Count,
  retention: Durations.inCode.lasting,
  maxCatchUpAge: Durations.inCode.any,
  jobs: Policies
})

const InYaml = Schema.Struct({
  ...InCode.fields,
  maxWait: Durations.withUnit.any,
  quietPeriod: Durations.withUnit.finite,
  reviewTimeout: Durations.withUnit.lasting,
  cooldown: Durations.withUnit.finite,
  retention: Durations.withUnit.lasting,
  maxCatchUpAge: Durations.withUnit.any
})

const { jobs: _, ...inYaml } = InYaml.fields

const InEnvironment = Schema.Struct({
  ...inYaml,
  enabled: Schema.BooleanFromString,
  priority: Schema.compose(Schema.NumberFromString, Priority),
  maxConcurrent: Schema.compose(Schema.NumberFromString, Count),
  maxYields: Schema.compose(Schema.NumberFromString, Schema.NonNegativeInt),
  maxAttempts: Schema.compose(Schema.NumberFromString, Count),
  maxReviewsPerDay: Schema.compose(Schema.NumberFromString, Count),
  maxPending: Schema.compose(Schema.NumberFromString, Count)
})

/**
 * The settings in force. The README has the table of what they mean.
 *
 * @since 0.1.0
 * @category models
 */
export interface HealingSettings extends Schema.Schema.Type<typeof InCode> {}

/**
 * The settings that differ from their defaults:
 *
 * - `enabled` (true): off, nothing is started: who waits does so in vain, and requests are kept.
 * - `queue` ("openclaw"): the queue of jobs whose running state a healing waits on, and to which jobs report unless
 *   they name another; 1 to 256 characters.
 * - `priority` (-10): among healings, higher goes first; below 0.
 * - `maxConcurrent` (1): how many reviews may run at once; 1 or more.
 * - `maxWait` (5 minutes): from the call of `run` or `heal` until the first turn. `Duration.infinity` waits for ever, 0
 *   means now or not at all.
 * - `onMaxWait` ("fail"): `fail` with `HealingTimeout`; or `run`: stop waiting for idleness, be first for the next free
 *   turn, and do not yield.
 * - `quietPeriod` (1 second): how long the running state must have been empty, since the gap between two jobs is not
 *   idle time; finite.
 * - `onJobStart` ("continue"): what a running review does when a job starts: `continue`, or `yield` its turn and wait
 *   again.
 * - `maxYields` (3): after so many yields a review runs to its end; 0 or more.
 *
 * and for the durable queue:
 *
 * - `reviewTimeout` (5 minutes): for one review, anew in each turn; above 0, `Duration.infinity` for no limit.
 * - `maxAttempts` (3): reviews of one request that failed or were cut off, before it has failed for good; 1 or more.
 * - `cooldown` (10 minutes): from the end of a job's completed review until its next automatic one; finite.
 * - `maxReviewsPerDay` (100): automatic reviews within 24 hours, above which the others wait; 1 or more.
 * - `maxPending` (100,000): pending requests; one more is refused; 1 or more.
 * - `retention` (90 days): how long finished requests are kept; above 0, `Duration.infinity` for ever.
 *
 * and for the scheduler:
 *
 * - `maxCatchUpAge` (7 days): how old the last missed occurrence of a schedule may be that is still made up for.
 * - `jobs`: the policies of single jobs by their names, over those that their supervisor gives them.
 *
 * @since 0.1.0
 * @category models
 */
export type HealingSettingsInput = {
  readonly [K in keyof typeof InCode.Encoded]?: (typeof InCode.Encoded)[K] | undefined
}

/** @internal */
export const defaults: HealingSettings = {
  enabled: true,
  queue: "openclaw",
  priority: -10,
  maxConcurrent: 1,
  maxWait: Duration.minutes(5),
  onMaxWait: "fail",
  quietPeriod: Duration.seconds(1),
  onJobStart: "continue",
  maxYields: 3,
  reviewTimeout: Duration.minutes(5),
  maxAttempts: 3,
  cooldown: Duration.minutes(10),
  maxReviewsPerDay: 100,
  maxPending: 100_000,
  retention: Duration.days(90),
  maxCatchUpAge: Duration.days(7),
  jobs: {}
}

type Setting = keyof HealingSettings

const settings = Record.keys(InCode.fields)

const expected: Record<Setting, string> = {
  enabled: "true or false",
  queue: "a name of 1 to 256 characters",
  priority: "a number below 0, the priority of every job",
  maxConcurrent: "a whole number of 1 or more",
  maxWait: 'a duration of zero or more, such as "5 minutes", or Duration.infinity',
  onMaxWait: '"fail" or "run"',
  quietPeriod: 'a finite duration of zero or more, such as "1 second"',
  onJobStart: '"continue" or "yield"',
  maxYields: "a whole number of 0 or more",
  reviewTimeout: 'a duration above zero, such as "5 minutes", or Duration.infinity',
  maxAttempts: "a whole number of 1 or more",
  cooldown: 'a finite duration of zero or more, such as "10 minutes"',
  maxReviewsPerDay: "a whole number of 1 or more",
  maxPending: "a whole number of 1 or more",
  retention: 'a duration above zero, such as "90 days", or Duration.infinity',
  maxCatchUpAge: 'a duration of zero or more, such as "7 days", or Duration.infinity',
  jobs: "a mapping of the names of jobs to their policies, which are mappings"
}

const expectedInText: Record<Setting, string> = {
  ...expected,
  maxWait: 'a duration of zero or more with its unit, such as "5 minutes", or "infinity"',
  quietPeriod: 'a finite duration of zero or more with its unit, such as "1 second"',
  reviewTimeout: 'a duration above zero with its unit, such as "5 minutes", or "infinity"',
  cooldown: 'a finite duration of zero or more with its unit, such as "10 minutes"',
  retention: 'a duration above zero with its unit, such as "90 days", or "infinity"',
  maxCatchUpAge: 'a duration of zero or more with its unit, such as "7 days", or "infinity"'
}

/**
 * What one source of settings holds: the good ones, and what is wrong with the others.
 *
 * @internal
 */
export interface Loaded {
  readonly settings: Partial<HealingSettings>
  readonly issues: ReadonlyArray<ConfigIssue>
}

const MAX_FOUND = 200

/** @internal */
export const cut = (text: string): string => (text.length > MAX_FOUND ? `${text.slice(0, MAX_FOUND)}…` : text)

// A string in quotes: "1" is not 1, and "" is not nothing.
const show = (found: unknown): string =>
  Predicate.isString(found)
    ? JSON.stringify(cut(found))
    : cut(Duration.isDuration(found) ? Duration.format(found) : Inspectable.toStringUnknown(found, 0))

/** How a source spells its settings, and what it may hold for each. */
interface Spelling {
  readonly source: string
  readonly settings: ReadonlyArray<Setting>
  readonly keyOf: (setting: Setting) => string
  readonly decode: (raw: unknown) => Either.Either<Partial<HealingSettings>, ParseResult.ParseError>
  readonly expected: Record<Setting, string>
}

const load = (
  { decode, expected, keyOf, settings, source }: Spelling,
  raw: Readonly<Record<string, unknown>>
): Loaded => {
  const byKey = new Map(settings.map((setting) => [keyOf(setting), setting]))
  const known: Partial<Record<Setting, unknown>> = {}
  const issues: Array<ConfigIssue> = []
  for (const [key, found] of Object.entries(raw)) {
    const setting = byKey.get(key)
    if (setting === undefined) {
      const nearest = closest(key, Array.from(byKey.keys()))
      // Without the value, which may be anybody's secret.
      issues.push({
        source,
        key: cut(key),
        found: "an unknown one",
        expected: `a known setting (did you mean ${nearest}?)`
      })
    } else if (found !== undefined) {
      known[setting] = found
    }
  }
  // One at a time, so that a bad setting hides no other.
  const decoded = settings
    .filter((setting) => setting in known)
    .map((setting) =>
      Either.mapLeft(
        decode({ [setting]: known[setting] }),
        (): ConfigIssue => ({
          source,
          key: keyOf(setting),
          found: show(known[setting]),
          expected: expected[setting]
        })
      )
    )
  return {
    settings: Object.assign({}, ...Arr.getRights(decoded)),
    issues: [...issues, ...Arr.getLefts(decoded)]
  }
}

const decodeInCode = Schema.decodeUnknownEither(Schema.partialWith(InCode, { exact: true }))
const decodeInYaml = Schema.decodeUnknownEither(Schema.partialWith(InYaml, { exact: true }))
const decodeInEnvironment = Schema.decodeUnknownEither(Schema.partialWith(InEnvironment, { exact: true }))

/** @internal */
export const fromCode = (raw: HealingSettingsInput): Loaded =>
  load({ source: "code", settings, keyOf: identity, decode: decodeInCode, expected }, { ...raw })

/**
 * The settings that can be given for one healing.
 *
 * @internal
 */
export const fromOptions = (raw: Pick<HealingSettingsInput, "priority" | "maxWait">, source: string): Loaded =>
  load({ source, settings: ["priority", "maxWait"], keyOf: identity, decode: decodeInCode, expected }, { ...raw })

/** @internal */
export const fromYaml = (path: string, raw: Readonly<Record<string, unknown>>): Loaded =>
  load({ source: path, settings, keyOf: Str.camelToSnake, decode: decodeInYaml, expected: expectedInText }, raw)

const inEnvironment = settings.filter((setting) => setting !== "jobs")

const variable = (setting: Setting): string => `HEALING_${Str.camelToSnake(setting).toUpperCase()}`

/** @internal */
export const variables: ReadonlyArray<string> = inEnvironment.map(variable)

/**
 * Whether a variable looks like a setting. The environment belongs to many, and others may call theirs `HEALING_` too.
 *
 * @internal
 */
export const isMeantForSetting = (name: string): boolean =>
  name.startsWith("HEALING_") &&
  variables.some((variable) => distance(name, variable) <= 2 || variable.startsWith(name) || name.startsWith(variable))

/** @internal */
export const fromEnvironment = (raw: Readonly<Record<string, unknown>>): Loaded =>
  load(
    {
      source: "environment",
      settings: inEnvironment,
      keyOf: variable,
      decode: decodeInEnvironment,
      expected: expectedInText
    },
    raw
  )
