/**
 * One message to a person about something that happened.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { JobName } from "../request/HealingRequest.js"
import { SuggestionSeverity } from "../request/Report.js"
import { NoticeKind } from "../settings/NoticeKind.js"
import { oneLine } from "../text/OneLine.js"
import { conceal } from "../text/Secrets.js"

const line = (maxLength: number) => Schema.String.pipe(Schema.maxLength(maxLength))

/** How long the texts of a notice are at most, in characters. */
const MAX = { title: 200, cause: 400, detail: 300, todo: 400, details: 25 }

/**
 * What a webhook gets as JSON, and a command on its standard input.
 *
 * - `id`: the same at each try, and in each channel: by it a receiver drops doubles.
 * - `at`: when it happened, in milliseconds since 1970.
 * - `severity`: `critical` is a store that fails, a change that has relapsed, and one that a rule has applied; `high` a review that failed for
 *   good. That of a review is that of its worst suggestion. Everything else is `low`.
 * - `job`: which job it is about, if it is about one.
 * - `title`: what happened, in a line of at most 200 characters.
 * - `cause`: the root cause, in a line of at most 400.
 * - `details`: what else is to be known: at most 25 lines of at most 300.
 * - `todo`: what a person can do next.
 * - `command`: the command that shows more.
 * - `file`: the file that it is about.
 * - `costUsd`: what the review has cost, in US dollars, if that is known.
 * - `request`, `suggestion`, `signature`: the ids of what it is about, and the signature of the failure.
 *
 * All texts are on one line, and free of what looks like a secret.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Notice = Schema.Struct({
  id: Schema.NonEmptyString,
  at: Schema.Int,
  kind: NoticeKind,
  severity: SuggestionSeverity,
  job: Schema.NullOr(JobName),
  title: line(MAX.title),
  cause: Schema.NullOr(line(MAX.cause)),
  details: Schema.Array(line(MAX.detail)).pipe(Schema.maxItems(MAX.details)),
  todo: line(MAX.todo),
  command: Schema.NullOr(Schema.String),
  file: Schema.NullOr(Schema.String),
  costUsd: Schema.NullOr(Schema.NonNegative),
  request: Schema.NullOr(Schema.String),
  suggestion: Schema.NullOr(Schema.String),
  signature: Schema.NullOr(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Notice extends Schema.Schema.Type<typeof Notice> {}

/**
 * What is to be told, before it is known whether it is.
 *
 * - `subject`: the same is told once. Without one it is told each time.
 * - `isExempt`: whether it is told however much there is to tell: a change of a file, a digest.
 *
 * @internal
 */
export interface Draft extends Pick<Notice, "at" | "kind" | "severity" | "title" | "todo"> {
  readonly job?: string | undefined
  readonly cause?: string | undefined
  readonly details?: ReadonlyArray<string> | undefined
  readonly command?: string | undefined
  readonly file?: string | undefined
  readonly costUsd?: number | undefined
  readonly request?: string | undefined
  readonly suggestion?: string | undefined
  readonly signature?: string | undefined
  readonly subject?: string | undefined
  readonly isExempt?: boolean | undefined
}

/** The net for secrets sees the text as it is, before it is cut. */
const clean = (text: string, maxLength: number): string => {
  const found = oneLine(conceal(text))
  // A half of a character is left out.
  return found.length > maxLength ? `${found.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, "")}…` : found
}

/**
 * The notice itself, with nothing secret and nothing too long in it.
 *
 * @internal
 */
export const make = (draft: Draft, id: string): Notice => ({
  id,
  at: draft.at,
  kind: draft.kind,
  severity: draft.severity,
  job: draft.job ?? null,
  title: clean(draft.title, MAX.title),
  cause: draft.cause === undefined ? null : clean(draft.cause, MAX.cause),
  details: (draft.details ?? []).slice(0, MAX.details).map((detail) => clean(detail, MAX.detail)),
  todo: clean(draft.todo, MAX.todo),
  command: draft.command === undefined ? null : clean(draft.command, MAX.todo),
  file: draft.file === undefined ? null : clean(draft.file, MAX.todo),
  costUsd: draft.costUsd ?? null,
  request: draft.request ?? null,
  suggestion: draft.suggestion ?? null,
  signature: draft.signature ?? null
})

/** @internal */
export const toJson = Schema.encodeSync(Schema.parseJson(Notice))

/** @internal */
export const fromJson = Schema.decodeUnknownEither(Schema.parseJson(Notice))
