/**
 * Asks a person before something is changed.
 *
 * @internal
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failed, type Problem } from "./Problem.js"
import { Screen } from "./Screen.js"

/**
 * The options of each command that changes something.
 *
 * @internal
 */
export const options = {
  yes: Options.boolean("yes").pipe(
    Options.withAlias("y"),
    Options.withDescription("Do not ask; off a terminal nobody is asked")
  )
}

/**
 * That of a decision.
 *
 * @internal
 */
export const reason = {
  reason: Options.text("reason").pipe(
    Options.withDescription("Why, in at most 1,000 characters; it is kept"),
    Options.optional
  )
}

/** What a body says of a decision. */
export const why = ({ reason }: { readonly reason: Option.Option<string> }): { readonly reason?: string } =>
  Option.match(reason, { onNone: () => ({}), onSome: (reason) => ({ reason }) })

/**
 * Goes on with a yes, or where nobody is to be asked.
 *
 * @internal
 */
export const confirm = (question: string, { yes }: { readonly yes: boolean }): Effect.Effect<void, Problem, Screen> =>
  Effect.gen(function* () {
    const { ask, isTerminal } = yield* Screen
    if (yes || !isTerminal) return
    const answer = yield* ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) return yield* failed("Nothing was done")
  })
