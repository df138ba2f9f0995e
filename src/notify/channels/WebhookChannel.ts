/**
 * JSON of a notice by POST, signed as Standard Webhooks says: https://www.standardwebhooks.com
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Webhook } from "standardwebhooks"
import type { Channel } from "../Channel.js"
import * as Notice from "../Notice.js"
import { isTaken, notTaken, post } from "./Posting.js"

/**
 * - `signer`: made of its secret, if it has one.
 *
 * @internal
 */
export const make =
  (url: Redacted.Redacted, signer: Webhook | undefined): Channel["send"] =>
  (notice) =>
    Effect.gen(function* () {
      const now = DateTime.toDateUtc(yield* DateTime.now)
      const body = Notice.toJson(notice)
      const headers = {
        "webhook-id": notice.id,
        "webhook-timestamp": `${Math.floor(now.getTime() / 1000)}`,
        ...(signer !== undefined && { "webhook-signature": signer.sign(notice.id, now, body) })
      }
      const answer = yield* post(url, body, headers)
      if (!isTaken(answer)) return yield* notTaken(answer, [url])
    })
