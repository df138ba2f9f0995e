/**
 * The settings: one line for each, and how each source spells them.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import type * as Schema from "effect/Schema"
import * as Str from "effect/String"
import { distance } from "fastest-levenshtein"
import type { ConfigIssue } from "../HealingError.js"
import { didYouMean } from "../internal/Input.js"
import type { HealingPolicyInput } from "../policy/HealingPolicy.js"
import * as HttpSettings from "./HttpSettings.js"
import * as NotifySettings from "./NotifySettings.js"
import * as Kind from "./SettingKind.js"
import * as SuggestionSettings from "./SuggestionSettings.js"

/** A new setting is one line here, and one in the docs of `HealingSettingsInput` and of the README. */
const table = {
  enabled: Kind.flag(true),
  queue: Kind.name("openclaw"),
  priority: Kind.priority(-10),
  maxConcurrent: Kind.count(1),
  maxWait: Kind.duration("5 minutes"),
  onMaxWait: Kind.choice("fail", "run"),
  // An endless one would be another `enabled: false`, of which no `HeldBy` tells.
  quietPeriod: Kind.finiteDuration("1 second"),
  onJobStart: Kind.choice("continue", "yield"),
  maxYields: Kind.countOrNone(3),
  reviewTimeout: Kind.lastingDuration("5 minutes"),
  shutdownTimeout: Kind.finiteDuration("10 seconds"),
  maxAttempts: Kind.count(3),
  cooldown: Kind.finiteDuration("10 minutes"),
  maxReviewsPerDay: Kind.count(100),
  maxPending: Kind.count(100_000),
  retention: Kind.lastingDuration("90 days"),
  maxCatchUpAge: Kind.duration("7 days"),
  jobs: Kind.policies
}

type Table = typeof table

type Setting = keyof Table

/** Settings that belong together stand in a group of their own. */
const groups = { suggestions: SuggestionSettings.kinds, http: HttpSettings.kinds, notify: NotifySettings.kinds }

/** @internal */
export type Group = keyof typeof groups

/** @internal */
export const groupNames: ReadonlyArray<Group> = ["suggestions", "http", "notify"]

type InForce = { readonly [K in Setting]: Schema.Schema.Type<Table[K]["inCode"]> } & {
  readonly suggestions: SuggestionSettings.SuggestionSettings
  readonly http: HttpSettings.HttpSettings
  readonly notify: NotifySettings.NotifySettings
}

/**
 * Under this symbol the settings in force carry the paths of the files that they were read from. No suggestion may change one of those.
 *
 * @internal
 */
export const readFrom: unique symbol = Symbol.for("effect-healing/HealingSettings/readFrom")

/**
 * The settings in force. The README has the table of what they mean.
 *
 * @since 0.1.0
 * @category models
 */
export interface HealingSettings extends InForce {
  /** @internal */
  readonly [readFrom]?: ReadonlyArray<string>
}

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
 * - `shutdownTimeout` (10 seconds): for how long the end waits for a review or a supervisor that ignores its interruption; finite.
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
 * and `suggestions`, `http` and `notify`, the settings of suggestions, of the API and of notices, which are groups of their own.
 *
 * @since 0.1.0
 * @category models
 */
export type HealingSettingsInput = {
  readonly [K in Exclude<Setting, "jobs">]?: Schema.Schema.Encoded<Table[K]["inCode"]> | undefined
} & {
  readonly jobs?: Readonly<Record<string, HealingPolicyInput>> | undefined
  readonly suggestions?: SuggestionSettings.SuggestionSettingsInput | undefined
  readonly http?: HttpSettings.HttpSettingsInput | undefined
  readonly notify?: NotifySettings.NotifySettingsInput | undefined
}

/** @internal */
export const defaults: HealingSettings = {
  ...Record.map(table, ({ fallback }) => fallback),
  suggestions: Record.map(groups.suggestions, ({ fallback }) => fallback),
  http: Record.map(groups.http, ({ fallback }) => fallback),
  notify: Record.map(groups.notify, ({ fallback }) => fallback)
} as InForce

/** One setting: its name, with that of its group before it if it has one, and its kind. */
interface Slot {
  readonly path: readonly [name: string] | readonly [group: string, name: string]
  readonly kind: Pick<Kind.SettingKind<unknown>, "decode" | "expected" | "expectedInText" | "explain" | "isSecret">
}

const slots: ReadonlyArray<Slot> = [
  ...Object.entries(table).map(([name, kind]): Slot => ({ path: [name], kind })),
  ...groupNames.flatMap((group) =>
    Object.entries(groups[group]).map(([name, kind]): Slot => ({ path: [group, name], kind }))
  )
]

