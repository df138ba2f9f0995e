/**
 * One question to the OpenClaw CLI, and its answer.
 *
 * @internal
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import { FileSystem } from "@effect/platform/FileSystem"
import { Path } from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SynchronizedRef from "effect/SynchronizedRef"
import * as Tuple from "effect/Tuple"
import { head } from "../Excerpt.js"
import { conceal } from "../Secrets.js"
import * as Envelope from "./Envelope.js"
import {
  OpenClawFailed,
  OpenClawNotFound,
  type OpenClawRateLimited,
  OpenClawTimedOut,
  OpenClawTooOld
} from "./OpenClawError.js"
import * as ProcessGroup from "./ProcessGroup.js"
import * as RateLimit from "./RateLimit.js"
import { Defaults, reviewConfig } from "./ReviewConfig.js"

/**
 * How the OpenClaw CLI is called.
 *
 * - `command` ("openclaw"): a program on the `PATH`, or the path of one.
 * - `model`, `thinking`: as its options of these names take them; by default what the user's configuration says.
 * - `workingFolder`: an absolute path. With it, OpenClaw may read the files in there by itself, which are not freed of
 *   secrets before. By default it has no tools at all, and starts in an empty folder.
 * - `extraArgs` (none): further options of `agent exec`, such as `--fallback`; those that a review gives itself win.
 * - `allowUnrestricted` (false): whether a CLI without `agent exec` (before 2026.8.1) may be used. The tools of such a one
 *   cannot be restricted: what the evidence tempts it to, it can do.
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
export type AskError = OpenClawNotFound | OpenClawTooOld | OpenClawFailed | OpenClawTimedOut | OpenClawRateLimited

type Platform = CommandExecutor | FileSystem | Path

/** @internal */
export interface OpenClawCli {
  /** Whether it may read the files of its working folder. */
  readonly mayRead: boolean
  /** `seconds` is when OpenClaw itself is to give up. */
  readonly ask: (prompt: string, seconds: number) => Effect.Effect<Answered, AskError, Platform>
}

/** @internal */
export const make = (options: OpenClawOptions): Effect.Effect<OpenClawCli> =>
  Effect.map(SynchronizedRef.make(Option.none<Ability>()), (known): OpenClawCli => {
    const abilityOnce = (folder: Folder) =>
      SynchronizedRef.modifyEffect(known, (found) =>
        Effect.map(Option.match(found, { onNone: () => lookUp(options, folder), onSome: Effect.succeed }), (ability) =>
          Tuple.make(ability, Option.some(ability))
        )
      )
    const ask = Effect.fnUntraced(function* (prompt: string, seconds: number) {
      const folder = yield* makeFolder
      const ability = yield* abilityOnce(folder)
      const turn = ability === "exec" ? yield* execTurn(options, folder) : localTurn(options, folder)
      const args = [
        ...turn.args,
        ...["--message-file", yield* write(folder, "prompt.md", prompt), "--json", "--timeout", `${seconds}`],
        ...(options.model === undefined ? [] : ["--model", options.model]),
        ...(options.thinking === undefined ? [] : ["--thinking", options.thinking])
      ]
      return yield* answerOf(yield* run(options, folder, args, turn.env, untilRateLimited))
    }, Effect.scoped)
    return {
      mayRead: options.workingFolder !== undefined,
      ask: (prompt, seconds) =>
        Effect.catchTags(ask(prompt, seconds), {
          OutputTooLong: () => failed(null, "it has printed far more than an answer"),
          BadArgument: (error) => failed(null, error.message),
          SystemError: (error) => failed(null, error.message)
        })
    }
  })

// -----------------------------------------------------------------------------
// What it can do
// -----------------------------------------------------------------------------

/** `exec` is there since 2026.8.1, `local` with a prompt from a file since 2026.6.11. */
type Ability = "exec" | "local"

