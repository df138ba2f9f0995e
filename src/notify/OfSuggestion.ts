/**
 * What is told of a step of a suggestion.
 *
 * @internal
 */
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import type { NoticeKind } from "../settings/HealingConfig.js"
import type { Fact } from "../store/NoticeJournal.js"
import type { Draft } from "./Notice.js"
import { shellWord } from "./ShellWord.js"

interface Said extends Pick<Draft, "severity" | "title" | "todo"> {
  readonly kind: NoticeKind
  readonly isExempt: boolean
}

/** The door of rules that a person has written. */
const RULE = "rule"

const said = ({ door, from, to }: Fact, one: HealingSuggestion): Said | undefined => {
  const { job } = one
  const what = `${one.suggestion.title} (${job})`
  const change = { severity: "low", isExempt: true } as const
  const decision = { severity: "low", isExempt: false } as const
  const rollBack = `If it does not help: effect-healing rollback ${shellWord(one.id)}`
  if (from === to && (to === "pending" || to === "approved"))
    return {
      ...decision,
      kind: "SuggestionExpires",
      title: `A suggestion expires in a day: ${what}`,
      todo: to === "pending" ? "Decide on it, or it is gone then" : "Apply it, or it is gone then"
    }
  if (from === "approved" && to === "pending")
    return {
      ...decision,
      kind: "SuggestionWaits",
      title: `A suggestion waits again: ${what}`,
      todo: "Look at it anew, and decide"
    }
  switch (to) {
    case "applied":
      return door === RULE
        ? {
            ...change,
            severity: "critical",
            kind: "SuggestionApplied",
            title: `A rule has applied a change: ${what}`,
            todo: rollBack
          }
        : { ...change, kind: "SuggestionApplied", title: `A change was applied: ${what}`, todo: rollBack }
    case "failed":
      return {
        ...change,
        kind: "SuggestionFailed",
        title: `A change was not applied, since somebody else edited the file: ${what}`,
        todo: "Look at the file: it holds what they wrote, or cannot be told"
      }
    case "confirmed":
      return {
        ...change,
        kind: "SuggestionConfirmed",
        title: `A change has helped: ${what}`,
        todo: "There is nothing to do"
      }
    case "relapsed":
      return {
        ...change,
        severity: "critical",
        kind: "SuggestionRelapsed",
        title: `A change has not helped: ${what}`,
        todo: `${job} has failed again for the same cause. Take the change back: effect-healing rollback ${shellWord(one.id)}`
      }
    case "inconclusive":
      return {
        ...change,
        kind: "SuggestionInconclusive",
        title: `It cannot be told whether a change helps: ${what}`,
        todo: `Look at ${job} by yourself. ${rollBack}`
      }
    case "rolled_back":
      return {
        ...change,
        kind: "SuggestionRolledBack",
        title: `A change was taken back: ${what}`,
        todo: "There is nothing to do"
      }
    default:
      return undefined
  }
}

/**
 * `undefined` if it is nothing that anybody wants to hear.
 *
 * @internal
 */
export const draftOf = (fact: Fact, one: HealingSuggestion): Draft | undefined => {
  const found = said(fact, one)
  if (found === undefined) return undefined
  // Why it is so now. By the time that it is told, it may be something else already.
  const why = one.state === fact.to && one.reason !== null ? { cause: one.reason } : {}
  return {
    at: fact.at,
    job: one.job,
    suggestion: one.id,
    command: `effect-healing diff ${shellWord(one.id)}`,
    ...(one.suggestion.targetFile !== null && { file: one.suggestion.targetFile }),
    ...(one.signatures[0] !== undefined && { signature: one.signatures[0] }),
    ...why,
    ...found
  }
}
