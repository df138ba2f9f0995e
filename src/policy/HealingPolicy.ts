/**
 * When and how a job is to be reviewed without anybody asking.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import * as Durations from "../internal/Durations.js"
import { didYouMean, expecting, optional, withDefault } from "../internal/Input.js"
import { Trigger } from "../request/HealingRequest.js"
import { HealingSchedule } from "./HealingSchedule.js"
import { OutputRule } from "./RunRule.js"

export { OutputRule, RunTrigger } from "./RunRule.js"

/**
 * A part of what is known about a job: its `runs`, `logs` and breaches of its service level (`sla`), its files by what they
 * are (`script`, `prompt`, `config`), and its earlier `reviews`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EvidencePart = Schema.Literal("runs", "logs", "sla", "script", "prompt", "config", "reviews")

/**
 * @since 0.1.0
 * @category models
 */
export type EvidencePart = typeof EvidencePart.Type

/**
 * The name of something that happens to jobs: `failure`, `sla_breach`, or one of your own of 1 to 64 characters. It is neither
 * `manual`, by which a person asks, nor `schedule`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EventTrigger = Trigger.pipe(Schema.filter((trigger) => trigger !== "manual" && trigger !== "schedule"))

const aDuration = expecting('a finite duration above zero with its unit, such as "1 day"')(
  Durations.withUnit.finite.pipe(Schema.filter((duration) => Duration.greaterThan(duration, Duration.zero)))
)

/**
 * When and how a job is reviewed without anybody asking. All of it can be left out.
 *
 * - `enabled` (true): off, nothing makes it be reviewed but a person.
 * - `triggers` (`failure`, `sla_breach`): which events of the supervisor do: at most 16 of them.
 * - `schedule`: when it is reviewed by the clock; not at all without one.
 * - `minRuns` (5): a review by the schedule alone is skipped while the job has had fewer runs than this since its last
 *   review; 0 to 200. It is for the `Reviewer` to look: that of `effect-healing/openclaw` does.
 * - `cooldown`: from the end of its last completed review until the next one that nobody has asked for by hand: a finite
 *   duration with its unit, such as "1 hour"; the setting `cooldown` by default.
 * - `priority`: of its reviews, below 0; by default 10 below the setting `priority`, and 20 below for the schedule.
 * - `scope` (all): which parts of the evidence its reviews get to see.
 *
 * and what is as bad as a failure, whatever the exit codes say. Each is told, and is reviewed as a failure is, whether or not `triggers` names it:
 *
 * - `expectedEvery`: a run begins at least so often: a finite duration above zero. Time in which nobody has watched does not count.
 * - `maxDuration`, `minDuration`: a run takes no longer, which is told while it still runs; one that ends well takes no less.
 * - `output`: what a run that ends well must have printed, or must not have, as `OutputRule` has it.
 *
 * A job that is always up runs for as long as it is up, and is held to none of the last three.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealingPolicy = Schema.Struct({
  enabled: withDefault(expecting("true or false")(Schema.Boolean), () => true),
  triggers: withDefault(
    expecting("a list of at most 16 names of events, such as failure, but not manual or schedule")(
      Schema.Array(EventTrigger).pipe(Schema.maxItems(16))
    ),
    () => ["failure", "sla_breach"]
  ),
  schedule: optional(HealingSchedule),
  minRuns: withDefault(expecting("a whole number of 0 to 200")(Schema.Int.pipe(Schema.between(0, 200))), () => 5),
  cooldown: optional(expecting('a finite duration with its unit, such as "1 hour"')(Durations.withUnit.finite)),
  priority: optional(expecting("a number below 0, the priority of every job")(Schema.Finite.pipe(Schema.negative()))),
  scope: withDefault(
    expecting(`a list of ${EvidencePart.literals.join(", ")}`)(Schema.Array(EvidencePart).pipe(Schema.maxItems(7))),
    () => EvidencePart.literals
  ),
  expectedEvery: optional(aDuration),
  maxDuration: optional(aDuration),
  minDuration: optional(aDuration),
  output: optional(OutputRule)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface HealingPolicy extends Schema.Schema.Type<typeof HealingPolicy> {}

/**
 * A policy as people write it. `null` stands for the default.
 *
 * @since 0.1.0
 * @category models
 */
export type HealingPolicyInput = {
  readonly [K in keyof typeof HealingPolicy.Encoded]?: (typeof HealingPolicy.Encoded)[K] | null | undefined
}

