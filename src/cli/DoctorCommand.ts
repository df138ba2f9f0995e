/**
 * The command that looks for what could be wrong.
 *
 * @internal
 */
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Doctor from "../doctor/Doctor.js"
import type { Finding } from "../doctor/Finding.js"
import type { HealingClient } from "../http/HealingHttp.js"
import { oneLine } from "../text/OneLine.js"
import { CODES, Problem, usage } from "./Problem.js"
import * as Screen from "./Screen.js"
import * as Where from "./Where.js"

/** What the service says of itself. */
const runningOf = ({ api }: HealingClient) =>
  Effect.gen(function* () {
    const { problems: unhealthy = [] } = yield* api.status.healthz()
    const problems = yield* Effect.catchTag(api.status.problems(), "NotProvided", () => Effect.succeed([]))
    const trials = yield* api.notices.test({ payload: {} }).pipe(
      // There is no channel.
      Effect.catchTag("HealingInvalid", () => Effect.succeed([])),
      // Those who may not, and an app that tells nobody.
      Effect.orElseSucceed(() => undefined)
    )
    return {
      trials,
      problems,
      unhealthy: unhealthy.map(({ message }) => message)
    }
  })

const STYLES = { ok: "green", warn: "yellow", fail: "red" } as const

const show = (findings: ReadonlyArray<Finding>) =>
  Effect.gen(function* () {
    const width = Math.max(...findings.map(({ check }) => check.length))
    for (const { check, message, outcome, todo } of findings) {
      yield* Console.log(
        `${yield* Screen.styled(STYLES[outcome], outcome.padEnd(4))}  ${check.padEnd(width)}  ${oneLine(message)}`
      )
      if (todo !== null) yield* Console.log(`${" ".repeat(width + 8)}→ ${oneLine(todo)}`)
    }
  })

/** @internal */
export const doctor = Command.make("doctor", { ...Where.options, json: Screen.options.json }, (options) =>
  Effect.gen(function* () {
    const places = yield* Where.places(options)
    const { database, home } = places
    if (database === undefined) return yield* usage("Name the SQLite file as well: --database")
    const client = yield* Effect.orElseSucceed(Where.running(places), () => Option.none())
    const running = yield* Effect.transposeMapOption(client, (client) => Effect.option(runningOf(client)))
    const findings = yield* Doctor.examine({
      database,
      home,
      running: Option.getOrUndefined(Option.flatten(running))
    })
    if (options.json) yield* Screen.json(findings)
    else yield* show(findings)
    const outcomes = findings.map(({ outcome }) => outcome)
    const code = outcomes.includes("fail") ? CODES.usage : outcomes.includes("warn") ? CODES.failed : CODES.done
    if (code !== CODES.done) return yield* new Problem({ code, message: "" })
  }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("What could be wrong with the set-up, and what to do; it ends with 0, 1 (warn) or 2 (fail)")
)
