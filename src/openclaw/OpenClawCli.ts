/**
 * One question to the OpenClaw CLI, and its answer.
 *
 * @internal
 */
import { resolve } from "node:path"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SynchronizedRef from "effect/SynchronizedRef"
import * as Tuple from "effect/Tuple"
import * as Clocks from "../internal/Clocks.js"
import { fileProblem } from "../internal/FileProblem.js"
import { head } from "../text/Excerpt.js"
import { conceal } from "../text/Secrets.js"
import * as Envelope from "./Envelope.js"
import {
  type EvidenceUnavailable,
  type JobMissing,
  type MalformedReport,
  type OpenClawError,
  OpenClawFailed,
  OpenClawModelUnknown,
  OpenClawNotFound,
  type OpenClawRateLimited,
  OpenClawTimedOut,
  OpenClawTooOld,
  OpenClawUnrestricted
} from "./OpenClawError.js"
import * as ProcessGroup from "./ProcessGroup.js"
import * as RateLimit from "./RateLimit.js"
import { Defaults, reviewConfig } from "./ReviewConfig.js"
import * as ReviewFolder from "./ReviewFolder.js"

/**
 * How the OpenClaw CLI is called.
 *
 * - `command` ("openclaw"): a program on the `PATH`, or the path of one.
 * - `model`, `thinking`: as its options of these names take them; by default what the user's configuration says.
 * - `workingFolder`: an absolute path. With it, OpenClaw may read the files in there by itself, which are not freed of
 *   secrets before. By default it has no tools at all, and starts in an empty folder.
 * - `extraArgs` (none): further options of `agent exec`, such as `--fallback`; those that a review gives itself win.
 * - `allowUnrestricted` (false): whether a review may run although its tools cannot be restricted, by a CLI without
 *   `agent exec` (before 2026.8.1) or by an unknown model, which another program may run. What the evidence tempts it to,
 *   it can do then. An old CLI also keeps a session for each review among the user's.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenClawOptions {
  readonly command?: string | undefined
  readonly model?: string | undefined
  readonly thinking?: string | undefined
  readonly workingFolder?: string | undefined
  readonly extraArgs?: ReadonlyArray<string> | undefined
  readonly allowUnrestricted?: boolean | undefined
}

/** @internal */
export interface Answered {
  readonly text: string
  readonly spent: Envelope.Spent
}

/** @internal */
export type AskError = Exclude<OpenClawError, EvidenceUnavailable | JobMissing | MalformedReport>

type Platform = CommandExecutor | FileSystem | Path

/**
 * In milliseconds of the steady clock.
 *
 * - `end`: when OpenClaw itself is to give up.
 * - `killedAt`: when it is killed at the latest, whatever becomes of this process.
 *
 * @internal
 */
export interface Until {
  readonly end: number
  readonly killedAt: number
}

/** @internal */
export interface OpenClawCli {
  /** Whether it may read the files of its working folder. */
  readonly mayRead: boolean
  /**
   * - `begins`: is run when all is there that it needs, right before it is asked.
   */
  readonly ask: (
    prompt: string,
    until: Until,
    begins?: Effect.Effect<void>
  ) => Effect.Effect<Answered, AskError, Platform>
}

/**
 * - `hidden`: variables that no program is to see.
 *
 * @internal
 */
export interface Called extends OpenClawOptions {
  readonly hidden?: ReadonlyArray<string> | undefined
}

