/**
 * What the OpenClaw CLI prints under `--json`, as 2026.9.6 does, and older versions in other forms.
 *
 * @internal
 */
import { stripVTControlCharacters } from "node:util"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Report } from "../request/Report.js"
import { walk } from "./JsonObjects.js"

/** @internal */
export type Spent = Pick<Report, "model" | "tokens" | "costUsd">

/** @internal */
export type Envelope =
  | { readonly _tag: "Answered"; readonly text: string; readonly spent: Spent }
  | { readonly _tag: "Failed"; readonly message: string; readonly timedOut: boolean }

const Count = Schema.optionalWith(Schema.NonNegativeInt, { default: () => 0 })

const Usage = Schema.Struct({ input: Count, output: Count, cacheRead: Count, cacheWrite: Count, total: Count })

const Cost = Schema.NonNegative.pipe(Schema.finite())

const decodeUsage = Schema.decodeUnknownOption(Usage)

const decodeCost = Schema.decodeUnknownOption(Cost)

/** What an answer has cost is not worth losing it for: whatever does not fit is not known. */
const Bill = {
  model: Schema.optional(Schema.Unknown),
  provider: Schema.optional(Schema.Unknown),
  usage: Schema.optional(Schema.Unknown),
  costUsd: Schema.optional(Schema.Unknown)
}

interface Bill extends Schema.Struct.Type<typeof Bill> {}

const Payloads = Schema.Array(
  Schema.Struct({
    text: Schema.optional(Schema.NullOr(Schema.String)),
    isError: Schema.optional(Schema.NullOr(Schema.Boolean))
  })
)

/** Of an error OpenClaw has printed a text, or a record with any of these; for this reason whatever does not fit is left out. */
const ErrorOf = Schema.Union(
  Schema.NonEmptyString,
  Schema.Number,
  Schema.Struct({
    message: Schema.optional(Schema.Unknown),
    kind: Schema.optional(Schema.Unknown),
    code: Schema.optional(Schema.Unknown),
    type: Schema.optional(Schema.Unknown)
  })
)

type ErrorOf = typeof ErrorOf.Type

/** `agent exec`. */
const Exec = Schema.Struct({
  status: Schema.Literal("ok", "error", "timeout"),
  final: Schema.String,
  payloads: Payloads,
  error: Schema.optional(Schema.NullOr(ErrorOf)),
  ...Bill
})

const Meta = Schema.Struct({
  agentMeta: Schema.optional(Schema.Struct(Bill)),
  error: Schema.optional(Schema.NullOr(ErrorOf)),
  timeoutPhase: Schema.optional(Schema.String)
})

/** `agent --local`. */
const Local = Schema.Struct({ payloads: Payloads, meta: Meta })

/** `agent` over a Gateway, and what older versions print in its form. */
const Gateway = Schema.Struct({ status: Schema.Literal("ok"), result: Local })

/** A turn that failed in whatever other form, or a command that took none. */
const Failure = Schema.Struct({
  ok: Schema.optional(Schema.Unknown),
  status: Schema.optional(Schema.Unknown),
  error: Schema.optional(Schema.NullOr(ErrorOf)),
  meta: Schema.optional(Meta),
  payloads: Schema.optional(Payloads),
  summary: Schema.optional(Schema.Unknown),
  message: Schema.optional(Schema.Unknown),
  reason: Schema.optional(Schema.Unknown),
  detail: Schema.optional(Schema.Unknown),
  level: Schema.optional(Schema.Undefined)
}).pipe(
  Schema.filter(
    ({ error, meta, ok, status }) =>
      ok === false ||
      (typeof status === "string" && FAILED.test(status)) ||
      (meta?.error !== undefined && meta.error !== null) ||
      (typeof error === "object" && typeof error?.message === "string")
  )
)

type Failure = typeof Failure.Type

const FAILED = /^(?:error|failed|failure|timeout|timed_out|aborted|cancelled)$/i

/** The surest first: a line of a log in JSON may look like a failure. */
const decoders: ReadonlyArray<(json: string) => Option.Option<Envelope>> = [
  decoder(Exec, ofExec),
  decoder(Local, ofLocal),
  decoder(Gateway, ({ result }) => ofLocal(result)),
  decoder(Failure, ofFailure)
]

