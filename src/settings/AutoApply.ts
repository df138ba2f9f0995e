/**
 * Rules by which suggestions are applied without asking anybody, as people write them.
 *
 * @since 0.1.0
 */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { expecting } from "../internal/Input.js"
import { FileRole } from "../request/FileRole.js"
import { wellFormed } from "../request/HealingRequest.js"
import { SuggestionCategory, SuggestionSeverity } from "../request/Report.js"
import { Glob, MAX_ITEMS, type SettingKind } from "./SettingKind.js"

const listOf = <A extends string, I extends string>(what: string, item: Schema.Schema<A, I>) =>
  expecting(what)(Schema.Array(item).pipe(Schema.minItems(1), Schema.maxItems(MAX_ITEMS)))

const wordsOf = (literals: ReadonlyArray<string>): string => `a list of some of ${literals.join(", ")}`

const name = expecting("a name of 1 to 64 characters")(Schema.NonEmptyString.pipe(Schema.maxLength(64), wellFormed))

const maxChangedLines = expecting("a whole number of 1 or more")(Schema.Int.pipe(Schema.positive()))

const others = {
  jobs: listOf('a list of 1 to 100 globs of names of jobs, such as "digest-*"', Glob),
  paths: listOf('a list of 1 to 100 globs of paths, such as "prompts/**"', Glob),
  roles: listOf(wordsOf(FileRole.literals), FileRole),
  categories: Schema.optionalWith(listOf(wordsOf(SuggestionCategory.literals), SuggestionCategory), { exact: true }),
  severities: Schema.optionalWith(listOf(wordsOf(SuggestionSeverity.literals), SuggestionSeverity), { exact: true })
}

/**
 * What may be applied without asking anybody: what fits all that a rule names, and nothing else.
 *
 * - `name`: by which the rule stands in the audit; 1 to 64 characters, another one for each rule.
 * - `jobs`: globs of the names of jobs.
 * - `paths`: globs of the path of the file without links. One that is not absolute counts from each of `allowedRoots`; one that is must begin in
 *   one of them.
 * - `roles`: what the supervisor may call the file: `script`, `prompt` or `config`.
 * - `maxChangedLines`: how many lines may come and go in all; one that is changed does both.
 * - `categories`, `severities` (any): only those that the review has put there. They narrow a rule, and never carry it.
 *
 * In globs, `*` stands for no slash and no hidden file, and capitals count.
 *
 * @since 0.1.0
 * @category schemas
 */
export const AutoApplyRule = Schema.Struct({ name, maxChangedLines, ...others })

/**
 * @since 0.1.0
 * @category models
 */
export interface AutoApplyRule extends Schema.Schema.Type<typeof AutoApplyRule> {}

const InYaml = Schema.Struct({
  name,
  maxChangedLines: Schema.propertySignature(maxChangedLines).pipe(Schema.fromKey("max_changed_lines")),
  ...others
})

const ruleList = <I>(rule: Schema.Schema<AutoApplyRule, I>) =>
  Schema.Array(rule).pipe(
    Schema.maxItems(MAX_ITEMS, { message: () => "expected at most 100 rules" }),
    Schema.filter((rules) => {
      const names = rules.map(({ name }) => name)
      const twice = names.find((name, index) => names.indexOf(name) !== index)
      return twice === undefined ? undefined : `expected another name for each rule: ${JSON.stringify(twice)} is twice`
    })
  )

/** @internal */
export const inCode: Schema.Schema<ReadonlyArray<AutoApplyRule>> = ruleList(AutoApplyRule)

// A key that is misspelt must not widen a rule.
const options = { onExcessProperty: "error", errors: "first" } as const

/** Which rule is wrong, and what would be right. */
const explain = (error: ParseResult.ParseError): string => {
  const [first] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const [index, ...keys] = first?.path ?? []
  const where = typeof index === "number" ? [`rule ${index + 1}`, ...(keys.length === 0 ? [] : [keys.join(".")])] : []
  return [...where, first?._tag === "Unexpected" ? "is not known" : (first?.message ?? "").replace(/^expected /, "")]
    .join(": ")
    .slice(0, MAX_EXPLAINED)
}

const MAX_EXPLAINED = 300

/**
 * They stand in code or in a file, where people see them together.
 *
 * @internal
 */
export const rules: SettingKind<ReadonlyArray<AutoApplyRule>> = {
  inCode,
  decode: {
    code: Schema.decodeUnknownEither(inCode, options),
    yaml: Schema.decodeUnknownEither(ruleList(InYaml), options),
    environment: undefined
  },
  expected: "a list of rules, each with name, jobs, paths, roles and maxChangedLines",
  expectedInText: "a list of rules, each with name, jobs, paths, roles and max_changed_lines",
  explain,
  fallback: []
}
