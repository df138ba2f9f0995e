/**
 * Shows what a suggestion and the others of its set would change, and seals it.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { SuggestionRefused } from "../HealingError.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import { hashOf } from "../text/Excerpt.js"
import * as Attributes from "./Attributes.js"
import * as ContentCheck from "./ContentCheck.js"
import type { Allowed } from "./Decision.js"
import { changesFile, type Examined, examine, type Rules } from "./Examining.js"
import type { Check, CheckName, Preview, PreviewedSuggestion } from "./Preview.js"
import { sealOf } from "./Seal.js"

/**
 * - `failed`: the checks that have failed.
 * - `allowed`: what was taken for allowed.
 * - `sealFor`: the seal of all of it and of what else may be done, whether or not a check has failed.
 *
 * @internal
 */
export interface Looked {
  readonly examined: ReadonlyArray<Examined>
  readonly failed: ReadonlyArray<Check>
  readonly allowed: Allowed
  readonly sealFor: (allowed: Allowed) => string
}

/**
 * - `look`: at the files of a set, which stay open for as long as the scope.
 *
 * @internal
 */
export interface Previewing {
  readonly look: (
    members: ReadonlyArray<HealingSuggestion>,
    allowed: Allowed
  ) => Effect.Effect<Looked, never, Scope.Scope>
}

/** @internal */
export const make = (rules: Rules): Previewing => {
  return {
    look: (members, allowed) =>
      Effect.gen(function* () {
        const together = whyNotTogether(members)
        const restart = allowed.restart ? yield* whyNoRestart(rules.supervisor, members) : undefined
        const common = [
          ...(members.length === 1 ? [] : [checked("set", together, "all of its set are in the same state")]),
          ...(allowed.restart ? [checked("restart", restart, "the supervisor can restart the job")] : [])
        ]
        const examined = yield* Effect.forEach(members, (suggestion) =>
          Effect.map(
            changesFile(suggestion) ? examineFile(rules, suggestion, allowed.bigDeletion) : advice(suggestion),
            (one) => ({
              ...one,
              checks: [...common, ...one.checks]
            })
          )
        )
        const sealed = examined.map(({ hash, path, suggestion }) => ({ suggestion, path, before: hash }))
        return {
          examined,
          failed: examined.flatMap(({ checks }) => checks.filter(({ passed }) => !passed)),
          allowed,
          sealFor: (allowed) => sealOf(sealed, allowed)
        }
      })
  }
}

/**
 * What a person is shown of it.
 *
 * @internal
 */
export const show = (id: string, { allowed, examined, failed, sealFor }: Looked): Effect.Effect<Preview> =>
  Effect.map(Effect.forEach(examined, shown), (members) => ({
    id,
    members,
    ...allowed,
    seal: failed.length === 0 ? sealFor(allowed) : null
  }))

/**
 * That the suggestions of a set are not all in the same state, so that nothing can be done with them together.
 *
 * @internal
 */
export const refuseApart = (id: string, members: ReadonlyArray<HealingSuggestion>): SuggestionRefused | undefined => {
  const detail = whyNotTogether(members)
  return detail === undefined ? undefined : new SuggestionRefused({ id, checks: [{ check: "set", detail }] })
}

const checked = (check: CheckName, problem: string | undefined, passed: string): Check => ({
  check,
  passed: problem === undefined,
  detail: problem ?? passed
})

const whyNoRestart = (
  supervisor: Rules["supervisor"],
  [first, ...others]: ReadonlyArray<HealingSuggestion>
): Effect.Effect<string | undefined> => {
  if (first === undefined || ![first, ...others].some(changesFile)) return Effect.succeed("it changes no file")
  if (supervisor.restart === undefined) return Effect.succeed("the supervisor cannot restart jobs")
  return supervisor.jobs.pipe(
    Effect.map((jobs) =>
      jobs.some(({ canRestart, id }) => id === first.job && canRestart === true)
        ? undefined
        : "the job is not always up: it takes the change at its next run"
    ),
    Effect.catchAll(({ detail }) => Effect.succeed(detail))
  )
}

const whyNotTogether = ([first, ...others]: ReadonlyArray<HealingSuggestion>): string | undefined => {
  const other = others.find(({ state }) => state !== first?.state)
  return other && `${other.id} of its set is ${other.state}, and ${first?.id} is ${first?.state}: all of them, or none`
}

/** With what the user's own checks say of its content, if all else is well. */
const examineFile = (rules: Rules, suggestion: HealingSuggestion, allowsBigDeletion: boolean) =>
  Effect.flatMap(lookAtFile(rules, suggestion, allowsBigDeletion), (examined) => {
    const { checks, path } = examined
    if (path === null || !checks.every(({ passed }) => passed)) return Effect.succeed(examined)
    return Effect.map(
      ContentCheck.run(rules.settings, path, suggestion.suggestion.proposedContent ?? ""),
      (problem) => ({
        ...examined,
        checks: [...checks, checked("checks", problem, "no command of suggestions.checks objects to the new content")]
      })
    )
  })

const lookAtFile = (rules: Rules, suggestion: HealingSuggestion, allowsBigDeletion: boolean) => {
  const { creates, fileHash, proposedContent } = suggestion.suggestion
  const otherwise =
    creates === true
      ? "it is there, and the suggestion is to make it"
      : fileHash === null
        ? "the review does not say which file it has seen (fileHash)"
        : "it is not as it was when it was reviewed: have the job reviewed anew"
  // With no hash no file is right, and only a new one may not be there.
  const hash = creates === true ? null : (fileHash ?? "unknown")
  return examine(rules, suggestion, {
    content: proposedContent,
    expected: { hash, otherwise },
    isOriginal: false,
    allowsBigDeletion
  })
}

const advice = (suggestion: HealingSuggestion): Effect.Effect<Examined> =>
  Effect.succeed({ suggestion, checks: [], roles: [], path: null, hash: null, place: undefined, diff: undefined })

const shown = ({ checks, diff, path, place, suggestion }: Examined): Effect.Effect<PreviewedSuggestion> =>
  Effect.map(path === null || place?.file === undefined ? Effect.succeed([]) : Attributes.lossesOf(path), (losses) => ({
    suggestion,
    path,
    // All of it: what is sealed is what is shown. Neither side holds a secret, as the checks have found.
    diff: diff?.text ?? null,
    added: diff?.added ?? 0,
    removed: diff?.removed ?? 0,
    losses,
    checks
  }))

/**
 * Whether the files of all of them are as they propose already.
 *
 * @internal
 */
export const isFoundApplied = ({ examined }: Looked): boolean =>
  // Whether advice was followed stands in no file.
  examined.every(
    ({ hash, suggestion }) =>
      changesFile(suggestion) && hash !== null && hash === hashOf(suggestion.suggestion.proposedContent ?? "")
  )

/**
 * Whether all of it could be looked at: only then it can be told whether something is another than it was.
 *
 * @internal
 */
export const isWhole = ({ examined }: Looked): boolean =>
  examined.every(({ place, suggestion }) => place !== undefined || !changesFile(suggestion))

/**
 * Whether the supervisor did not name the file: it may do so later, if it has not answered.
 *
 * @internal
 */
export const isUnnamed = (checks: ReadonlyArray<{ readonly check: string }>): boolean =>
  checks.some(({ check }) => check === "evidence")

/** @internal */
export const refusal = (id: string, failed: ReadonlyArray<Check>): SuggestionRefused | undefined => {
  const checks = failed.map(({ check, detail }) => ({ check, detail }))
  return Arr.isNonEmptyReadonlyArray(checks) ? new SuggestionRefused({ id, checks }) : undefined
}
