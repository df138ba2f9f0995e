/**
 * What `pm2 trigger` does with suggestions. PM2 passes one argument, so an id and what belongs to it stand in one text.
 *
 * @internal
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { count } from "../internal/Plural.js"
import { userName } from "../internal/UserName.js"
import type { Allowances } from "../suggestions/Decision.js"
import type { Preview, PreviewedSuggestion } from "../suggestions/Preview.js"
import type { SuggestionEvent } from "../suggestions/SuggestionEvent.js"
import { Suggestions } from "../suggestions/Suggestions.js"
import { oneLine } from "../text/OneLine.js"
import { type Action, answered } from "./Actions.js"

/** Those that have a line each. */
const MAX_LISTED = 20

const TRIGGER = "pm2 trigger effect-healing"

/** PM2 does not tell who calls: it is whoever may speak to this user's PM2. */
const who = Effect.map(userName, (who) => ({ who, door: "PM2 action" }))

/** A word of a shell, whatever stands in it: a job may have any name. PM2 shows single quotes as they are. */
const word = (text: string): string => (/^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const hint = (action: string, argument: string): string => `${TRIGGER} ${action} ${word(argument)}`

/** What an AI has written, which is not to look like words of ours. */
const quoted = (text: string): string => JSON.stringify(oneLine(text).slice(0, MAX_QUOTED))

/** Of what an AI has written, in characters: its patch and its report have all of it. */
const MAX_QUOTED = 120

/** The id of the argument, and what stands behind it. */
const withId = <E extends { readonly message: string }, R>(
  example: string,
  run: (id: string, rest: string) => Effect.Effect<string, E, R>
): Action<R>["run"] => {
  return (argument) => {
    const [, id, rest = ""] = /^(suggestion:.*?:\d+\.\d+)(?:\s+(.*))?$/s.exec(argument?.trim() ?? "") ?? []
    return id === undefined
      ? Effect.succeed(`name a suggestion, as in: ${TRIGGER} ${example}`)
      : answered(run(id, rest.trim()))
  }
}

const list = Effect.gen(function* () {
  const suggestions = yield* Suggestions
  const states = ["pending", "approved", "applying", "applied", "relapsed", "failed"] as const
  const found = yield* suggestions.list({ states, limit: MAX_LISTED })
  const stopped = (yield* suggestions.stopped).map(({ message }) => message)
  const locked = yield* lockedLines
  const lines = found.map(({ id, state, suggestion }) => `${id} is ${state}: ${quoted(suggestion.title)}`)
  return [...(lines.length === 0 ? ["there is no suggestion to decide on"] : lines), ...stopped, ...locked].join("; ")
})

/**
 * A line for each job to which rules apply nothing any more.
 *
 * @internal
 */
export const lockedLines = Effect.gen(function* () {
  const locks = yield* (yield* Suggestions).locks
  const newest = Arr.dedupeWith(locks, (one, other) => one.job === other.job).slice(0, MAX_LISTED)
  return newest.map(
    ({ job, rule, suggestion }) =>
      `rules apply nothing to ${job}, since ${suggestion} has relapsed, by the rule ${rule}; to go on: ${hint("unlock", job)}`
  )
})

/** What the rules of the settings would have done, in short: they can stand there while applications are stopped. */
const rehearse = Effect.gen(function* () {
  const all = yield* (yield* Suggestions).rehearse()
  const applied = all.filter(({ outcome }) => outcome === "applied")
  const lines = applied
    .slice(-MAX_LISTED)
    .map(({ rule, suggestion: { id, state } }) => `${id} would have been applied by ${rule}, and is ${state}`)
  const unknown = all.filter(({ outcome }) => outcome === "unknown").length
  return [
    `in the last 30 days, rules would have applied ${applied.length} of ${count(all.length, "suggestion")}`,
    ...(unknown === 0 ? [] : [`of ${unknown} it cannot be told any more`]),
    ...lines
  ].join("; ")
})

/** What may stand behind the id of a preview. */
const ALLOWANCES: Readonly<Record<string, keyof Allowances>> = { big_deletion: "bigDeletion", restart: "restart" }

/** The diff stands in a file, which `git apply` takes as well. */
const preview = (folder: string) => (id: string, rest: string) =>
  Effect.gen(function* () {
    const words = rest.split(/\s+/).filter((word) => word !== "")
    const unknown = words.find((word) => !Object.hasOwn(ALLOWANCES, word))
    if (unknown !== undefined) return `${unknown} is not known: behind the id may stand big_deletion and restart`
    const allowances = Object.fromEntries(words.flatMap((word) => (ALLOWANCES[word] ? [[ALLOWANCES[word], true]] : [])))
    const found = yield* (yield* Suggestions).preview(id, allowances)
    const members = yield* Effect.forEach(found.members, (member) => describe(folder, member))
    // First of all what a person is to type, which is not to be cut off.
    return [...next(found), ...members].join("; ")
  })

const describe = (folder: string, { added, checks, diff, losses, path, removed, suggestion }: PreviewedSuggestion) =>
  Effect.gen(function* () {
    const { id, state } = suggestion
    const failed = checks.filter(({ passed }) => !passed).map(({ check, detail }) => `${check} fails: ${detail}`)
    const file = diff === null ? undefined : yield* writePatch(folder, id, diff)
    return [
      `${id} is ${state}`,
      ...failed,
      ...(file === undefined ? [] : [`it changes ${path} (${added} lines more, ${removed} less), see ${file}`]),
      ...losses.map((loss) => `the file would lose ${loss}`),
      `it says: ${quoted(suggestion.suggestion.title)}`,
      ...(diff === null && suggestion.suggestion.targetFile === null ? [quoted(suggestion.suggestion.change)] : [])
    ].join("; ")
  })

const next = ({ id, members, seal }: Preview): ReadonlyArray<string> =>
  seal !== null && members.every(({ suggestion }) => suggestion.state === "pending")
    ? [`to approve exactly this: ${hint("approve", `${id} ${seal}`)}`]
    : []

/** How long a patch is kept: it is made anew by each preview. */
const KEPT = Duration.toMillis("14 days")

const prune = (folder: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const path = yield* Path
    const oldest = (yield* Clock.currentTimeMillis) - KEPT
    for (const name of yield* fs.readDirectory(folder)) {
      const file = path.join(folder, name)
      const { mtime } = yield* fs.stat(file)
      if (name.endsWith(".patch") && Option.exists(mtime, (at) => at.getTime() < oldest)) yield* fs.remove(file)
    }
  })

