/**
 * What OpenClaw is to answer, and how its answer is read.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { jsonrepair } from "jsonrepair"
import { MAX_SUGGESTIONS, Report, Suggestion } from "../request/Report.js"
import type { Dossier } from "../review/Dossier.js"
import type { SeenFile } from "../text/Excerpt.js"
import { placeholder } from "../text/Placeholder.js"
import { conceal } from "../text/Secrets.js"
import { answersIn } from "./AnswerObjects.js"
import type { Spent } from "./Envelope.js"

const { creates, currentState, expectedImpact, fileHash, proposedContent, set, targetFile, ...musts } =
  Suggestion.fields

/** Whoever has nothing to say may say nothing. */
const orNull = <A, I>(schema: Schema.Schema<A | null, I>) => Schema.optionalWith(schema, { default: () => null })

const Proposal = Schema.Struct({
  ...musts,
  currentState: orNull(currentState),
  expectedImpact: orNull(expectedImpact),
  targetFile: orNull(targetFile),
  proposedContent: orNull(proposedContent),
  set: orNull(Schema.NullOr(set.from))
})

const Answer = Schema.Struct({
  summary: Report.fields.summary,
  rootCause: orNull(Schema.NullOr(Report.fields.rootCause.from)),
  suggestions: Schema.Array(Proposal).pipe(Schema.maxItems(MAX_SUGGESTIONS))
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

/** What was read of an answer, and what a person should know of how it was read. */
interface ReadAnswer extends Answer {
  readonly remarks?: ReadonlyArray<string>
}

/**
 * Reads the last JSON object in the text that is a report, in whatever prose, fences and drafts it stands. `Left` says what is wrong
 * with it, in words that may be shown to OpenClaw.
 *
 * What has one meaning only is read by it, such as a comma too many or a raw line break in a text. A file that such an answer proposes may
 * lack something, so that nothing is proposed of it.
 *
 * - `files`: those of which a suggestion may propose a new content, by their paths.
 *
 * @internal
 */
export const read = (
  text: string,
  files: ReadonlyMap<string, SeenFile>
): Either.Either<ReadAnswer, ReadonlyArray<string>> => {
  const { cutAt, isRepaired, objects } = answersIn(text)
  const decode = (value: unknown, isRepaired: boolean) =>
    // A field that there is not would be a text that has ended too early.
    Schema.decodeUnknownEither(fitting(files), { errors: "all", onExcessProperty: isRepaired ? "error" : "ignore" })(
      value
    )
  let first: Issues | undefined
  for (const { begin, text } of objects) {
    const parsed = begin < cutAt ? undefined : Option.getOrUndefined(parse(text, isRepaired))
    if (parsed === undefined) continue
    const { text: inner, type } = parsed.value
    // A part of a content, as providers send it.
    if (type === "text" && Predicate.isString(inner)) return read(inner, files)
    const answer = decode(parsed.value, parsed.isRepaired)
    if (Either.isRight(answer))
      return Either.right({ ...answer.right, ...(parsed.isWithout && { remarks: [LEFT_OUT] }) })
    const isMeant = "summary" in parsed.value || "suggestions" in parsed.value
    if (first === undefined || (isMeant && !first.isMeant)) first = { isMeant, texts: issuesOf(answer.left) }
  }
  return Either.left(first?.texts ?? [cutAt < 0 ? NONE : CUT_OFF])
}

/** What is wrong with an object, and whether it is meant as a report. */
interface Issues {
  readonly isMeant: boolean
  readonly texts: ReadonlyArray<string>
}

const issuesOf = ({ issue }: ParseResult.ParseError): ReadonlyArray<string> =>
  ParseResult.ArrayFormatter.formatIssueSync(issue)
    .slice(0, MAX_ISSUES)
    .map(({ message, path }) => `${path.join(".") || "answer"}: ${message}`.replaceAll(/\s+/g, " "))
    .map((text) => text.slice(0, MAX_ISSUE))

/** An object, whether it had to be repaired, and whether the contents of files were left out of it. */
interface Parsed {
  readonly value: Readonly<Record<string, unknown>>
  readonly isRepaired: boolean
  readonly isWithout: boolean
}

const objectOf = Option.liftThrowable((text: string): Parsed["value"] => {
  const found: unknown = JSON.parse(text, (_, value: unknown) => (Predicate.isString(value) ? conceal(value) : value))
  if (!Predicate.isReadonlyRecord(found)) throw new SyntaxError("not an object")
  return found.rootCause === "" ? { ...found, rootCause: null } : found
})

/** A backslash before a sign that needs none goes; before a letter, as in a path of Windows, it stands for itself. */
const escapes = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|\\([^"\\/bfnrtu]|u)/g

/** Signs of control that a text in JSON may not hold as they are. */
const control = /[^\P{Cc}\t\r\n]/gu

const words = (text: string): ReadonlySet<string> => new Set(text.replace(/\\[bfnrt]/g, " ").match(/[\p{L}\p{N}]+/gu))

/** Only if none of its words is lost, but for those of comments: a text may end at a quote within it. */
const repair = Option.liftThrowable((text: string): string => {
  const escaped = text
    .replace(escapes, (found, sign?: string) =>
      sign === undefined ? found : /[A-Za-z\d]/.test(sign) ? `\\\\${sign}` : sign
    )
    .replace(control, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)
  const repaired = jsonrepair(escaped)
  const kept = words(repaired)
  const said = words(text.replace(/\/\*[\s\S]*?\*\/|(?<=[\s,{[]|^)(?:\/\/|#)[^\n]*/g, " "))
  if ([...said].some((word) => !kept.has(word))) throw new SyntaxError("a part of it would be lost")
  return repaired
})

const parse = (text: string, isRepaired: boolean): Option.Option<Parsed> =>
  Option.orElse(
    Option.map(objectOf(text), (value) =>
      isRepaired ? withoutContents(value) : { value, isRepaired, isWithout: false }
    ),
    () => Option.map(Option.flatMap(repair(text), objectOf), withoutContents)
  )

const withoutContents = (value: Parsed["value"]): Parsed => {
  const { suggestions } = value
  if (!Array.isArray(suggestions)) return { value, isRepaired: true, isWithout: false }
  const hasContent = (one: unknown) => Predicate.isRecord(one) && Predicate.isNotNullable(one.proposedContent)
  return {
    value: {
      ...value,
      suggestions: suggestions.map((one: unknown) =>
        Predicate.isRecord(one) && hasContent(one) ? { ...one, proposedContent: null } : one
      )
    },
    isRepaired: true,
    isWithout: suggestions.some(hasContent)
  }
}

const NONE = "there is no complete JSON object in it"

const CUT_OFF = "there is no complete JSON object in it: it was cut off"

const LEFT_OUT =
  "The answer had to be repaired to be read, and a file could have lost something by that: what it proposed as the content of files was left out."

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

/** Of a remark on a part of the evidence, which may name a file. */
const MAX_REMARK = 500

/**
 * The report that an answer makes.
 *
 * @internal
 */
export const toReport = (
  { remarks, rootCause, suggestions, summary }: ReadAnswer,
  { exhibits, files }: Pick<Dossier, "exhibits" | "files">,
  spent: Spent
): Report => ({
  summary,
  ...(rootCause !== null && { rootCause }),
  suggestions: suggestions.map(({ set, ...proposal }) => ({
    ...proposal,
    ...(set !== null && { set }),
    fileHash: proposal.targetFile === null ? null : (files.get(proposal.targetFile)?.hash ?? null)
  })),
  ...(remarks !== undefined && { remarks }),
  evidence: exhibits.map(({ remarks, text, title }) => ({
    title,
    characters: text.length,
    remarks: remarks.map((remark) => remark.slice(0, MAX_REMARK))
  })),
  ...spent
})
