/**
 * The commands by which a person decides on suggestions.
 *
 * @internal
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ApiPreview, HealingClient } from "../http/HealingHttp.js"
import { type HealingSuggestion, SHORT_SEAL, shortSeal } from "../request/HealingSuggestion.js"
import { oneLine } from "../text/OneLine.js"
import * as Asking from "./Asking.js"
import { failed, problemOf, usage } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

const id = Args.text({ name: "id" }).pipe(
  Args.withDescription("The id of a suggestion, such as suggestion:nightly-digest:7.1")
)

const allowances = {
  restart: Options.boolean("restart").pipe(Options.withDescription("That the job is restarted afterwards")),
  bigDeletion: Options.boolean("big-deletion").pipe(
    Options.withDescription("That more than half of the lines of a file go")
  )
}

interface Allowances {
  readonly restart: boolean
  readonly bigDeletion: boolean
}

const deciding = { ...Where.options, ...Asking.options, ...Asking.reason, json: Screen.options.json, id }

// -----------------------------------------------------------------------------
// diff
// -----------------------------------------------------------------------------

const previewOf = ({ api }: HealingClient, id: string, { bigDeletion, restart }: Allowances) =>
  Effect.mapError(api.suggestions.preview({ path: { id }, urlParams: { bigDeletion, restart } }), problemOf)

const colouredDiff = (diff: string) =>
  Effect.forEach(diff.split("\n"), (line) => {
    // What stands in a file is shown as it is, but for what would move the cursor.
    const plain = line.replaceAll(/[^\P{C}\t]/gu, "�")
    if (/^(---|\+\+\+)/.test(line)) return Screen.styled("bold", plain)
    if (line.startsWith("@@")) return Screen.styled("cyan", plain)
    if (line.startsWith("+")) return Screen.styled("green", plain)
    return line.startsWith("-") ? Screen.styled("red", plain) : Effect.succeed(plain)
  })

/** What would be changed, with the checks; answers with the checks that fail. */
const showPreview = (preview: ApiPreview) =>
  Effect.gen(function* () {
    for (const { checks, diff, losses, path, suggestion } of preview.members) {
      yield* Console.log(
        `${oneLine(suggestion.id)} is ${yield* Screen.state(suggestion.state)}: ${oneLine(suggestion.suggestion.title)}`
      )
      if (diff !== null) yield* Console.log((yield* colouredDiff(diff)).join("\n"))
      else yield* Console.log(path === null ? oneLine(suggestion.suggestion.change) : `${path} cannot be shown`)
      for (const loss of losses) yield* Console.log(`The file would lose ${oneLine(loss)}`)
      for (const { check, detail, passed } of checks) {
        const word = yield* passed ? Screen.styled("green", "passed") : Screen.styled("red", "FAILED")
        yield* Console.log(`  ${word}  ${check}: ${oneLine(detail)}`)
      }
    }
  })

const allowed = ({ bigDeletion, restart }: Allowances): string =>
  `${restart ? " --restart" : ""}${bigDeletion ? " --big-deletion" : ""}`

