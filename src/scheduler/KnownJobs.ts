/**
 * The policies of the jobs, as they were read last.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { didYouMean } from "../internal/Input.js"
import type { HealingPolicy, PolicyIssue } from "../policy/HealingPolicy.js"
import type { HealingWish } from "../queue/HealingWish.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import { policyOf } from "../supervisor/JobPolicy.js"
import { JobInfo } from "../supervisor/Supervisor.js"
import type { Plan } from "./Agenda.js"

interface Known {
  readonly info: JobInfo
  /** What it was made of: whether it is the same again is sooner seen than decoded. */
  readonly text: string
  readonly policy: Either.Either<HealingPolicy, Arr.NonEmptyReadonlyArray<PolicyIssue>>
  readonly plan: Plan | undefined
}

const isJobInfo = Schema.is(JobInfo)

const isPartial = (info: unknown): info is Partial<JobInfo> & Pick<JobInfo, "id"> =>
  Predicate.hasProperty(info, "id") && Predicate.isString(info.id)

/** @internal */
export class KnownJobs {
  readonly #settings: HealingSettings
  #jobs: ReadonlyArray<unknown> | undefined = undefined
  #known: ReadonlyMap<string, Known> = new Map()
  #told: ReadonlySet<string> = new Set()
  #expected: ReadonlyMap<string, Duration.Duration> = new Map()

  constructor(settings: HealingSettings) {
    this.#settings = settings
  }

  /** Whether these are the very jobs that were read last: that is sooner seen than looked into. */
  isSame(jobs: ReadonlyArray<unknown>): boolean {
    const before = this.#jobs
    return jobs.length === before?.length && jobs.every((info, index) => info === before[index])
  }

  /** Returns what is wrong and was not wrong before. What an adapter gives may be anything. */
  read(jobs: ReadonlyArray<unknown>): ReadonlyArray<string> {
    const wrong: Array<string> = []
    const known = new Map<string, Known>()
    for (const info of jobs) {
      const again = this.#again(info)
      if (again !== undefined && !known.has(again.info.id)) known.set(again.info.id, again)
      else if (!isJobInfo(info))
        wrong.push(`The supervisor has a job that does not fit JobInfo${named(info)}: it is left out`)
      else if (known.has(info.id)) wrong.push(`The supervisor has two jobs named "${info.id}": the first one counts`)
      else known.set(info.id, this.#learn(info))
    }
    for (const { info, policy } of known.values()) {
      if (Either.isRight(policy)) continue
      const issues = policy.left.map(({ expected, key }) => `${key === "" ? "" : `${key}: `}${expected}`).join("; ")
      wrong.push(`The policy of "${info.id}" is wrong, so that only a person has it reviewed: ${issues}`)
    }
    for (const job of Object.keys(this.#settings.jobs)) {
      if (known.has(job)) continue
      const meant =
        known.size > 0 && known.size < 1000 ? ` (${didYouMean(job, [...known.keys()], JSON.stringify)})` : ""
      wrong.push(`The settings have a policy for "${job}", which the supervisor does not have${meant}`)
    }
    const told = this.#told
    // A copy: who has given it may go on changing it.
    this.#jobs = Array.from(jobs)
    this.#known = known
    this.#expected = new Map(
      Array.from(known.values()).flatMap(({ info: { id }, policy }) => {
        const every = Either.isRight(policy) && policy.right.enabled ? policy.right.expectedEvery : undefined
        return every === undefined ? [] : [[id, every] as const]
      })
    )
    this.#told = new Set(wrong)
    return Arr.dedupe(wrong).filter((message) => !told.has(message))
  }

  has(job: string): boolean {
    return this.#known.has(job)
  }

  info(job: string): JobInfo | undefined {
    return this.#known.get(job)?.info
  }

  /** `undefined` if the job has none, or one that is wrong. */
  of(job: string): HealingPolicy | undefined {
    const known = this.#known.get(job)
    return known && Either.getOrElse(known.policy, () => undefined)
  }

  /** What its policy says of a request for it. */
  wishFor(job: string): JobWish {
    return wishOf(job, this.of(job) ?? {})
  }

  /** The jobs that are to run every so often. */
  get expected(): ReadonlyMap<string, Duration.Duration> {
    return this.#expected
  }

  isWrong(job: string): boolean {
    const known = this.#known.get(job)
    return known !== undefined && Either.isLeft(known.policy)
  }

  get plans(): ReadonlyArray<Plan> {
    return Array.from(this.#known.values()).flatMap(({ plan }) => plan ?? [])
  }

  get problems(): ReadonlyArray<PolicyIssue> {
    return Array.from(this.#known.values()).flatMap(({ policy }) => (Either.isLeft(policy) ? policy.left : []))
  }

  /** What was known of one that is as it was: that is sooner seen than decoded. */
  #again(info: unknown): Known | undefined {
    if (!isPartial(info)) return undefined
    const before = this.#known.get(info.id)
    if (before === undefined || before.info === info) return before
    const { kind, openClaw, policy } = before.info
    if (info.kind !== kind || info.openClaw !== openClaw) return undefined
    if (info.policy !== policy && textOf(info.policy) !== before.text) return undefined
    // All of its fields are those of one that fits.
    return { ...before, info: info as JobInfo }
  }

  #learn(info: JobInfo): Known {
    const text = textOf(info.policy)
    const policy = policyOf(info, this.#settings)
    return { info, text: text ?? "", policy, plan: planOf(info.id, policy, this.#settings.enabled) }
  }
}

/**
 * The parts of a wish that the policy of its job gives.
 *
 * @internal
 */
export type JobWish = Pick<HealingWish, "cooldown" | "job" | "priority">

/** @internal */
export const wishOf = (job: string, { cooldown, priority }: Pick<HealingPolicy, "cooldown" | "priority">): JobWish => ({
  job,
  cooldown,
  priority
})

const planOf = (job: string, policy: Known["policy"], isOn: boolean): Plan | undefined => {
  if (!isOn || Either.isLeft(policy) || !policy.right.enabled || policy.right.schedule === undefined) return undefined
  const { schedule } = policy.right
  return { job, schedule, text: JSON.stringify(schedule) }
}

const textOf = (policy: unknown): string | undefined => {
  try {
    return JSON.stringify(policy)
  } catch {
    return undefined
  }
}

const named = (info: unknown): string =>
  Schema.is(Schema.Struct({ id: JobInfo.fields.id }))(info) ? `, "${info.id}"` : ""
