/**
 * Topics of ntfy: https://docs.ntfy.sh/publish/#publish-as-json
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { SuggestionSeverity } from "../../request/Report.js"
import type { Channel } from "../Channel.js"
import { linesOf, titleOf, within } from "../NoticeText.js"
import { inAnswer, isTaken, notTaken, post } from "./Posting.js"

/** A longer message becomes an attachment. In bytes. */
const MAX_MESSAGE = 4000

const PRIORITIES: Readonly<Record<SuggestionSeverity, number>> = { critical: 5, high: 4, medium: 3, low: 3 }

const bytes = (text: string): number => Buffer.byteLength(text)

/** @internal */
export const make = (url: Redacted.Redacted, token: Redacted.Redacted | undefined): Channel["send"] => {
  const address = new URL(Redacted.value(url))
  const topic = address.pathname.split("/").findLast((part) => part !== "") ?? ""
  address.pathname = address.pathname.slice(0, address.pathname.lastIndexOf(topic))
  const server = Redacted.make(address.toString())
  const secrets = [url, ...(token === undefined ? [] : [token])]
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` }
  return (notice) =>
    Effect.gen(function* () {
      const message = {
        topic,
        title: titleOf(notice),
        message: within(linesOf(notice), MAX_MESSAGE, bytes),
        priority: PRIORITIES[notice.severity]
      }
      const answer = yield* post(server, JSON.stringify(message), headers)
      if (isTaken(answer)) return
      const said = inAnswer(answer, "error")
      return yield* notTaken(answer, secrets, { ...(typeof said === "string" && { said }) })
    })
}
