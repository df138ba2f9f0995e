/**
 * A program that gets JSON of a notice on its standard input.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { NotifyError } from "../../HealingError.js"
import { oneLine } from "../../text/OneLine.js"
import { conceal } from "../../text/Secrets.js"
import type { Channel } from "../Channel.js"
import * as Notice from "../Notice.js"
import { type Programs, run } from "./Programs.js"

const MAX_SAID = 150

/**
 * With it a program says that it will never take this notice, as `EX_DATAERR` of `sysexits.h` does.
 *
 * @internal
 */
export const REFUSED = 65

/** @internal */
export const make =
  (programs: Programs, command: readonly [string, ...ReadonlyArray<string>]): Channel["send"] =>
  (notice) =>
    Effect.flatMap(run(programs, command, Notice.toJson(notice)), ({ exitCode, stderr }) => {
      if (exitCode === 0) return Effect.void
      const said = oneLine(conceal(stderr)).slice(-MAX_SAID)
      return new NotifyError({
        reason: exitCode === REFUSED ? "Refused" : "Failed",
        detail: `the program has ended with ${exitCode}${said === "" ? "" : `: ${said}`}`
      })
    })
