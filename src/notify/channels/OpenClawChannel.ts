/**
 * A channel of the user's own OpenClaw. Observed on OpenClaw 2026.9.6.
 *
 * The gateway is asked first (`openclaw gateway call send`): it takes a second, and knows by the id of the notice whether it has it already.
 * Channels that need no gateway are reached by `openclaw message send` where none runs.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { NotifyError } from "../../HealingError.js"
import type { Output } from "../../openclaw/ProcessGroup.js"
import type { NotifyChannel } from "../../settings/HealingConfig.js"
import { oneLine } from "../../text/OneLine.js"
import { conceal } from "../../text/Secrets.js"
import type { Channel } from "../Channel.js"
import { withoutMentions } from "../Mentions.js"
import { linesOf, titleOf, within } from "../NoticeText.js"
import { type Programs, run } from "./Programs.js"

/** OpenClaw splits what is longer than 4,000 characters into several messages. */
const MAX_TEXT = 3500

const MAX_SAID = 200

const SURROUNDINGS = { NO_COLOR: "1", CI: "1", OPENCLAW_NO_RESPAWN: "1", OPENCLAW_NO_AUTO_UPDATE: "1" }

/** How long the gateway may take, in milliseconds: it waits for a channel for up to a minute. */
const GATEWAY_TIMEOUT = "70000"

const Answer = Schema.Struct({
  messageId: Schema.optional(Schema.NonEmptyString),
  error: Schema.optional(
    Schema.Struct({
      type: Schema.optional(Schema.String),
      code: Schema.optional(Schema.String),
      message: Schema.String,
      details: Schema.optional(Schema.Struct({ code: Schema.optional(Schema.String) }))
    })
  )
})

const decode = Schema.decodeUnknownOption(Schema.parseJson(Answer))

/** Whatever else stands around it. */
const answerOf = ({ stdout }: Output) =>
  Option.getOrUndefined(decode(stdout.slice(stdout.indexOf("{"), stdout.lastIndexOf("}") + 1)))

/** OpenClaw has it, and goes on trying by itself: sent once more, it would come twice. */
const isHandedOver = (answer: typeof Answer.Type): boolean => answer.error?.details?.code === "OUTBOUND_DELIVERY_QUEUED"

const isTaken = (output: Output, answer: typeof Answer.Type | undefined): boolean =>
  answer !== undefined && ((output.exitCode === 0 && answer.messageId !== undefined) || isHandedOver(answer))

const failed = ({ exitCode }: Output, answer: typeof Answer.Type | undefined): NotifyError => {
  const said = oneLine(conceal(answer?.error?.message ?? "")).slice(0, MAX_SAID)
  return new NotifyError({
    reason: "Failed",
    detail: `OpenClaw does not send it (exit code ${exitCode})${said === "" ? "" : `: ${said}`}`
  })
}

/** Nothing was sent: there is no gateway, or a CLI that does not know of this. Of one that was killed it is not known. */
const lacksGateway = ({ exitCode, stderr }: Output, answer: typeof Answer.Type | undefined): boolean =>
  (answer === undefined && exitCode > 0 && exitCode < 126 && /unknown (?:command|option)/i.test(stderr)) ||
  answer?.error?.type === "cli_error" ||
  (answer?.error?.type === "gateway_transport_error" && /not reachable|ECONNREFUSED/i.test(answer.error.message))

/** @internal */
export const make =
  (
    programs: Programs,
    { account, channel, command, target }: Extract<NotifyChannel, { readonly type: "openclaw" }>
  ): Channel["send"] =>
  (notice) =>
    Effect.gen(function* () {
      const message = withoutMentions(
        within([titleOf(notice), ...linesOf(notice)], MAX_TEXT, (text) => withoutMentions(text).length)
      )
      const params = { channel, to: target, message, idempotencyKey: notice.id, ...(account && { accountId: account }) }
      const call = [
        "gateway",
        "call",
        "send",
        "--json",
        "--timeout",
        GATEWAY_TIMEOUT,
        "--params",
        JSON.stringify(params)
      ]
      const called = yield* run(programs, [command, ...call], "", SURROUNDINGS)
      const ofGateway = answerOf(called)
      if (isTaken(called, ofGateway)) return
      if (!lacksGateway(called, ofGateway)) return yield* failed(called, ofGateway)
      const send = [
        ...["message", "send", "--channel", channel, "--target", target, "--json"],
        ...(account === undefined ? [] : ["--account", account]),
        // It makes a line break of these two signs.
        `--message=${message.replaceAll("\\n", "\\\u2060n")}`
      ]
      const sent = yield* run(programs, [command, ...send], "", SURROUNDINGS)
      const answer = answerOf(sent)
      if (!isTaken(sent, answer)) return yield* failed(sent, answer)
    })
