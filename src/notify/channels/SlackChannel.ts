/**
 * Incoming webhooks of Slack, and of those that understand the same: https://api.slack.com/messaging/webhooks
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Channel } from "../Channel.js"
import { forSlack } from "../Mentions.js"
import { linesOf, titleOf, within } from "../NoticeText.js"
import { codeBlock } from "./CodeBlock.js"
import { isTaken, notTaken, post } from "./Posting.js"

/** Slack cuts off what is longer than 4,000 characters. */
const MAX_TEXT = 4000

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** @internal */
export const make =
  (url: Redacted.Redacted): Channel["send"] =>
  (notice) =>
    Effect.gen(function* () {
      const title = forSlack(titleOf(notice))
      const shown = (text: string) => escaped(codeBlock(text))
      const body = shown(within(linesOf(notice), MAX_TEXT - title.length - 1, (text) => shown(text).length))
      const answer = yield* post(url, JSON.stringify({ text: `${title}\n${body}` }))
      if (!isTaken(answer)) return yield* notTaken(answer, [url])
    })
