/**
 * The seal of an approval: it stands for everything that the approval allows, and for nothing else (R19).
 *
 * @internal
 */
import { createHash } from "node:crypto"
import type { HealingSuggestion } from "../request/HealingSuggestion.js"
import type { Suggestion } from "../request/Report.js"
import { hashOf } from "../text/Excerpt.js"
import type { Allowed } from "./Decision.js"

/**
 * What a suggestion would change: the real path of its file, and the hash of that as it is; both are `null` if it changes none, and the hash
 * is as well if the file is to be made.
 *
 * @internal
 */
export interface Sealed {
  readonly suggestion: HealingSuggestion
  readonly path: string | null
  readonly before: string | null
}

/**
 * - `sealed`: the suggestion, and the others of its set, in their order.
 * - `allowed`: what else may be done.
 *
 * @internal
 */
export const sealOf = (sealed: ReadonlyArray<Sealed>, { bigDeletion, restart }: Allowed): string => {
  const all = sealed.map(({ before, path, suggestion }) => {
    const { proposedContent } = suggestion.suggestion
    const after = proposedContent === null ? null : hashOf(proposedContent)
    return [suggestion.id, inOrder(suggestion.suggestion), path, before, after]
  })
  const text = JSON.stringify(["effect-healing", 1, { bigDeletion, restart }, all])
  return `seal:${createHash("sha256").update(text).digest("hex")}`
}

/** A row may give its fields in another order. */
const inOrder = (suggestion: Suggestion) => Object.entries(suggestion).sort(([a], [b]) => (a < b ? -1 : 1))
