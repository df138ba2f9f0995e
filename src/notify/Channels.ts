/**
 * Makes the channels of the settings ready, or says what is wrong with one.
 *
 * @internal
 */
import { CommandExecutor } from "@effect/platform/CommandExecutor"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Webhook } from "standardwebhooks"
import { HealingConfigError } from "../HealingError.js"
import type { NotifyChannel } from "../settings/HealingConfig.js"
import { secretVariables } from "../settings/NotifyChannel.js"
import type { Channel } from "./Channel.js"
import { find, findUrl, mustFind, wrong } from "./ChannelSecrets.js"
import * as CommandChannel from "./channels/CommandChannel.js"
import * as DiscordChannel from "./channels/DiscordChannel.js"
import * as EmailChannel from "./channels/EmailChannel.js"
import * as NtfyChannel from "./channels/NtfyChannel.js"
import * as OpenClawChannel from "./channels/OpenClawChannel.js"
import type { Programs } from "./channels/Programs.js"
import * as SlackChannel from "./channels/SlackChannel.js"
import * as TelegramChannel from "./channels/TelegramChannel.js"
import * as WebhookChannel from "./channels/WebhookChannel.js"
import * as Filter from "./Filter.js"
import { Notifier } from "./Notifier.js"

/** The channel of an app. */
const APP = "app"

/** How long one try may take: OpenClaw takes up to a minute itself. */
const PATIENCE = { usual: Duration.seconds(30), openclaw: Duration.minutes(3) }

/** As ntfy takes them: 1 to 64 letters, digits, _ and -. */
const TOPIC = /\/[\w-]{1,64}\/?$/

type Send = Channel["send"]

const signerOf = (name: string, secret: Redacted.Redacted | undefined) =>
  secret === undefined
    ? Effect.sync(() => undefined)
    : Effect.try({
        try: () => {
          // Of these lengths, as Standard Webhooks asks.
          const bytes = Buffer.from(Redacted.value(secret).replace(/^whsec_/, ""), "base64").length
          if (bytes < 24 || bytes > 64) throw new Error()
          return new Webhook(Redacted.value(secret))
        },
        catch: () =>
          wrong(
            name,
            "secret",
            "what is not shown here",
            "a secret of Standard Webhooks: whsec_ and 24 to 64 bytes in base64"
          )
      })

/** What it takes to start programs. */
const programsOf = (name: string, hidden: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const executor = yield* Effect.serviceOption(CommandExecutor)
    if (Option.isNone(executor))
      return yield* wrong(
        name,
        "type",
        "one that starts a program",
        "a CommandExecutor beside it, such as NodeContext.layer"
      )
    const context = Context.make(CommandExecutor, executor.value).pipe(
      Context.add(FileSystem, yield* FileSystem),
      Context.add(Path, yield* Path)
    )
    const programs: Programs = { context, hidden }
    return programs
  })

const sendOf = (
  name: string,
  channel: NotifyChannel,
  hidden: ReadonlyArray<string>,
  app: Send | undefined
): Effect.Effect<Send, HealingConfigError, FileSystem | Path> =>
  Effect.gen(function* () {
    switch (channel.type) {
      case "webhook": {
        const signer = yield* signerOf(name, yield* find(name, channel, "secret"))
        return WebhookChannel.make(yield* findUrl(name, channel), signer)
      }
      case "slack":
        return SlackChannel.make(yield* findUrl(name, channel))
      case "discord":
        return DiscordChannel.make(yield* findUrl(name, channel))
      case "ntfy": {
        const url = yield* findUrl(name, channel)
        if (!TOPIC.test(new URL(Redacted.value(url)).pathname))
          return yield* wrong(
            name,
            "url",
            "what is not shown here",
            "an address that ends with a topic, such as https://ntfy.sh/my-topic"
          )
        return NtfyChannel.make(url, yield* find(name, channel, "token"))
      }
      case "telegram":
        return TelegramChannel.make(yield* mustFind(name, channel, "token"), channel.chatId, channel.server)
      case "email":
        return EmailChannel.make(yield* findUrl(name, channel, ["smtps:", "smtp:"]), channel.from, channel.to)
      case "command": {
        const [command = "", ...args] = channel.command
        return CommandChannel.make(yield* programsOf(name, hidden), [command, ...args])
      }
      case "openclaw":
        return OpenClawChannel.make(yield* programsOf(name, hidden), channel)
      case "app":
        return app ?? (yield* wrong(name, "type", APP, "a Notifier beside it"))
    }
  })

/**
 * All that is wrong is told at once.
 *
 * @internal
 */
export const make = (
  settings: Readonly<Record<string, NotifyChannel>>
): Effect.Effect<ReadonlyArray<Channel>, HealingConfigError, FileSystem | Path> =>
  Effect.gen(function* () {
    const app = Option.getOrUndefined(Option.map(yield* Effect.serviceOption(Notifier), ({ send }) => send))
    const hasApp = Object.values(settings).some(({ type }) => type === APP)
    const taken = settings[APP]
    if (app !== undefined && !hasApp && taken !== undefined)
      return yield* wrong(APP, "type", taken.type, "another name: this one is that of the Notifier of the app")
    const ofApp: typeof settings = app === undefined || hasApp ? {} : { [APP]: { type: APP, severity: "low" } }
    const hidden = secretVariables(settings)
    const one = yield* Effect.makeSemaphore(1)
    const made = yield* Effect.forEach(Object.entries({ ...ofApp, ...settings }), ([name, channel]) =>
      Effect.either(
        Effect.map(sendOf(name, channel, hidden, app), (send): Channel => {
          const isHeavy = channel.type === "openclaw"
          return {
            name,
            type: channel.type,
            takes: Filter.make(channel),
            isHeavy,
            patience: isHeavy ? PATIENCE.openclaw : PATIENCE.usual,
            // The CLI takes half a gigabyte: there is one at a time.
            alone: isHeavy ? one.withPermits(1) : identity,
            send
          }
        })
      )
    )
    const [wrongs, channels] = Arr.separate(made)
    const issues = wrongs.flatMap((error) => error.issues)
    if (Arr.isNonEmptyReadonlyArray(issues)) return yield* new HealingConfigError({ issues })
    return channels
  })
