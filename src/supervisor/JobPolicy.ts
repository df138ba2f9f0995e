/**
 * The policy of a job that is in force.
 *
 * @internal
 */
import type * as Arr from "effect/Array"
import type * as Either from "effect/Either"
import { decodePolicy, type HealingPolicy, type PolicyIssue } from "../policy/HealingPolicy.js"
import type { HealingSettings } from "../settings/HealingConfig.js"
import type { JobInfo } from "./Supervisor.js"

/**
 * Decodes what the settings say of a job, over what its supervisor says. Nobody else decodes policies.
 *
 * @internal
 */
export const policyOf = (
  { id, policy }: Pick<JobInfo, "id" | "policy">,
  { jobs }: Pick<HealingSettings, "jobs">
): Either.Either<HealingPolicy, Arr.NonEmptyReadonlyArray<PolicyIssue>> =>
  decodePolicy(id, policy, Object.hasOwn(jobs, id) ? jobs[id] : undefined)
