/**
 * E-mail over SMTP.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { NotifyError } from "../../HealingError.js"
import type { Channel } from "../Channel.js"
import { linesOf, titleOf, within } from "../NoticeText.js"

/** In characters. */
const MAX_TEXT = 20_000

/** How long the server may take to be reached, and to answer each time, in milliseconds. */
const TIMEOUT = 15_000

/** The message itself was refused, and not its receiver, its sender, or who logs in. */
const OF_THE_MESSAGE = "EMESSAGE"

/** Its text may name whoever logs in: only its codes are told. */
const toNotifyError = (error: unknown): NotifyError => {
  const code = Predicate.hasProperty(error, "code") && Predicate.isString(error.code) ? error.code : "no code"
  const status =
    Predicate.hasProperty(error, "responseCode") && Predicate.isNumber(error.responseCode) ? error.responseCode : 0
  return new NotifyError({
    reason: code === OF_THE_MESSAGE && status >= 500 ? "Refused" : "Failed",
    detail: `the mail server does not take it (${status === 0 ? code : `${status}, ${code}`})`
  })
}

/** @internal */
export const make =
  (url: Redacted.Redacted, from: string, to: ReadonlyArray<string>): Channel["send"] =>
  (notice) =>
    Effect.acquireUseRelease(
      Effect.promise(() => import("nodemailer")).pipe(
        Effect.flatMap(({ createTransport }) =>
          Effect.try({
            try: () =>
              createTransport({
                url: Redacted.value(url),
                connectionTimeout: TIMEOUT,
                greetingTimeout: TIMEOUT,
                socketTimeout: TIMEOUT,
                disableFileAccess: true,
                disableUrlAccess: true
              }),
            catch: toNotifyError
          })
        )
      ),
      (transport) =>
        Effect.tryPromise({
          try: () =>
            transport.sendMail({
              from,
              to: [...to],
              subject: titleOf(notice),
              text: `${within(linesOf(notice), MAX_TEXT)}\n`,
              // By it a mailbox knows that it has it already.
              messageId: `<${notice.id}@effect-healing>`,
              headers: { "Auto-Submitted": "auto-generated" }
            }),
          catch: toNotifyError
        }),
      (transport) => Effect.sync(() => transport.close())
    ).pipe(Effect.asVoid)