const diff = Command.make("diff", { ...Where.options, ...allowances, json: Screen.options.json, id }, (options) =>
  Effect.gen(function* () {
    const preview = yield* previewOf(yield* Where.client(options), options.id, options)
    if (options.json) return yield* Screen.json(preview)
    yield* showPreview(preview)
    if (preview.seal === null) return yield* Console.log("It cannot be approved as things are.")
    yield* Console.log(
      `To approve exactly this: effect-healing approve ${options.id} --seal ${shortSeal(preview.seal)}${allowed(options)}`
    )
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("What a suggestion would change now, every check, and the seal that an approval needs"))

// -----------------------------------------------------------------------------
// approve, withdraw, reject, apply, rollback
// -----------------------------------------------------------------------------

const said = (suggestion: HealingSuggestion, json: boolean, next?: string) =>
  json
    ? Screen.json(suggestion)
    : Console.log(`${oneLine(suggestion.id)} is ${suggestion.state}${next === undefined ? "" : `. ${next}`}`)

/** A seal of a person stands for what that person has seen. */
const isMeant = (given: string, seal: string): boolean => {
  const typed = given.replace(/^seal:/, "").toLowerCase()
  return typed.length >= SHORT_SEAL && seal.slice("seal:".length).startsWith(typed)
}

const approve = Command.make(
  "approve",
  {
    ...deciding,
    ...allowances,
    seal: Options.text("seal").pipe(
      Options.withDescription("What diff has printed; on a terminal, the diff is shown without it"),
      Options.optional
    )
  },
  (options) =>
    Effect.gen(function* () {
      const { isTerminal } = yield* Screen.Screen
      if (Option.isNone(options.seal) && (options.yes || !isTerminal)) {
        return yield* usage(
          `An approval is of exactly what was seen: take the --seal that this prints: effect-healing diff ${options.id}${allowed(options)}`
        )
      }
      const client = yield* Where.client(options)
      const preview = yield* previewOf(client, options.id, options)
      const { seal } = preview
      if (Option.isNone(options.seal)) yield* showPreview(preview)
      if (seal === null) {
        const checks = preview.members.flatMap(({ checks }) => checks.filter(({ passed }) => !passed))
        const why = checks.map(({ check, detail }) => `${check}: ${oneLine(detail)}`).join("; ")
        return yield* failed(`It cannot be approved as things are, and nothing was done. ${why}`)
      }
      if (Option.isSome(options.seal) && !isMeant(options.seal.value, seal)) {
        return yield* failed(
          `What would be changed is not what that seal stands for, and nothing was done. Look again: effect-healing diff ${options.id}${allowed(options)}`
        )
      }
      yield* Asking.confirm(`Approve exactly this (${shortSeal(seal)})?`, options)
      const payload = { seal, ...Asking.why(options) }
      const approved = yield* Effect.mapError(
        client.api.suggestions.approve({ path: { id: options.id }, payload }),
        problemOf
      )
      yield* said(
        approved,
        options.json,
        approved.state === "approved" ? `To have it written: effect-healing apply ${options.id}` : undefined
      )
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Approves exactly what diff shows"))

type Api = HealingClient["api"]["suggestions"]

/** One of the decisions that need nothing but an id. */
const decide = <Name extends "withdraw" | "reject" | "apply" | "rollback">(
  name: Name,
  about: string,
  question: (id: string) => string,
  next?: (id: string) => string
) =>
  Command.make(name, deciding, (options) =>
    Effect.gen(function* () {
      const { api } = yield* Where.client(options)
      yield* Asking.confirm(question(oneLine(options.id)), options)
      const call: Api["withdraw"] | Api["reject"] | Api["apply"] | Api["rollback"] = api.suggestions[name]
      const decided = yield* Effect.mapError(
        call({ path: { id: options.id }, payload: Asking.why(options) }),
        problemOf
      )
      yield* said(decided, options.json, next?.(options.id))
    }).pipe(Effect.scoped)
  ).pipe(Command.withDescription(about))

const withdraw = decide("withdraw", "Takes an approval back", (id) => `Take the approval of ${id} back?`)

const reject = decide("reject", "Rejects a suggestion", (id) => `Reject ${id}?`)

const apply = decide(
  "apply",
  "Writes what was approved; it waits for the end of a run of the job",
  (id) => `Write what was approved of ${id}?`,
  (id) => `Its job is watched. To take it back: effect-healing rollback ${id}`
)

const rollback = decide("rollback", "Brings the file of a suggestion back to what it was", (id) => `Take ${id} back?`)

// -----------------------------------------------------------------------------
// rehearse, unlock, stop, go-on
// -----------------------------------------------------------------------------

const rehearse = Command.make("rehearse", { ...Where.options, json: Screen.options.json }, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    const all = yield* Effect.mapError(api.suggestions.rehearse({ urlParams: {} }), problemOf)
    if (options.json) return yield* Screen.json(all)
    const rows = all.map(({ outcome, rule, suggestion, why }) => [
      oneLine(suggestion.id),
      outcome,
      rule ?? "-",
      suggestion.state,
      why.map(oneLine).join("; ")
    ])
    yield* Screen.table(["ID", "WOULD BE", "RULE", "IS", "WHY"], rows, "There was no suggestion in the last 30 days")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("What the rules for automatic application would have done in the last 30 days"))

const unlock = Command.make(
  "unlock",
  { ...Where.options, ...Asking.options, ...Asking.reason, job: Args.text({ name: "job" }) },
  (options) =>
    Effect.gen(function* () {
      const { api } = yield* Where.client(options)
      yield* Asking.confirm(`Let rules apply something to ${oneLine(options.job)} again?`, options)
      yield* Effect.mapError(api.jobs.unlock({ path: { job: options.job }, payload: Asking.why(options) }), problemOf)
      yield* Console.log(`Rules may apply something to ${oneLine(options.job)} again`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets rules apply something to a job again, of which something has relapsed"))

const stopping = { ...Where.options, ...Asking.options, ...Asking.reason }

const stop = Command.make("stop", stopping, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    yield* Asking.confirm("Let nothing be applied any more?", options)
    yield* Effect.mapError(api.suggestions.stop({ payload: Asking.why(options) }), problemOf)
    yield* Console.log("Nothing is applied any more. To go on: effect-healing go-on")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets no suggestion be applied any more"))

const goOn = Command.make("go-on", stopping, (options) =>
  Effect.gen(function* () {
    const { api } = yield* Where.client(options)
    yield* Asking.confirm("Let suggestions be applied again?", options)
    yield* Effect.mapError(api.suggestions.resume({ payload: Asking.why(options) }), problemOf)
    const { stopped } = yield* Effect.mapError(api.status.status(), problemOf)
    yield* Console.log(stopped[0]?.message ?? "Suggestions can be applied")
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Lets suggestions be applied again"))

/** @internal */
export const commands = [diff, approve, withdraw, reject, apply, rollback, rehearse, unlock, stop, goOn] as const
