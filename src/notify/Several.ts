/**
 * One notice in place of many.
 *
 * @internal
 */
import { randomUUID } from "node:crypto"
import { count } from "../internal/Plural.js"
import * as Filter from "./Filter.js"
import type { Notice } from "./Notice.js"
import * as NoticeDraft from "./Notice.js"

/** Of which the titles are told. */
const MAX_TITLES = 10

const MORE = /^… and (\d+) more$/

/**
 * The one before, if there is one, and one more in it.
 *
 * @internal
 */
export const add = (before: Notice | undefined, notice: Notice, at: number): Notice => {
  const details = before?.details ?? []
  const [, omitted = "0"] = MORE.exec(details.at(-1) ?? "") ?? []
  const titles = Number(omitted) > 0 ? details.slice(0, -1) : details
  const isFull = titles.length >= MAX_TITLES
  const others = Number(omitted) + (isFull ? 1 : 0)
  const all = isFull ? titles : [...titles, notice.title]
  return NoticeDraft.make(
    {
      at,
      kind: "Several",
      severity: before === undefined ? notice.severity : Filter.worse(before.severity, notice.severity),
      title: `${count(all.length + others, "more notice")} within the hour`,
      details: others === 0 ? all : [...all, `… and ${others} more`],
      todo: "Look at what happens: so much at once has one cause more often than many",
      command: "effect-healing notices"
    },
    before?.id ?? randomUUID()
  )
}
