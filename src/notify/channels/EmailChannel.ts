/**
 * E-mail over SMTP.
 *
 * @internal
 */
import { connect, type Socket } from "node:net"
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

/** Its sockets are ours, so that none is left when the library still waits for a server that says a little now and then. */
const open = (url: Redacted.Redacted) =>
  Effect.flatMap(
    Effect.promise(() => import("nodemailer")),
    ({ createTransport }) =>
      Effect.try({
        try: () => {
          const sockets = new Set<Socket>()
          const transport = createTransport({
            url: Redacted.value(url),
            connectionTimeout: TIMEOUT,
            greetingTimeout: TIMEOUT,
            socketTimeout: TIMEOUT,
            disableFileAccess: true,
            disableUrlAccess: true,
            getSocket: ({ host, port }, done) => {
              const socket = connect({ host: host ?? "localhost", port: Number(port), timeout: TIMEOUT })
              sockets.add(socket)
              const fail = (error: Error) => done(error, {})
              socket.once("error", fail)
              socket.once("timeout", () => socket.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })))
              socket.once("connect", () => {
                socket.off("error", fail)
                socket.removeAllListeners("timeout")
                socket.setTimeout(0)
                done(null, { connection: socket })
              })
            }
          })
          const close = () => {
            transport.close()
            for (const socket of sockets) socket.destroy()
          }
          return { transport, close }
        },
        catch: toNotifyError
      })
  )

/** @internal */
export const make =
  (url: Redacted.Redacted, from: string, to: ReadonlyArray<string>): Channel["send"] =>
  (notice) =>
    Effect.acquireUseRelease(
      open(url),
      ({ transport }) =>
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
      ({ close }) => Effect.sync(close)
    ).pipe(Effect.asVoid)
