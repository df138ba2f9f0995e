/**
 * What the OpenClaw CLI prints on its standard output under `--json`, as 2026.9.6 does.
 *
 * @internal
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Report } from "../request/Report.js"

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
  error: Schema.optional(Schema.Struct({ message: Schema.String })),
  ...Bill
})

/** `agent --local`. */
const Local = Schema.Struct({
  payloads: Payloads,
  meta: Schema.Struct({
    agentMeta: Schema.optional(Schema.Struct(Bill)),
    error: Schema.optional(Schema.Struct({ kind: Schema.String })),
    timeoutPhase: Schema.optional(Schema.String)
  })
})

/** What both print when there was no turn. With a literal it would be tried first, and take the failures of `Exec`. */
const CliError = Schema.Struct({ ok: Schema.Boolean, error: Schema.Struct({ message: Schema.String }) })

const decodeJson = Schema.decodeUnknownOption(Schema.parseJson(Schema.Union(Exec, Local, CliError)))

/**
 * The envelope, if there is one, between whatever else was printed.
 *
 * @internal
 */
export const read = (stdout: string): Option.Option<Envelope> =>
  Option.map(
    Arr.findFirst(candidates(stdout), (json) => decodeJson(json)),
    (found) => {
      if ("final" in found) return ofExec(found)
      return "payloads" in found ? ofLocal(found) : failed(found.error.message, false)
    }
  )

const candidates = (stdout: string): ReadonlyArray<string> => {
  const end = stdout.lastIndexOf("}") + 1
  const begins = Arr.take(stdout.matchAll(/^\{/gm), MAX_BEGINS)
  return [stdout, ...begins.map(({ index }) => stdout.slice(index, end))]
}

/** How many places are tried that may begin an envelope. */
const MAX_BEGINS = 20

const ofExec = (exec: typeof Exec.Type): Envelope =>
  exec.status === "ok"
    ? answered(exec.final || textOf(exec.payloads), exec)
    : failed(exec.error?.message ?? textOf(exec.payloads), exec.status === "timeout")

const ofLocal = ({ meta, payloads }: typeof Local.Type): Envelope =>
  meta.error === undefined && !payloads.some(({ isError }) => isError)
    ? answered(textOf(payloads), meta.agentMeta ?? {})
    : failed(textOf(payloads) || (meta.error?.kind ?? ""), meta.timeoutPhase !== undefined)

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
