/**
 * Telegram's Bot API: https://core.telegram.org/bots/api#sendmessage
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Channel } from "../Channel.js"
import { withoutMentions } from "../Mentions.js"
import { linesOf, titleOf, within } from "../NoticeText.js"
import { inAnswer, isTaken, notTaken, post } from "./Posting.js"

/** A message has 4,096 characters at most. */
const MAX_TEXT = 4000

const API = "https://api.telegram.org"

/** What is wrong with the chat, and not with the message. */
const OF_THE_CHAT = /chat|peer|user|bot|rights|topic|thread/i

/** @internal */
export const make = (token: Redacted.Redacted, chatId: string | number, server = API): Channel["send"] => {
  const url = Redacted.make(`${server}/bot${Redacted.value(token)}/sendMessage`)
  return (notice) =>
    Effect.gen(function* () {
      // Without a parse mode nothing in it is a format.
      const message = {
        chat_id: chatId,
        text: withoutMentions(
          within([titleOf(notice), ...linesOf(notice)], MAX_TEXT, (text) => withoutMentions(text).length)
        ),
        link_preview_options: { is_disabled: true }
      }
      const answer = yield* post(url, JSON.stringify(message))
      if (isTaken(answer)) return
      const said = inAnswer(answer, "description")
      const seconds = inAnswer(answer, "parameters", "retry_after")
      return yield* notTaken(answer, [url, token], {
        ...(typeof said === "string" && { said, isConfig: OF_THE_CHAT.test(said) }),
        ...(typeof seconds === "number" && { retryAfter: seconds * 1000 })
      })
    })
}