/** @internal */
export const make = (options: Called): Effect.Effect<OpenClawCli> =>
  Effect.map(SynchronizedRef.make(Option.none<Ability>()), (known): OpenClawCli => {
    const abilityOnce = (folder: ReviewFolder.ReviewFolder) =>
      SynchronizedRef.modifyEffect(known, (found) =>
        Effect.map(Option.match(found, { onNone: () => lookUp(options, folder), onSome: Effect.succeed }), (ability) =>
          Tuple.make(ability, Option.some(ability))
        )
      )
    const askIn = Effect.fnUntraced(function* (
      folder: ReviewFolder.ReviewFolder,
      prompt: string,
      { end, killedAt }: Until,
      begins: Effect.Effect<void>
    ) {
      const ability = yield* abilityOnce(folder)
      const turn = ability === "exec" ? yield* execTurn(options, folder) : localTurn(options, folder)
      const file = yield* write(folder, "prompt.md", prompt)
      const now = Clocks.millis(yield* Effect.clock)
      const seconds = secondsUntil(end, now)
      const args = [
        ...turn.args,
        ...["--message-file", file, "--json", "--timeout", `${seconds}`],
        ...(options.model === undefined ? [] : ["--model", options.model]),
        ...(options.thinking === undefined ? [] : ["--thinking", options.thinking])
      ]
      yield* begins
      const { env, hasFallback } = turn
      const watch = untilRateLimited(hasFallback)
      return yield* answerOf(yield* run(options, folder, args, { env, watch, lasts: killedAt - now }))
    })
    // No scope is used: Effect 3.22 loses an interruption that comes while a finalizer of one waits for something.
    const ask = (prompt: string, until: Until, begins: Effect.Effect<void>) =>
      Effect.acquireUseRelease(
        ReviewFolder.create,
        (folder) => askIn(folder, prompt, until, begins),
        ReviewFolder.remove
      )
    return {
      mayRead: options.workingFolder !== undefined,
      ask: (prompt, until, begins = Effect.void) =>
        Effect.catchTags(ask(prompt, until, begins), {
          OutputTooLong: () => failed(null, "it has printed far more than an answer"),
          BadArgument: ({ method }) => failed(null, `${method} has failed`),
          SystemError: (error) => failed(null, `${error.method} has failed: ${fileProblem(error)}`)
        })
    }
  })

/**
 * What a review would find, without asking a model: the version, and whether its tools can be taken away.
 *
 * @internal
 */
export const inspect = (
  options: OpenClawOptions
): Effect.Effect<{ readonly version: string; readonly isRestricted: boolean }, AskError, Platform> => {
  const look = (folder: ReviewFolder.ReviewFolder) =>
    Effect.gen(function* () {
      const { stdout } = yield* run(options, folder, ["--version"])
      const ability = yield* lookUp(options, folder)
      if (ability === "exec") yield* execTurn(options, folder)
      return { version: firstLine(shown(stdout)), isRestricted: ability === "exec" }
    })
  return Effect.catchTags(Effect.acquireUseRelease(ReviewFolder.create, look, ReviewFolder.remove), {
    OutputTooLong: () => failed(null, "it has printed far more than an answer"),
    BadArgument: ({ method }) => failed(null, `${method} has failed`),
    SystemError: (error) => failed(null, `${error.method} has failed: ${fileProblem(error)}`)
  })
}

/** A day is as good as no limit. */
const secondsUntil = (end: number, now: number): number => Math.min(Math.max(1, Math.ceil((end - now) / 1000)), 86_400)

// -----------------------------------------------------------------------------
// What it can do
// -----------------------------------------------------------------------------

/** `exec` is there since 2026.8.1, `local` with a prompt from a file since 2026.6.11. */
type Ability = "exec" | "local"

const lookUp = Effect.fnUntraced(function* (options: Called, folder: ReviewFolder.ReviewFolder) {
  const { exitCode, stderr, stdout } = yield* run(options, folder, ["agent", "exec", "--help"])
  if (exitCode !== 0) return yield* failed(exitCode, "it does not tell what it can do", stderr)
  // One that does not know it answers with the help of `agent`, and with exit code 0 as well.
  if (/^Usage: openclaw agent exec\b/m.test(stdout)) return "exec"
  const isLocal = stdout.includes("--message-file") && stdout.includes("--local")
  if (isLocal && options.allowUnrestricted === true) return "local"
  return yield* new OpenClawTooOld({
    command: commandOf(options),
    missing: isLocal
      ? "cannot restrict the tools of a turn: install 2026.8.1 or newer, or allow it with allowUnrestricted"
      : "cannot take a turn from a file: install 2026.8.1 or newer"
  })
})