/**
 * What is wrong with a policy.
 *
 * - `job`: whose policy it is.
 * - `key`: where, such as `schedule.time`.
 * - `expected`: what would be right there.
 *
 * @since 0.1.0
 * @category models
 */
export interface PolicyIssue {
  readonly job: string
  readonly key: string
  readonly expected: string
}

/** @internal */
export const defaultPolicy: HealingPolicy = Schema.decodeSync(HealingPolicy)({})

const decode = Schema.decodeUnknownEither(HealingPolicy, { errors: "all", onExcessProperty: "error" })

const keys = Object.keys(HealingPolicy.fields)

/** What a schedule may have beside its frequency or expression. */
const scheduleKeys: Readonly<Record<string, ReadonlyArray<string>>> = {
  hourly: ["minute"],
  daily: ["time", "timeZone"],
  weekly: ["day", "time", "timeZone"],
  monthly: ["day", "time", "timeZone"],
  cron: ["timeZone"]
}

/** Files spell names in snake case: `min_runs`. */
const camelCased = (input: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(input)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [Str.snakeToCamel(key), value])
  )

const asWritten = (input: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const { output, schedule, ...others } = Record.filter(input, Predicate.isNotNull)
  return {
    ...others,
    ...(schedule !== undefined && { schedule: written(schedule) }),
    ...(output !== undefined && { output: written(output) })
  }
}

const written = (group: unknown): unknown =>
  Predicate.isReadonlyRecord(group) ? Record.filter(camelCased(group), Predicate.isNotNull) : group

/** How its people have spelt the keys of a policy, and would spell those that they should have. */
const spellingOf = (inputs: ReadonlyArray<Readonly<Record<string, unknown>>>) => {
  const groups = inputs.flatMap(({ output, schedule }) => [output, schedule]).filter(Predicate.isReadonlyRecord)
  const written = [...inputs, ...groups].flatMap(Object.keys)
  const spelt = new Map(written.map((key) => [Str.snakeToCamel(key), key]))
  const isSnake = written.some((key) => key.includes("_"))
  return {
    written: (key: PropertyKey) => spelt.get(String(key)) ?? String(key),
    right: (key: string) => (isSnake ? Str.camelToSnake(key) : key)
  }
}

const outputKeys = (right: (key: string) => string): string => ["must", "mustNot"].map(right).join(" and ")

const issueOf =
  (job: string, frequency: string, spelling: ReturnType<typeof spellingOf>) =>
  ({ _tag, message, path }: ParseResult.ArrayFormatterIssue): PolicyIssue => {
    const key = path.map(spelling.written).join(".")
    if (_tag !== "Unexpected") return { job, key, expected: message }
    if (path.length === 1) {
      return { job, key, expected: `is not known: ${didYouMean(key, keys.map(spelling.right))}` }
    }
    if (path[0] === "output") return { job, key, expected: `is not known: there may be ${outputKeys(spelling.right)}` }
    const allowed = (scheduleKeys[frequency] ?? []).map(spelling.right).join(", ")
    return { job, key, expected: `is not known: beside ${frequency} there may be ${allowed}` }
  }

const frequencyOf = ({ schedule }: Readonly<Record<string, unknown>>): string =>
  Predicate.isReadonlyRecord(schedule) && Predicate.isString(schedule.frequency) ? schedule.frequency : "cron"

/**
 * The policy of a job: what the settings say, over what its supervisor says.
 *
 * @internal
 */
export const decodePolicy = (
  job: string,
  ofSupervisor: unknown,
  ofSettings: unknown
): Either.Either<HealingPolicy, Arr.NonEmptyReadonlyArray<PolicyIssue>> => {
  const inputs = [ofSupervisor ?? {}, ofSettings ?? {}]
  const expected = `expected a mapping of ${keys.join(", ")}`
  if (!inputs.every(Predicate.isReadonlyRecord)) return Either.left([{ job, key: "", expected }])
  const written = asWritten(Object.assign({}, ...inputs.map(camelCased)))
  return Either.mapLeft(decode(written), (error) => {
    const issues = ParseResult.ArrayFormatter.formatErrorSync(error).map(
      issueOf(job, frequencyOf(written), spellingOf(inputs))
    )
    return Arr.isNonEmptyArray(issues) ? issues : [{ job, key: "", expected }]
  })
}
