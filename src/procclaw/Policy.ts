/**
 * What ProcClaw's own words about the reviews of a job mean here. What does not fit stays as it is written, so that it is a problem of that
 * job's policy.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"

/** As ProcClaw's documentation counts the days. */
const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

/** The parts of the evidence by the names that ProcClaw has for them. It has some of which nothing is known here. */
const PARTS = {
  analyze_runs: "runs",
  analyze_logs: "logs",
  analyze_sla: "sla",
  analyze_script: "script",
  analyze_prompt: "prompt",
  analyze_config: "config"
} as const

type Raw = Readonly<Record<string, unknown>>

/**
 * The policy of a job. `reactive`, its default, is reviewed when it fails; `proactive` by the clock, or when what is named as its frequency
 * happens.
 *
 * @internal
 */
export const policyOf = (selfHealing: Raw, timeZone: string): Raw => {
  const schedule = recordOf(selfHealing.review_schedule)
  const { min_runs } = schedule
  return {
    ...(min_runs !== undefined && { min_runs }),
    ...scopeOf(selfHealing.review_scope),
    ...whenOf(selfHealing.mode ?? "reactive", schedule, timeZone)
  }
}

const recordOf = (value: unknown): Raw => (Predicate.isReadonlyRecord(value) ? value : {})

const whenOf = (mode: unknown, schedule: Raw, timeZone: string): Raw => {
  if (mode === "reactive") return { triggers: ["failure"] }
  if (mode !== "proactive") return { triggers: mode }
  const { day, day_of_month, frequency = "daily", time = "03:00" } = schedule
  switch (frequency) {
    case "on_failure":
      return { triggers: ["failure"] }
    case "on_sla_breach":
      return { triggers: ["sla_breach"] }
    case "manual":
      return { triggers: [] }
    case "hourly":
      return { triggers: [], schedule: { frequency } }
    case "weekly":
      return { triggers: [], schedule: { frequency, day: dayOf(day ?? 1), time, time_zone: timeZone } }
    case "monthly":
      return { triggers: [], schedule: { frequency, day: day_of_month ?? 1, time, time_zone: timeZone } }
    default:
      return { triggers: [], schedule: { frequency, time, time_zone: timeZone } }
  }
}

const dayOf = (day: unknown): unknown => (Predicate.isNumber(day) ? (DAYS[day] ?? day) : day)

const scopeOf = (scope: unknown): Raw => {
  if (scope === undefined || scope === null) return {}
  if (!Predicate.isReadonlyRecord(scope)) return { scope }
  const parts = Object.entries(PARTS).flatMap(([key, part]) => (scope[key] === false ? [] : [part]))
  return { scope: [...parts, "reviews"] }
}

/**
 * Whether ProcClaw's own healing is on for the job.
 *
 * @internal
 */
export const isHealedByProcClaw = (selfHealing: Raw): boolean => selfHealing.enabled === true
