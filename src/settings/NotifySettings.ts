/**
 * The settings below `notify`: who is told what, and when.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import { expecting, withDefault } from "../internal/Input.js"
import { HealingSchedule } from "../policy/HealingSchedule.js"
import * as TimeZone from "../policy/TimeZone.js"
import { SuggestionSeverity } from "../request/Report.js"
import * as NotifyChannel from "./NotifyChannel.js"
import * as Kind from "./SettingKind.js"

const timeOfDay = expecting('a time of day from "00:00" to "23:59"')(
  Schema.String.pipe(Schema.pattern(/^([01]\d|2[0-3]):[0-5]\d$/))
)

/**
 * A part of each day in which only what is critical is told.
 *
 * - `from`, `to`: as clocks show them, such as "22:00" and "07:00".
 * - `timeZone`: an IANA name; that of the machine by default.
 *
 * @since 0.1.0
 * @category schemas
 */
export const QuietHours = Schema.Struct({
  from: timeOfDay,
  to: timeOfDay,
  timeZone: withDefault(
    expecting('the name of a time zone, such as "Europe/Berlin"')(Schema.String.pipe(Schema.filter(TimeZone.exists))),
    TimeZone.machine
  )
}).pipe(Schema.filter(({ from, to }) => (from === to ? "expected two times that differ" : undefined)))

/**
 * @since 0.1.0
 * @category models
 */
export type QuietHours = typeof QuietHours.Type

const OrNone = Schema.UndefinedOr(QuietHours)

const decodeQuietHours = Schema.decodeUnknownEither(OrNone, { errors: "first", onExcessProperty: "error" })

const snake = (raw: unknown): unknown =>
  Predicate.isReadonlyRecord(raw) ? Record.mapKeys(raw, (key) => Str.snakeToCamel(key)) : raw

/** Where it does not fit, and what would. */
const explained = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const what = issue?._tag === "Unexpected" ? "is not known" : (issue?.message ?? "")
  return `${(issue?.path ?? []).join(".")} ${what}`.trim()
}

const quietHours: Kind.SettingKind<QuietHours | undefined, typeof OrNone.Encoded> = {
  inCode: OrNone,
  decode: {
    code: decodeQuietHours,
    yaml: (raw) => decodeQuietHours(snake(raw)),
    environment: (raw) => {
      const [, from, to, timeZone] = /^(\d\d:\d\d)-(\d\d:\d\d)(?: (\S+))?$/.exec(String(raw)) ?? []
      return decodeQuietHours({ from, to, ...(timeZone !== undefined && { timeZone }) })
    }
  },
  expected: 'from and to, and a timeZone, such as { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" }',
  expectedInText: "from and to, and a time_zone; in the environment 22:00-07:00 Europe/Berlin",
  explain: explained,
  fallback: undefined
}

const DigestSchedule = HealingSchedule.pipe(
  Schema.filter((schedule) =>
    "frequency" in schedule && (schedule.frequency === "daily" || schedule.frequency === "weekly")
      ? undefined
      : "expected a daily or weekly schedule"
  )
)

const digestOrNone = Schema.UndefinedOr(DigestSchedule)

const decodeDigest = Schema.decodeUnknownEither(digestOrNone, { errors: "first", onExcessProperty: "error" })

const digest: Kind.SettingKind<HealingSchedule | undefined, typeof digestOrNone.Encoded> = {
  inCode: digestOrNone,
  decode: {
    code: decodeDigest,
    yaml: (raw) => decodeDigest(snake(raw)),
    environment: (raw) => decodeDigest({ frequency: String(raw) })
  },
  expected: 'daily or weekly, such as { frequency: "weekly", day: "monday", time: "09:00" }',
  expectedInText: "frequency: daily or weekly, with day, time and time_zone; in the environment daily or weekly",
  explain: explained,
  fallback: undefined
}

const severity = (fallback: SuggestionSeverity): Kind.SettingKind<SuggestionSeverity> => {
  const decode = Schema.decodeUnknownEither(SuggestionSeverity)
  const expected = SuggestionSeverity.literals.join(", ")
  return {
    inCode: SuggestionSeverity,
    decode: { code: decode, yaml: decode, environment: decode },
    expected,
    expectedInText: expected,
    fallback
  }
}

/** A new setting is one line here, and one in the docs of `NotifySettingsInput` and of the README of `notify/`. */
const table = {
  channels: NotifyChannel.channels,
  reviewsFrom: severity("low"),
  recoveredAfter: Kind.count(3),
  gateHeldFor: Kind.lastingDuration("1 hour"),
  sourceUnknownFor: Kind.lastingDuration("10 minutes"),
  retryFor: Kind.lastingDuration("1 day"),
  remindAfter: { ...Kind.lastingDuration("7 days"), fallback: Duration.infinity },
  maxPerHour: Kind.count(20),
  quietHours,
  digest
}

/** @internal */
export const kinds = table

type Table = typeof table

type InForce = { readonly [K in keyof Table]: Schema.Schema.Type<Table[K]["inCode"]> }

/**
 * The settings of notices in force.
 *
 * @since 0.1.0
 * @category models
 */
export interface NotifySettings extends InForce {}

/**
 * The settings of notices that differ from their defaults. The channels of several sources merge by their names.
 *
 * - `channels` (none): by names of 1 to 64 letters, digits, `_` and `-`; at most 20. Nothing is told without one.
 * - `reviewsFrom` (`low`): from which severity on a completed review is told of. That of a review is that of its worst suggestion.
 * - `recoveredAfter` (3): after so many good runs a job is told to have recovered; 1 or more. One that is always up has after it has stayed
 *   up for `suggestions.upFor`.
 * - `gateHeldFor` (1 hour): for how long reviews wait before it is told who holds them up; above 0, `Duration.infinity` for never.
 * - `sourceUnknownFor` (10 minutes): for how long it is not known what runs before that is told; above 0, `Duration.infinity` for never.
 * - `retryFor` (1 day): for how long it is tried to send a notice; above 0, `Duration.infinity` for ever.
 * - `remindAfter` (`Duration.infinity`): what was told is told again if it happens again after so long; above 0.
 * - `maxPerHour` (20): of one channel. What is more comes as one notice that counts it, but for what is critical, and changes of files; 1 or
 *   more.
 * - `quietHours` (none): when only what is critical is told. The rest is told afterwards.
 * - `digest` (none): a daily or weekly schedule, by which there is one notice of what has happened to each job.
 *
 * @since 0.1.0
 * @category models
 */
export type NotifySettingsInput = {
  readonly [K in keyof Table]?: Schema.Schema.Encoded<Table[K]["inCode"]> | undefined
}
