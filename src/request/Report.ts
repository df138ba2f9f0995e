/**
 * What a review has found, and how it reads.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const text = (maxLength: number, description: string) =>
  Schema.String.pipe(Schema.minLength(1), Schema.maxLength(maxLength, { description }))

const maybe = (maxLength: number, description: string) =>
  Schema.NullOr(Schema.String.pipe(Schema.maxLength(maxLength, { description })))

/**
 * What a suggestion would change: the `prompt` or the `script` of the job, its `config`, its `schedule`, what it depends on
 * (`dependency`), the time, memory or money that it may spend (`resources`), how it deals with failures (`reliability`), or
 * a weakness that others could use (`security`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionCategory = Schema.Literal(
  "prompt",
  "script",
  "config",
  "schedule",
  "dependency",
  "resources",
  "reliability",
  "security"
)

/**
 * @since 0.1.0
 * @category models
 */
export type SuggestionCategory = typeof SuggestionCategory.Type

/**
 * What happens if a suggestion is not followed: `low`, it could be nicer; `medium`, it costs time or money; `high`, the job
 * fails again; `critical`, something is lost or leaks.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SuggestionSeverity = Schema.Literal("low", "medium", "high", "critical")

/**
 * @since 0.1.0
 * @category models
 */
export type SuggestionSeverity = typeof SuggestionSeverity.Type

/**
 * The SHA-256 of a file, as `sha256:` and 64 hexadecimal digits.
 *
 * @since 0.1.0
 * @category schemas
 */
export const FileHash = Schema.String.pipe(Schema.pattern(/^sha256:[0-9a-f]{64}$/))

/**
 * One proposed change.
 *
 * - `title`: of 1 to 200 characters, on one line.
 * - `description`: why; 1 to 4,000 characters.
 * - `currentState`, `change`, `expectedImpact`: what is there now, what to do, and what comes of it; at most 4,000 each.
 * - `targetFile`: the file that would change, if it is one; a path of at most 4,096 characters.
 * - `proposedContent`: all that would stand in it then; at most 65,536 characters.
 * - `fileHash`: of the file as it was when it was reviewed.
 * - `set`: those of one report with the same name here only work together: they are decided on and applied together, all or none; 1 to 64
 *   characters.
 * - `creates` (false): whether `targetFile` is a new file. OpenClaw never proposes one.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Suggestion = Schema.Struct({
  category: SuggestionCategory,
  severity: SuggestionSeverity,
  title: text(200, "").pipe(Schema.pattern(/^.*$/, { description: "What to do, on one line" })),
  description: text(4000, "Why, with what the evidence says of it"),
  currentState: maybe(4000, "What is there now"),
  change: text(4000, "What exactly to change"),
  expectedImpact: maybe(4000, "What comes of it"),
  targetFile: maybe(4096, "The file that would change, by its full path, if it is one"),
  proposedContent: maybe(65_536, "All that would stand in targetFile then, from its first line to its last"),
  fileHash: Schema.NullOr(FileHash),
  set: Schema.optionalWith(text(64, "A name that suggestions share which only work together"), { exact: true }),
  creates: Schema.optionalWith(Schema.Boolean, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Suggestion extends Schema.Schema.Type<typeof Suggestion> {}

/**
 * What was spent on a review, in tokens, as far as it is known.
 *
 * @since 0.1.0
 * @category schemas
 */
export const TokenUsage = Schema.Struct({
  input: Schema.NonNegativeInt,
  output: Schema.NonNegativeInt,
  cacheRead: Schema.NonNegativeInt,
  cacheWrite: Schema.NonNegativeInt,
  total: Schema.NonNegativeInt
})

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenUsage extends Schema.Schema.Type<typeof TokenUsage> {}

/**
 * One part of the evidence that a review has seen.
 *
 * - `title`: what it was, such as `Log stderr`.
 * - `characters`: how much of it was seen.
 * - `remarks`: what of it was left out, or replaced, and why.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SeenEvidence = Schema.Struct({
  title: text(600, "What it was"),
  characters: Schema.NonNegativeInt,
  remarks: Schema.Array(text(500, "What differs from all of it")).pipe(Schema.maxItems(20))
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SeenEvidence extends Schema.Schema.Type<typeof SeenEvidence> {}

/**
 * How many suggestions a report may have.
 *
 * @internal
 */
export const MAX_SUGGESTIONS = 20

/**
 * What a review has found. Only the summary is a must.
 *
 * - `summary`: 1 to 20,000 characters.
 * - `rootCause`: why the job fails, if it is known; 1 to 10,000 characters.
 * - `suggestions`: at most 20.
 * - `remarks`: what is to be known of how it was read; at most 20, of 1 to 500 characters.
 * - `evidence`: what the review has seen of the job, in at most 50 parts.
 * - `model`: which one has answered; at most 256 characters.
 * - `tokens`, `costUsd`: what it has spent, and what that has cost in US dollars.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Report = Schema.Struct({
  summary: text(20_000, "What the evidence shows, for somebody who has not seen it"),
  rootCause: Schema.optionalWith(text(10_000, "Why the job fails, if the evidence shows it"), { exact: true }),
  suggestions: Schema.optionalWith(Schema.Array(Suggestion).pipe(Schema.maxItems(MAX_SUGGESTIONS)), { exact: true }),
  remarks: Schema.optionalWith(
    Schema.Array(text(500, "What is to be known of how it was read")).pipe(Schema.maxItems(20)),
    {
      exact: true
    }
  ),
  evidence: Schema.optionalWith(Schema.Array(SeenEvidence).pipe(Schema.maxItems(50)), { exact: true }),
  model: Schema.optionalWith(text(256, "The model that has answered"), { exact: true }),
  tokens: Schema.optionalWith(TokenUsage, { exact: true }),
  costUsd: Schema.optionalWith(Schema.NonNegative.pipe(Schema.finite()), { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface Report extends Schema.Schema.Type<typeof Report> {}