/**
 * What one source of settings holds: the good ones, and what is wrong with the others.
 *
 * @internal
 */
export interface Loaded {
  readonly settings: Partial<Omit<HealingSettings, Group>> & { readonly [G in Group]?: Partial<HealingSettings[G]> }
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

/** In place of what may hold a secret. */
const HIDDEN = "what is not shown here"

/** How a source spells its settings, and which it may hold. */
interface Spelling {
  readonly source: string
  readonly kind: keyof Kind.SettingKind<unknown>["decode"]
  readonly slots: ReadonlyArray<Slot>
  readonly keyOf: (path: Slot["path"]) => string
}

const load = ({ keyOf, kind, slots, source }: Spelling, raw: Readonly<Record<string, unknown>>): Loaded => {
  const keys = slots.map(({ path }) => keyOf(path))
  const issues: Array<ConfigIssue> = Object.keys(raw)
    .filter((key) => !keys.includes(key))
    // The value is left out: it may be anybody's secret.
    .map((key) => ({
      source,
      key: cut(key),
      found: "an unknown one",
      expected: `a known setting (${didYouMean(key, keys)})`
    }))
  const good: Array<readonly [Slot["path"], unknown]> = []
  for (const { kind: ofSetting, path } of slots) {
    const key = keyOf(path)
    const found = raw[key]
    // In a file, a key with nothing behind it is one whose lines are all comments.
    if (found === undefined || (found === null && kind === "yaml")) continue
    const { decode, expected, expectedInText, explain, isSecret } = ofSetting
    const decoded = decode[kind]?.(found)
    if (decoded !== undefined && Either.isRight(decoded)) {
      good.push([path, decoded.right])
      continue
    }
    const right = kind === "code" ? expected : expectedInText
    const better = decoded === undefined || explain === undefined ? [] : [explain(decoded.left)]
    issues.push({ source, key, found: isSecret ? HIDDEN : show(found), expected: [right, ...better].join("; ") })
  }
  const settings: Record<string, unknown> = {}
  for (const [[name, inGroup], value] of good) {
    settings[name] = inGroup === undefined ? value : Object.assign(settings[name] ?? {}, { [inGroup]: value })
  }
  return { settings, issues }
}

/** Those of a group stand beside the others, with its name before theirs. */
const loadNested = (spelling: Spelling, raw: Readonly<Record<string, unknown>>): Loaded => {
  const flat: Record<string, unknown> = { ...raw }
  const wrong: Array<ConfigIssue> = []
  for (const name of groupNames) {
    const group = raw[name]
    delete flat[name]
    if (group === undefined || (group === null && spelling.kind === "yaml")) continue
    if (Predicate.isReadonlyRecord(group) && !Array.isArray(group)) {
      Object.assign(
        flat,
        Record.mapKeys(group, (key) => `${name}.${key}`)
      )
    } else
      wrong.push({
        source: spelling.source,
        key: name,
        found: Object.values<Slot["kind"]>(groups[name]).some(({ isSecret }) => isSecret) ? HIDDEN : show(group),
        expected: "a mapping of settings"
      })
  }
  const { issues, settings } = load(spelling, flat)
  return { settings, issues: [...issues, ...wrong] }
}

/** @internal */
export const fromCode = (raw: HealingSettingsInput): Loaded =>
  loadNested({ source: "code", kind: "code", slots, keyOf: (path) => path.join(".") }, { ...raw })

/**
 * The settings that can be given for one healing.
 *
 * @internal
 */
export const fromOptions = (raw: Pick<HealingSettingsInput, "priority" | "maxWait">, source: string): Loaded => {
  const allowed = slots.filter(({ path: [name] }) => name === "priority" || name === "maxWait")
  return load({ source, kind: "code", slots: allowed, keyOf: (path) => path.join(".") }, { ...raw })
}

/** @internal */
export const fromYaml = (path: string, raw: Readonly<Record<string, unknown>>): Loaded =>
  loadNested({ source: path, kind: "yaml", slots, keyOf: (path) => path.map(Str.camelToSnake).join(".") }, raw)

const inEnvironment = slots.filter(({ kind }) => kind.decode.environment !== undefined)

const variable = (path: Slot["path"]): string => `HEALING_${path.map(Str.camelToSnake).join("_").toUpperCase()}`

/** @internal */
export const variables: ReadonlyArray<string> = inEnvironment.map(({ path }) => variable(path))

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
  load({ source: "environment", kind: "environment", slots: inEnvironment, keyOf: variable }, raw)
