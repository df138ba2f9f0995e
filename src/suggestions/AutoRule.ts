/**
 * Rules for automatic application: whether one is for a suggestion. What a review has written can only narrow a rule (R18).
 *
 * @internal
 */
import { isAbsolute, relative } from "node:path"
import * as Either from "effect/Either"
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import picomatch from "picomatch"
import { realPath } from "../internal/RealPath.js"
import type { FileRole } from "../request/FileRole.js"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import type { AutoApplyRule } from "../settings/HealingConfig.js"
import { changesFile, type Examined } from "./Examining.js"
import { isWithin } from "./OpenFolder.js"

/**
 * What a rule looks at in a suggestion.
 *
 * - `path`: of its file, without links; `null` if that cannot be told.
 * - `roles`: what the supervisor calls the file for its job.
 * - `changedLines`: how many lines come and go; `null` if that cannot be told.
 *
 * @internal
 */
export interface Facts {
  readonly path: string | null
  readonly roles: ReadonlyArray<FileRole>
  readonly changedLines: number | null
}

/** @internal */
export const factsOf = ({ diff, path, roles }: Examined): Facts => ({
  path,
  roles,
  changedLines: diff === undefined ? null : diff.added + diff.removed
})

/**
 * - `whyNotFor`: why it is not for those of a set, by what stands in them.
 * - `whyNot`: why it is not for those of a set, by what there is.
 *
 * @internal
 */
export interface AutoRule {
  readonly name: string
  readonly whyNotFor: (set: ReadonlyArray<HealingSuggestion>) => string | undefined
  readonly whyNot: (set: ReadonlyArray<Facts>) => string | undefined
}

/** @internal */
export const UNKNOWN_LINES = "it cannot be told how many lines change"

/**
 * First come, first served.
 *
 * @internal
 */
export const inOrder = Order.combine(
  Order.mapInput(Order.number, ({ request }: HealingSuggestion) => request),
  Order.mapInput(Order.number, ({ position }: HealingSuggestion) => position)
)

/** A glob that begins with `!` would be for everything else. */
const OPTIONS = { nonegate: true } as const

const isAmong = (all: ReadonlyArray<string> | undefined, one: string): boolean => all === undefined || all.includes(one)

/** Why no rule is for a suggestion. */
const whyNever = (suggestion: HealingSuggestion): string | undefined => {
  if (suggestion.isOld) return "it is of a review from before suggestions could be applied"
  if (!changesFile(suggestion)) return "it changes no file"
  return suggestion.suggestion.creates === true ? "it makes a new file" : undefined
}

/** Matches the paths of files below where a glob begins. */
const matcherOf = (glob: string, roots: ReadonlyArray<string>): ((path: string) => boolean) | undefined => {
  const below = (folder: string, rest: string) => {
    const matches = picomatch(rest, OPTIONS)
    // The folder may have signs in its name that stand for others in a glob.
    return (path: string) => isWithin(folder, path) && path !== folder && matches(relative(folder, path))
  }
  if (!isAbsolute(glob)) {
    const inRoots = roots.map((root) => below(root, glob))
    return (path) => inRoots.some((matches) => matches(path))
  }
  const root = roots.find((root) => isWithin(root, glob) && root !== glob)
  if (root !== undefined) return below(root, glob.slice(root.length + 1))
  // What it begins with may be a link.
  const { base, glob: rest } = picomatch.scan(glob, OPTIONS)
  const folder = realPath(base.replaceAll(/\\(.)/g, "$1"))
  if (!roots.some((root) => isWithin(root, folder))) return undefined
  return rest === "" ? (path) => path === folder : below(folder, rest)
}

const makeRule = (rule: AutoApplyRule, roots: ReadonlyArray<string>): Either.Either<AutoRule, string> => {
  const isJob = picomatch(Array.from(rule.jobs), OPTIONS)
  const whyNotForOne = (suggestion: HealingSuggestion): string | undefined => {
    const { category, severity } = suggestion.suggestion
    const never = whyNever(suggestion)
    if (never !== undefined) return never
    if (!isJob(suggestion.job)) return "it is not for this job"
    if (!isAmong(rule.categories, category)) return `it is not for the category ${category}`
    return isAmong(rule.severities, severity) ? undefined : `it is not for the severity ${severity}`
  }
  const matchers = rule.paths.map((glob) => ({ glob, matches: matcherOf(glob, roots) }))
  const outside = matchers.find(({ matches }) => matches === undefined)
  if (outside !== undefined) {
    return Either.left(`the rule ${JSON.stringify(rule.name)} with the path ${JSON.stringify(outside.glob)}`)
  }
  return Either.right({
    name: rule.name,
    whyNotFor: (set) => set.map(whyNotForOne).find(Predicate.isNotUndefined),
    whyNot: (set) => {
      const outside = set.find(({ path }) => path === null || !matchers.some(({ matches }) => matches?.(path) === true))
      if (outside !== undefined) return `it is not for the file ${outside.path ?? "that cannot be told"}`
      const [other] = set.flatMap(({ roles }) => roles.filter((role) => !rule.roles.includes(role)))
      if (other !== undefined) return `it is not for a ${other}`
      if (set.some(({ roles }) => roles.length === 0)) return "the supervisor does not say what the file is"
      const all = set.reduce((sum, { changedLines }) => sum + (changedLines ?? Number.NaN), 0)
      if (Number.isNaN(all)) return UNKNOWN_LINES
      return all <= rule.maxChangedLines
        ? undefined
        : `${all} lines change, and it is for at most ${rule.maxChangedLines}`
    }
  })
}

/**
 * The first rule that has nothing against a set, and what the others have.
 *
 * @internal
 */
export const firstFor = (
  rules: ReadonlyArray<AutoRule>,
  whyNot: (rule: AutoRule) => string | undefined
): { readonly rule: AutoRule | undefined; readonly reasons: ReadonlyArray<string> } => {
  const judged = rules.map((rule) => ({ rule, why: whyNot(rule) }))
  return {
    rule: judged.find(({ why }) => why === undefined)?.rule,
    reasons: judged.flatMap(({ rule, why }) => (why === undefined ? [] : [`${rule.name}: ${why}`]))
  }
}

/**
 * What is wrong with an absolute path in a rule.
 *
 * @internal
 */
export const EXPECTED = "a path that begins in one of suggestions.allowedRoots"

/**
 * The rules, or which of them has an absolute path that does not begin in one of the roots.
 *
 * - `roots`: the folders that are allowed, without links.
 *
 * @internal
 */
export const make = (
  rules: ReadonlyArray<AutoApplyRule>,
  roots: ReadonlyArray<string>
): Either.Either<ReadonlyArray<AutoRule>, string> => Either.all(rules.map((rule) => makeRule(rule, roots)))
