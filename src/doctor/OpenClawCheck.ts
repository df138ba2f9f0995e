/**
 * The OpenClaw CLI: whether it is there, new enough, has a model, and can be restricted.
 *
 * @internal
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { Path } from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as OpenClawCli from "../openclaw/OpenClawCli.js"
import { type Finding, fail, ok, warn } from "./Finding.js"

/** It takes a second or two to tell its version, and some more for each other question. */
const PATIENCE = Duration.seconds(60)

const todoOf: Readonly<Record<string, string>> = {
  OpenClawNotFound: "Install OpenClaw, or name its path: pm2 set effect-healing:openclaw_command /path/to/openclaw",
  OpenClawTooOld: "Install OpenClaw 2026.8.1 or newer",
  OpenClawUnrestricted: "Name the model: pm2 set effect-healing:model anthropic/claude-sonnet-4-5"
}

/** @internal */
export const all = (
  options: OpenClawCli.OpenClawOptions
): Effect.Effect<ReadonlyArray<Finding>, never, CommandExecutor | FileSystem | Path> =>
  OpenClawCli.inspect(options).pipe(
    Effect.map(({ isRestricted, version }) => [
      ok("openclaw", `${version}, by the command ${options.command ?? "openclaw"}`),
      isRestricted
        ? ok("openclaw", "its tools can be taken away, and it has a model")
        : warn("openclaw", "its tools cannot be taken away", "Install OpenClaw 2026.8.1 or newer")
    ]),
    Effect.timeoutFail({
      duration: PATIENCE,
      onTimeout: () => ({ _tag: "Slow", message: `OpenClaw has not answered in ${Duration.format(PATIENCE)}` })
    }),
    Effect.catchAll(({ _tag, message }) =>
      Effect.succeed([fail("openclaw", message, todoOf[_tag] ?? "Try it by hand: openclaw agent exec --help")])
    )
  )
