/**
 * Tells systemd how the service is, by its own `systemd-notify`: https://man7.org/linux/man-pages/man3/sd_notify.3.html.
 *
 * @internal
 */
import * as Command from "@effect/platform/Command"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { HealingService } from "./gate/HealingService.js"
import * as SafeLog from "./internal/SafeLog.js"
import { without } from "./openclaw/ProcessGroup.js"
import * as HealingHealth from "./queue/HealingHealth.js"
import type { OpenClaw } from "./running/OpenClaw.js"
import { secretVariables } from "./settings/NotifyChannel.js"

/** How long `systemd-notify` may take. */
const TIMEOUT = Duration.seconds(5)

/** Whether systemd has heard it. */
const notify = (...words: ReadonlyArray<string>): Effect.Effect<boolean, never, CommandExecutor | HealingService> =>
  HealingService.pipe(
    Effect.flatMap(({ status }) => status.get),
    Effect.flatMap(({ settings }) => {
      const command = Command.make("systemd-notify", `--pid=${process.pid}`, ...words)
      // It has no use for the addresses of channels.
      return Command.exitCode(Command.env(command, without(secretVariables(settings.notify.channels))))
    }),
    Effect.disconnect,
    Effect.timeoutOption(TIMEOUT),
    Effect.map(Option.contains(0)),
    Effect.orElseSucceed(() => false)
  )

const statusOf = ({ problems }: HealingHealth.HealingHealth): string =>
  problems.length === 0 ? "all is well" : problems.map(({ message }) => message.replaceAll(/\s+/g, " ")).join("; ")

/** Where systemd wants no watchdog, the status is told each minute. */
const EVERY = Duration.minutes(1)

/** As systemd asks: it ends a service of which it has heard nothing for so long. */
const intervalOf = (watchdogMicros: Option.Option<number>): Duration.Duration =>
  Option.match(watchdogMicros, { onNone: () => EVERY, onSome: (micros) => Duration.micros(BigInt(micros) / 2n) })

/** Where a restart would help, it does not say that it lives, so that systemd starts it anew. */
const tell = (isWatched: boolean) =>
  Effect.flatMap(HealingHealth.read, (health) =>
    notify(
      `--status=${statusOf(health)}`,
      ...(isWatched && !health.problems.some(({ restartHelps }) => restartHelps) ? ["WATCHDOG=1"] : [])
    )
  )

/** @internal */
export const layer: Layer.Layer<never, never, HealingService | OpenClaw | CommandExecutor> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const socket = yield* Effect.orElseSucceed(Config.option(Config.string("NOTIFY_SOCKET")), Option.none)
    if (Option.isNone(socket)) return
    const watchdog = yield* Effect.orElseSucceed(Config.option(Config.integer("WATCHDOG_USEC")), () => Option.none())
    if (!(yield* notify("--ready"))) {
      yield* SafeLog.warn(
        "systemd has started this process, and systemd-notify cannot tell it anything: the unit needs NotifyAccess=all"
      )
    }
    yield* Effect.addFinalizer(() => notify("--stopping"))
    yield* tell(Option.isSome(watchdog)).pipe(
      Effect.zipRight(Effect.sleep(intervalOf(watchdog))),
      Effect.forever,
      Effect.forkScoped
    )
  })
)
