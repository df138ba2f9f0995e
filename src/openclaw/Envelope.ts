/**
 * What the OpenClaw CLI prints under `--json`, as 2026.9.6 does, and older versions in other forms.
 *
 * @internal
 */
import { stripVTControlCharacters } from "node:util"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Report } from "../request/Report.js"
import { isJson, walk } from "./JsonObjects.js"

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

/** `agent exec`. */
const Exec = Schema.Struct({
  status: Schema.Literal("ok", "error", "timeout"),
  final: Schema.String,
  payloads: Payloads,
  error: Schema.optional(Schema.Unknown),
  ...Bill
})

const Meta = Schema.Struct({
  agentMeta: Schema.optional(Schema.Struct(Bill)),
  error: Schema.optional(Schema.Unknown),
  errorMessage: Schema.optional(Schema.Unknown),
  stopReason: Schema.optional(Schema.Unknown),
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
  error: Schema.optional(Schema.Unknown),
  meta: Schema.optional(Meta),
  result: Schema.optional(Schema.Unknown),
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
      (meta !== undefined && hasFailed(meta)) ||
      (Predicate.isRecord(error) && typeof error.message === "string")
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
    if (!("begin" in met)) return undefined
    const object = text.slice(met.begin, met.end)
    // A brace in a line of a log may seem to begin an object that ends with the envelope.
    if (!isJson(object)) return met.begin + 1
    found.push(object)
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

/** Whether a turn has failed, whatever was printed of it. */
function hasFailed({ error, stopReason }: typeof Meta.Type): boolean {
  return (error !== undefined && error !== null) || stopReason === "error"
}

function ofLocal({ meta, payloads }: typeof Local.Type): Envelope {
  return !hasFailed(meta) && !payloads.some(({ isError }) => isError)
    ? answered(textOf(payloads), meta.agentMeta ?? {})
    : failed(textOf(payloads) || reasonOf(meta) || UNSAID, meta.timeoutPhase !== undefined)
}

function ofFailure({ error, meta, payloads, result, ...others }: Failure): Envelope {
  const { detail, message, reason, status, summary } = others
  const reasons = [error, textOf(payloads ?? []), meta, Predicate.isRecord(result) ? result.meta : result, message]
  const found = [...reasons, summary, reason, detail, status].map((one) => reasonOf(one)).find((one) => one !== "")
  return failed(found ?? UNSAID, /^time/i.test(String(status)) || meta?.timeoutPhase !== undefined)
}

const UNSAID = "it does not say why"

/** Where the reason of an error may stand, the best first. */
const REASONS = ["errorMessage", "message", "error", "cause", "detail", "reason", "kind", "code", "type"]

const MAX_DEPTH = 4

/** What an error says of itself, in whatever form it was printed; nothing if it says nothing. */
const reasonOf = (error: unknown, depth = 0): string => {
  if (typeof error === "string" || typeof error === "number") return String(error)
  if (typeof error !== "object" || error === null || depth > MAX_DEPTH) return ""
  const parts: ReadonlyArray<unknown> = Array.isArray(error) ? error : REASONS.map((key) => Reflect.get(error, key))
  return parts.map((part) => reasonOf(part, depth + 1)).find((reason) => reason !== "") ?? ""
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