function decoder<A, I>(schema: Schema.Schema<A, I>, of: (found: A) => Envelope) {
  const decode = Schema.decodeUnknownOption(Schema.parseJson(schema))
  return (json: string) => Option.map(decode(json), of)
}

/**
 * The envelope, if there is one, among whatever else was printed; the last one, if there are several.
 *
 * @internal
 */
export const read = (output: string): Option.Option<Envelope> => {
  const objects = objectsIn(stripVTControlCharacters(output))
  return Option.firstSomeOf(decoders.map((decode) => Arr.findFirst(objects, decode)))
}

/** The last one first. */
const objectsIn = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  walk(text, true, NOTHING, (met) => {
    if ("begin" in met) found.push(text.slice(met.begin, met.end))
    return undefined
  })
  return found.slice(-MAX_OBJECTS).reverse()
}

/** What nothing matches. */
const NOTHING = /(?!)/g

/** How many lines of a log in JSON may stand behind an envelope. */
const MAX_OBJECTS = 5000

function ofExec(exec: typeof Exec.Type): Envelope {
  return exec.status === "ok"
    ? answered(exec.final || textOf(exec.payloads), exec)
    : failed(reasonOf(exec.error) || textOf(exec.payloads) || UNSAID, exec.status === "timeout")
}

function ofLocal({ meta, payloads }: typeof Local.Type): Envelope {
  const hasError = meta.error !== undefined && meta.error !== null
  return !hasError && !payloads.some(({ isError }) => isError)
    ? answered(textOf(payloads), meta.agentMeta ?? {})
    : failed(textOf(payloads) || reasonOf(meta.error) || UNSAID, meta.timeoutPhase !== undefined)
}

function ofFailure({ error, meta, payloads, ...others }: Failure): Envelope {
  const said = [others.summary, others.message, others.reason, others.detail, others.status]
  const reasons = [reasonOf(error), textOf(payloads ?? []), reasonOf(meta?.error), ...said]
  const reason = reasons.find((one): one is string => typeof one === "string" && one !== "") ?? UNSAID
  return failed(reason, /^time/i.test(String(others.status)) || meta?.timeoutPhase !== undefined)
}

const UNSAID = "it does not say why"

const reasonOf = (error: ErrorOf | null | undefined): string => {
  if (typeof error !== "object" || error === null) return String(error ?? "")
  const parts = [error.message, error.kind, error.code, error.type]
  return String(parts.find((part) => (typeof part === "string" && part !== "") || typeof part === "number") ?? "")
}

const textOf = (payloads: typeof Payloads.Type): string => payloads.map(({ text }) => text ?? "").join("\n")

const failed = (message: string, timedOut: boolean): Envelope => ({ _tag: "Failed", message, timedOut })

const answered = (text: string, bill: Bill): Envelope => ({ _tag: "Answered", text, spent: spentOf(bill) })

const spentOf = ({ costUsd, model, provider, usage }: Bill): Spent => {
  const name = [provider, model].filter((part) => typeof part === "string" && part !== "").join("/")
  return {
    ...(name !== "" && { model: name.slice(0, 256) }),
    ...Option.match(decodeUsage(usage), { onNone: () => ({}), onSome: (tokens) => ({ tokens }) }),
    ...Option.match(decodeCost(costUsd), { onNone: () => ({}), onSome: (costUsd) => ({ costUsd }) })
  }
}

/**
 * What both have cost.
 *
 * @internal
 */
export const add = (one: Spent, other: Spent): Spent => ({
  ...one,
  ...other,
  ...(one.tokens !== undefined && other.tokens !== undefined && { tokens: sum(one.tokens, other.tokens) }),
  ...(one.costUsd !== undefined && other.costUsd !== undefined && { costUsd: one.costUsd + other.costUsd })
})

const sum = (one: typeof Usage.Type, other: typeof Usage.Type): typeof Usage.Type => ({
  input: one.input + other.input,
  output: one.output + other.output,
  cacheRead: one.cacheRead + other.cacheRead,
  cacheWrite: one.cacheWrite + other.cacheWrite,
  total: one.total + other.total
})