interface Turn {
  readonly args: ReadonlyArray<string>
  readonly env: Record<string, string>
  readonly hasFallback: boolean
}

/** Restricted by a configuration of its own, which takes all but the tools from the user's. */
const execTurn = Effect.fnUntraced(function* (options: Called, folder: ReviewFolder.ReviewFolder) {
  const path = yield* Path
  const fileSystem = yield* FileSystem
  const asked = yield* run(options, folder, ["config", "file", "--json"])
  const found = decodeConfigFile(objectIn(asked.stdout))
  if (Option.isNone(found)) {
    return yield* failed(asked.exitCode, "it does not tell where its configuration is", asked.stderr)
  }
  const userConfig = found.value.path
  const hasConfig = yield* fileSystem.exists(userConfig)
  const config = reviewConfig({
    userConfig: hasConfig ? userConfig : undefined,
    defaults: yield* defaultsOf(options, folder),
    model: options.model,
    others: valuesOf(options.extraArgs ?? [], ["--model", "--fallback"]),
    mayRead: options.workingFolder !== undefined
  })
  if (!config.isOpenClawOnly && options.allowUnrestricted !== true) {
    return yield* new OpenClawUnrestricted({
      detail: "name its model as provider/model, by the option model or by agents.defaults.model of its configuration"
    })
  }
  yield* write(folder, "base.json", config.base)
  const file = yield* write(folder, "main.json", config.main)
  // The folder where it really is counts, too: what it includes from there must not lead out of these.
  const places = [userConfig, ...(hasConfig ? [yield* fileSystem.realPath(userConfig)] : [])].map(path.dirname)
  const { OPENCLAW_INCLUDE_ROOTS: roots = "" } = process.env
  const turn: Turn = {
    args: [
      ...["agent", "exec", ...(options.extraArgs ?? [])],
      ...["--config", file, "--cwd", workOf(options, folder), "--code-mode", "direct"]
    ],
    env: { OPENCLAW_INCLUDE_ROOTS: [...(roots === "" ? [] : [roots]), ...places].join(":") },
    hasFallback: config.hasFallback
  }
  return turn
})

/** Whatever else it prints. */
const objectIn = (stdout: string): string => stdout.slice(stdout.indexOf("{"), stdout.lastIndexOf("}") + 1)

/** It is an error to ask for what is not there. */
const defaultsOf = Effect.fnUntraced(function* (options: Called, folder: ReviewFolder.ReviewFolder) {
  const { exitCode, stderr, stdout } = yield* run(options, folder, ["config", "get", "agents.defaults", "--json"])
  if (exitCode !== 0 && /valid but unset/i.test(stdout + stderr)) return Option.none()
  const found = exitCode === 0 ? decodeDefaults(objectIn(stdout)) : Option.none()
  return Option.isSome(found)
    ? found
    : yield* failed(exitCode, "it does not tell its agents.defaults", stderr || stdout)
})