const writePatch = (folder: string, id: string, diff: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem
    const path = yield* Path
    yield* fs.makeDirectory(folder, { recursive: true, mode: 0o700 })
    yield* Effect.ignore(prune(folder))
    // A job may have any name, also one of a file elsewhere.
    const name = id.replaceAll(/[^\w.-]/g, "_").slice(-100)
    const file = path.join(folder, `${name}.patch`)
    yield* fs.remove(file, { force: true })
    yield* fs.writeFileString(file, diff, { mode: 0o600 })
    return file
  })

/**
 * - `folder`: where the diffs are put.
 *
 * @internal
 */
export const make = (folder: string): Readonly<Record<string, Action<Suggestions | FileSystem | Path>>> => ({
  suggestions: { about: "what reviews propose, and what becomes of it", run: () => answered(list) },
  preview: {
    about: 'what a suggestion would change: preview <id>, or preview "<id> restart"',
    run: withId("preview suggestion:api:1.1", preview(folder))
  },
  approve: {
    about: 'approves exactly what a preview has shown: approve "<id> <seal>"',
    run: withId('approve "suggestion:api:1.1 seal:..."', (id, seal) =>
      Effect.gen(function* () {
        const { state } = yield* (yield* Suggestions).approve(id, { ...(yield* who), seal })
        return state === "approved" ? `${id} is approved; to apply it: ${hint("apply", id)}` : `${id} is ${state}`
      })
    )
  },
  reject: {
    about: 'does not want a suggestion: reject "<id> <why>"',
    run: withId('reject "suggestion:api:1.1 not now"', (id, reason) =>
      Effect.gen(function* () {
        yield* (yield* Suggestions).reject(id, { ...(yield* who), ...(reason !== "" && { reason }) })
        return `${id} is rejected`
      })
    )
  },
  apply: {
    about: "writes what was approved: apply <id>",
    run: withId("apply suggestion:api:1.1", (id) =>
      Effect.gen(function* () {
        const { state } = yield* (yield* Suggestions).apply(id, yield* who)
        return `${id} is ${state}; to take it back: ${hint("rollback", id)}`
      })
    )
  },
  rollback: {
    about: "brings a file back to what it was: rollback <id>",
    run: withId("rollback suggestion:api:1.1", (id) =>
      Effect.gen(function* () {
        yield* (yield* Suggestions).rollback(id, yield* who)
        return `${id} is rolled back`
      })
    )
  },
  rehearse: {
    about: "what the rules of suggestions.auto_apply would have done in the last 30 days",
    run: () => answered(rehearse)
  },
  unlock: {
    about: "lets rules apply something to a job again: unlock <job>",
    run: (argument) =>
      answered(
        Effect.gen(function* () {
          const job = argument?.trim() ?? ""
          yield* (yield* Suggestions).unlock(job, yield* who)
          return `rules may apply something to ${job} again`
        })
      )
  },
  stop: {
    about: "lets nothing be applied",
    run: () =>
      answered(
        Effect.gen(function* () {
          yield* (yield* Suggestions).stop(yield* who)
          return `nothing is applied any more; to go on: ${TRIGGER} go_on`
        })
      )
  },
  go_on: {
    about: "lets suggestions be applied again",
    run: () =>
      answered(
        Effect.gen(function* () {
          const suggestions = yield* Suggestions
          yield* suggestions.resume(yield* who)
          const [first] = yield* suggestions.stopped
          return first?.message ?? "suggestions can be applied"
        })
      )
  }
})

/**
 * The line for an event, if it is not told of by a warning already.
 *
 * @internal
 */
export const lineOf = ({ _tag, suggestion }: SuggestionEvent): string | undefined => {
  const { id, job, reason, state, suggestion: proposed } = suggestion
  switch (_tag) {
    case "ExpiresSoon":
    case "Relapsed":
    case "Inconclusive":
    case "Applying":
      return undefined
    case "Proposed":
      return oneLine(`${job}: a suggestion, to look at with ${hint("preview", id)}; it says: ${quoted(proposed.title)}`)
    default:
      return oneLine(`${job}: the suggestion ${id} is ${state}${reason === null ? "" : `: ${reason}`}`)
  }
}