const lookUp = Effect.fnUntraced(function* (options: OpenClawOptions, folder: Folder) {
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
}

/** Restricted by a configuration of its own, which takes all but the tools from the user's. */
const execTurn = Effect.fnUntraced(function* (options: OpenClawOptions, folder: Folder) {
  const path = yield* Path
  const { exitCode, stderr, stdout } = yield* run(options, folder, ["config", "file", "--json"])
  const found = decodeConfigFile(stdout)
  if (Option.isNone(found)) return yield* failed(exitCode, "it does not tell where its configuration is", stderr)
  const userConfig = found.value.path
  const hasConfig = yield* (yield* FileSystem).exists(userConfig)
  // It is an error to ask for what is not there.
  const defaults = decodeDefaults((yield* run(options, folder, ["config", "get", "agents.defaults", "--json"])).stdout)
  const { base, main } = reviewConfig({
    userConfig: hasConfig ? userConfig : undefined,
    defaults,
    model: options.model,
    mayRead: options.workingFolder !== undefined
  })
  yield* write(folder, "base.json", base)
  const config = yield* write(folder, "main.json", main)
  const roots = yield* Effect.orElseSucceed(Config.string("OPENCLAW_INCLUDE_ROOTS"), () => "")
  const turn: Turn = {
    args: ["agent", "exec", ...(options.extraArgs ?? []), "--config", config, "--cwd", workOf(options, folder)],
    // Which it may include files from.
    env: { OPENCLAW_INCLUDE_ROOTS: [...(roots === "" ? [] : [roots]), path.dirname(userConfig)].join(":") }
  }
  return turn
})

const decodeConfigFile = Schema.decodeUnknownOption(Schema.parseJson(Schema.Struct({ path: Schema.NonEmptyString })))

const decodeDefaults = Schema.decodeUnknownOption(Schema.parseJson(Defaults))

const localTurn = ({ extraArgs = [] }: OpenClawOptions, { root }: Folder): Turn => ({
  args: ["agent", ...extraArgs, "--local", "--session-id", `effect-healing-${root.slice(-6)}`],
  env: {}
})

// -----------------------------------------------------------------------------
// Running it
// -----------------------------------------------------------------------------

const SURROUNDINGS = {
  NO_COLOR: "1",
  // With it there is one process; without it a second one in a group of its own, which outlives a SIGKILL of this one.
  OPENCLAW_NO_RESPAWN: "1",
  OPENCLAW_NO_AUTO_UPDATE: "1",
  OPENCLAW_CONFIG_READONLY: "1",
  // It would be 34 MB, and gone with the folder.
  NODE_DISABLE_COMPILE_CACHE: "1"
}

const commandOf = ({ command = "openclaw" }: OpenClawOptions): string => command

const workOf = ({ workingFolder }: OpenClawOptions, { work }: Folder): string => workingFolder ?? work

const run = (
  options: OpenClawOptions,
  folder: Folder,
  args: ReadonlyArray<string>,
  env: Record<string, string> = {},
  watch: (stderr: string) => Effect.Effect<void, OpenClawRateLimited> = () => Effect.void
) =>
  ProcessGroup.run(
    {
      command: commandOf(options),
      args,
      env: { ...SURROUNDINGS, ...env, TMPDIR: folder.tmp },
      cwd: workOf(options, folder)
    },
    folder.root,
    watch
  ).pipe(
    Effect.filterOrFail(
      ({ exitCode }) => exitCode !== ProcessGroup.NOT_FOUND,
      () => new OpenClawNotFound({ command: commandOf(options) })
    )
  )

/** OpenClaw itself goes on trying for minutes, with memory and requests that jobs could use. */
const untilRateLimited = (stderr: string): Effect.Effect<void, OpenClawRateLimited> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => RateLimit.inDiagnostics(stderr, now) ?? Effect.void)

// -----------------------------------------------------------------------------
// What it says
// -----------------------------------------------------------------------------

const answerOf = Effect.fnUntraced(function* ({ exitCode, stderr, stdout }: ProcessGroup.Output) {
  const envelope = Option.getOrUndefined(Envelope.read(stdout))
  if (envelope?._tag === "Failed") {
    const { message } = envelope
    if (envelope.timedOut) return yield* new OpenClawTimedOut({ detail: shown(message) })
    const now = yield* Clock.currentTimeMillis
    return yield* RateLimit.inMessage(message, now) ?? failed(exitCode, message, stderr)
  }
  if (exitCode !== 0) return yield* failed(exitCode, "it has printed no answer", stderr)
  // What has no envelope may still be an answer.
  const answered: Answered = envelope ?? { text: stdout, spent: {} }
  return answered
})

const failed = (exitCode: number | null, detail: string, stderr = ""): OpenClawFailed =>
  new OpenClawFailed({ exitCode, detail: shown(detail), stderr: conceal(stderr).trim().slice(-MAX_STDERR) })

const shown = (detail: string): string => head(detail, MAX_DETAIL).text

const MAX_DETAIL = 500

const MAX_STDERR = 2000

// -----------------------------------------------------------------------------
// Its folder
// -----------------------------------------------------------------------------

/** What is its own, and goes with it: only its user may look into it. */
interface Folder {
  readonly root: string
  /** Where it starts. */
  readonly work: string
  /** Where it puts what it would otherwise leave behind, when it is killed. */
  readonly tmp: string
}

const makeFolder = Effect.gen(function* () {
  const fileSystem = yield* FileSystem
  const path = yield* Path
  const root = yield* Effect.acquireRelease(fileSystem.makeTempDirectory({ prefix: "effect-healing-" }), (root) =>
    Effect.ignoreLogged(fileSystem.remove(root, { recursive: true, force: true }))
  )
  const folder: Folder = { root, work: path.join(root, "work"), tmp: path.join(root, "tmp") }
  yield* fileSystem.makeDirectory(folder.work)
  yield* fileSystem.makeDirectory(folder.tmp)
  return folder
})

const write = ({ root }: Folder, name: string, content: string) =>
  Effect.gen(function* () {
    const file = (yield* Path).join(root, name)
    yield* (yield* FileSystem).writeFileString(file, content, { mode: 0o600 })
    return file
  })
