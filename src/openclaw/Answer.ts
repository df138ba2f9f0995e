/**
 * What OpenClaw is to answer, and how its answer is read.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { Report, Suggestion } from "../request/Report.js"
import type { SeenFile } from "../text/Excerpt.js"
import { conceal, placeholder } from "../text/Secrets.js"
import type { Spent } from "./Envelope.js"

const { currentState, expectedImpact, fileHash, proposedContent, targetFile, ...musts } = Suggestion.fields

/** Whoever has nothing to say may say nothing. */
const orNull = <A, I>(schema: Schema.Schema<A | null, I>) => Schema.optionalWith(schema, { default: () => null })

const Proposal = Schema.Struct({
  ...musts,
  currentState: orNull(currentState),
  expectedImpact: orNull(expectedImpact),
  targetFile: orNull(targetFile),
  proposedContent: orNull(proposedContent)
})

const Answer = Schema.Struct({
  summary: Report.fields.summary,
  rootCause: orNull(Schema.NullOr(Report.fields.rootCause.from)),
  suggestions: Schema.Array(Proposal).pipe(Schema.maxItems(20))
})

/** @internal */
export interface Answer extends Schema.Schema.Type<typeof Answer> {}

/**
 * The same as a JSON Schema.
 *
 * @internal
 */
export const jsonSchema: string = JSON.stringify(JSONSchema.make(Answer))

const MAX_ISSUES = 20

const MAX_ISSUE = 200

/**
 * Reads a JSON object that stands in the text alone, in a fence, or in the midst of prose. `Left` says what is wrong with
 * it, in words that may be shown to OpenClaw.
 *
 * - `files`: those of which a suggestion may propose a new content, by their paths.
 *
 * @internal
 */
export const read = (
  text: string,
  files: ReadonlyMap<string, SeenFile>
): Either.Either<Answer, ReadonlyArray<string>> => {
  const found = Arr.findFirst(candidates(text), parse)
  if (Option.isNone(found)) return Either.left(["there is no complete JSON object in it"])
  return Either.mapLeft(
    Schema.decodeUnknownEither(fitting(files), { errors: "all" })(found.value),
    ({ issue }): ReadonlyArray<string> =>
      ParseResult.ArrayFormatter.formatIssueSync(issue)
        .slice(0, MAX_ISSUES)
        .map(({ message, path }) => `${path.join(".") || "answer"}: ${message}`.replaceAll(/\s+/g, " "))
        .map((issue) => issue.slice(0, MAX_ISSUE))
  )
}

/** Where the object may stand, the likeliest first: a fence may well stand within one of its texts. */
const candidates = (text: string): ReadonlyArray<string> => [
  text,
  text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1),
  text.slice(text.indexOf("\n", text.indexOf("```")), text.lastIndexOf("```")),
  ...text.split(/^[ \t]*(?:`{3,}|~{3,}).*$/m, MAX_PARTS),
  ...Arr.take(text.matchAll(/^\{/gm), MAX_PARTS).map(({ index }) => text.slice(index, text.lastIndexOf("}") + 1))
]

/** How many places are tried that may begin the object. */
const MAX_PARTS = 20

const parse = Option.liftThrowable((text: string): unknown => {
  const found: unknown = JSON.parse(text, (_, value: unknown) => (Predicate.isString(value) ? conceal(value) : value))
  if (!Predicate.isReadonlyRecord(found)) throw new SyntaxError("not an object")
  return found
})

const fitting = (files: ReadonlyMap<string, SeenFile>) =>
  Answer.pipe(
    Schema.filter(({ suggestions }) =>
      suggestions.flatMap((proposal, index) => {
        const at = (field: string, message: string) => ({ path: ["suggestions", index, field], message })
        const { proposedContent: content, targetFile: path } = proposal
        const seen = path === null ? undefined : files.get(path)
        return [
          ...(path === null || seen !== undefined ? [] : [at("targetFile", "is none of the files of the evidence")]),
          ...(content === null || seen?.isWhole
            ? []
            : [at("proposedContent", "of a file that was not shown as a whole")]),
          ...(content?.includes(placeholder) ? [at("proposedContent", `holds a secret, or ${placeholder}`)] : []),
          ...(content?.includes("\ufffd") ? [at("proposedContent", "is no valid text")] : [])
        ]
      })
    )
  )

/**
 * The report that an answer makes.
 *
 * @internal
 */
export const toReport = (
  { rootCause, suggestions, summary }: Answer,
  files: ReadonlyMap<string, SeenFile>,
  spent: Spent
): Report => ({
  summary,
  ...(rootCause !== null && { rootCause }),
  suggestions: suggestions.map((proposal) => ({
    ...proposal,
    fileHash: proposal.targetFile === null ? null : (files.get(proposal.targetFile)?.hash ?? null)
  })),
  ...spent
})
