/**
 * Webhooks of Discord: https://discord.com/developers/docs/resources/webhook#execute-webhook
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Channel } from "../Channel.js"
import { forDiscord } from "../Mentions.js"
import { linesOf, titleOf, within } from "../NoticeText.js"
import { codeBlock } from "./CodeBlock.js"
import { inAnswer, isTaken, notTaken, post } from "./Posting.js"

/** A message has 2,000 characters at most. */
const MAX_CONTENT = 2000

/** https://discord.com/developers/docs/resources/message#message-object-message-flags */
const NO_PREVIEWS = 4

/** @internal */
export const make =
  (url: Redacted.Redacted): Channel["send"] =>
  (notice) =>
    Effect.gen(function* () {
      const title = forDiscord(titleOf(notice))
      const body = within(linesOf(notice), MAX_CONTENT - title.length - 1, (text) => codeBlock(text).length)
      const message = {
        content: `${title}\n${codeBlock(body)}`,
        allowed_mentions: { parse: [] },
        flags: NO_PREVIEWS
      }
      const answer = yield* post(url, JSON.stringify(message))
      if (isTaken(answer)) return
      const seconds = inAnswer(answer, "retry_after")
      const said = inAnswer(answer, "message")
      return yield* notTaken(answer, [url], {
        ...(typeof seconds === "number" && { retryAfter: seconds * 1000 }),
        ...(typeof said === "string" && { said })
      })
    })