/** What stands behind these flags. */
const valuesOf = (args: ReadonlyArray<string>, flags: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.flatMap((arg, index) => {
    const [flag = "", value] = arg.split("=", 2)
    return flags.includes(flag) ? [value ?? args[index + 1] ?? ""] : []
  })

const decodeConfigFile = Schema.decodeUnknownOption(Schema.parseJson(Schema.Struct({ path: Schema.NonEmptyString })))

const decodeDefaults = Schema.decodeUnknownOption(Schema.parseJson(Defaults))

const localTurn = ({ extraArgs = [] }: OpenClawOptions, { root }: ReviewFolder.ReviewFolder): Turn => ({
  args: ["agent", ...extraArgs, "--local", "--session-id", `effect-healing-${root.slice(-6)}`],
  env: {},
  hasFallback: false
})

// -----------------------------------------------------------------------------
// Running it
// -----------------------------------------------------------------------------

const SURROUNDINGS = {
  NO_COLOR: "1",
  // With it there is one process. Without it there is a second one in a group of its own, which outlives a SIGKILL of the first.
  OPENCLAW_NO_RESPAWN: "1",
  OPENCLAW_NO_AUTO_UPDATE: "1",
  OPENCLAW_CONFIG_READONLY: "1",
  // It would be 34 MB, and gone with the folder.
  NODE_DISABLE_COMPILE_CACHE: "1"
}

/** A path is meant from where this process is, not from the folder in which the program starts. */
const commandOf = ({ command = "openclaw" }: OpenClawOptions): string =>
  command.includes("/") ? resolve(command) : command

const workOf = ({ workingFolder }: OpenClawOptions, { work }: ReviewFolder.ReviewFolder): string =>
  workingFolder ?? work

const run = (
  options: Called,
  folder: ReviewFolder.ReviewFolder,
  args: ReadonlyArray<string>,
  {
    env,
    lasts,
    watch = () => Effect.void
  }: {
    readonly env?: Record<string, string>
    readonly lasts?: number
    readonly watch?: (stderr: string) => Effect.Effect<void, OpenClawRateLimited>
  } = {}
) =>
  ProcessGroup.run(
    {
      command: commandOf(options),
      args,
      env: { ...ProcessGroup.without(options.hidden ?? []), ...SURROUNDINGS, ...env, TMPDIR: folder.tmp },
      cwd: workOf(options, folder),
      lasts
    },
    folder.root,
    watch
  ).pipe(
    Effect.filterOrFail(
      (output) => !ProcessGroup.isMissing(output),
      () => new OpenClawNotFound({ command: commandOf(options) })
    )
  )

/** OpenClaw itself goes on trying for minutes, with memory and requests that jobs could use. */
const untilRateLimited =
  (hasFallback: boolean) =>
  (stderr: string): Effect.Effect<void, OpenClawRateLimited> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => RateLimit.inDiagnostics(stderr, now, hasFallback) ?? Effect.void)

// -----------------------------------------------------------------------------
// What it says
// -----------------------------------------------------------------------------

const answerOf = Effect.fnUntraced(function* ({ exitCode, stderr, stdout }: ProcessGroup.Output) {
  // Older versions print it to their standard error.
  const isSilent = stdout.trim() === "" || exitCode !== 0
  const envelope = Option.getOrUndefined(
    Option.orElse(Envelope.read(stdout), () => (isSilent ? Envelope.read(stderr) : Option.none()))
  )
  if (envelope?._tag === "Failed") {
    const { message } = envelope
    if (envelope.timedOut) return yield* new OpenClawTimedOut({ detail: shown(message) })
    const now = yield* Clock.currentTimeMillis
    const limited = RateLimit.inMessage(message, now)
    if (limited !== undefined) return yield* limited
    if (NO_MODEL.test(message)) return yield* new OpenClawModelUnknown({ detail: firstLine(shown(message)) })
    return yield* failed(exitCode, message, stderr)
  }
  if (exitCode !== 0) return yield* failed(exitCode, "it has printed no answer", stderr)
  // What has no envelope may still be an answer.
  const answered: Answered = envelope ?? { text: stdout, spent: {} }
  return answered
})

/** In the words of OpenClaw 2026.9.6, and of providers. */
const NO_MODEL =
  /\bunknown model\b|model_not_found|selected model was not found|configured model is unavailable|\bmodel:? ["'`]?[\w./:@-]{1,100}["'`]? (?:does not exist|(?:is |was )?not found|is not supported|has been (?:retired|removed))|no such model/i

const firstLine = (text: string): string => text.trim().split("\n", 1)[0] ?? ""

const failed = (exitCode: number | null, detail: string, stderr = ""): OpenClawFailed =>
  new OpenClawFailed({ exitCode, detail: shown(detail), stderr: conceal(stderr).trim().slice(-MAX_STDERR) })

const shown = (detail: string): string => head(detail, MAX_DETAIL).text

const MAX_DETAIL = 500

const MAX_STDERR = 2000

const write = ({ root }: ReviewFolder.ReviewFolder, name: string, content: string) =>
  Effect.gen(function* () {
    const file = (yield* Path).join(root, name)
    yield* (yield* FileSystem).writeFileString(file, content, { mode: 0o600 })
    return file
  })
