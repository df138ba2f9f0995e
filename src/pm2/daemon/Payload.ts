/**
 * The fields we keep of PM2's messages. Each message holds the whole environment of a process: only what is named here goes any further.
 *
 * @internal
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LAST_INSTANT } from "../../internal/LastInstant.js"
import { lenient, maybe } from "../../internal/Lenient.js"

/** The names of configurations in JSON may be numbers. */
const Name = Schema.Union(Schema.String, Schema.JsonNumber).pipe(
  Schema.transform(Schema.String, { strict: true, decode: String, encode: (name) => name })
)

/** `_old_3` is one that is being replaced by a new one in the same place. */
const Slot = Schema.Union(Schema.JsonNumber, Schema.String).pipe(
  Schema.transform(Schema.String, {
    strict: true,
    decode: (id) => `${id}`.replace(/^_old_/, ""),
    encode: (slot) => slot
  })
)

const Millis = Schema.Finite.pipe(Schema.between(0, LAST_INSTANT))

/** Longer than that no path can be. */
const Path = Schema.NonEmptyString.pipe(Schema.maxLength(4096))

const ExitCodes = Schema.Union(
  Schema.Array(Schema.Union(Schema.Int, Schema.NumberFromString)),
  Schema.Int,
  Schema.NumberFromString
)

/**
 * The status of a process of which PM2 tells none.
 *
 * @internal
 */
export const UNKNOWN = "unknown"

/** The fields that events and lists share. */
const common = {
  name: lenient(Name),
  pm_id: Slot,
  status: lenient(Schema.String),
  pm_uptime: lenient(Millis),
  exit_code: lenient(Schema.Int),
  exec_mode: lenient(Schema.String),
  autorestart: maybe(Schema.Unknown),
  pmx_module: maybe(Schema.Unknown),
  stop_exit_codes: maybe(Schema.Unknown)
}

const Listed = Schema.Struct({
  pid: maybe(Schema.Unknown),
  name: lenient(Name),
  pm_id: lenient(Slot),
  pm2_env: Schema.Struct({
    ...common,
    pm_id: lenient(Slot),
    namespace: lenient(Name),
    cron_restart: maybe(Schema.Unknown),
    restart_time: lenient(Schema.Int),
    unique_id: lenient(Schema.String),
    exec_interpreter: lenient(Path),
    node_args: maybe(Schema.Unknown),
    args: maybe(Schema.Unknown),
    pm_exec_path: lenient(Path),
    pm_err_log_path: lenient(Path),
    pm_out_log_path: lenient(Path),
    env: lenient(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
  })
})

/**
 * A process as PM2 lists it.
 *
 * - `slot`: its `pm_id`, in which it stays while it is restarted.
 * - `pid`: `null` when it has none; that of one that has ended until it is clear whether it is restarted.
 * - `runId`: of its present or last run, which no other run of the same daemon has; `null` before the first.
 * - `autorestart`: whether it is started again when it ends.
 * - `mark`: what its environment says about OpenClaw, in the variable that was asked for.
 * - `policy`: what its environment says in `HEALING_POLICY`, whether it is one or not.
 *
 * @internal
 */
export interface Process {
  readonly job: string
  readonly slot: string
  readonly namespace: string
  readonly isModule: boolean
  readonly pid: number | null
  readonly status: string
  readonly autorestart: boolean
  readonly isCron: boolean
  readonly runId: string | null
  readonly startedAt: number | null
  readonly exitCode: number | null
  readonly stopExitCodes: ReadonlyArray<number>
  readonly restarts: number
  readonly uniqueId: string | undefined
  readonly mode: string
  readonly command: string
  readonly script: string | undefined
  readonly errorLog: string | undefined
  readonly outputLog: string | undefined
  readonly mark: string | undefined
  readonly policy: unknown
}

const decodeList = Schema.decodeUnknownOption(Schema.Array(Schema.Unknown))

const decodeListed = Schema.decodeUnknownOption(
  Listed.pipe(Schema.filter(({ pm2_env: { name, namespace, status } }) => (name ?? namespace ?? status) !== undefined))
)

/**
 * - `odd`: how many entries of the list are no processes: what they are is unknown.
 *
 * @internal
 */
export interface List {
  readonly processes: ReadonlyArray<Process>
  readonly odd: number
}

/**
 * The processes of a list, each as far as it can be understood; none if it is no list, or none of them can be.
 *
 * @internal
 */
export const processesOf = (list: unknown, variable: string): Option.Option<List> =>
  Option.map(decodeList(list), (entries) => {
    const processes = entries.flatMap((entry, index) =>
      Option.match(decodeListed(entry), {
        onNone: () => [],
        // Without a place of its own it is known by that in the list.
        onSome: (one) => [processOf(one, one.pm2_env.pm_id ?? one.pm_id ?? `?${index}`, variable)]
      })
    )
    return { processes, odd: entries.length - processes.length }
  }).pipe(Option.filter(({ odd, processes }) => odd === 0 || processes.length > 0))

const processOf = ({ name, pid, pm2_env }: typeof Listed.Type, slot: string, variable: string): Process => ({
  job: jobOf(pm2_env.name ?? name),
  slot,
  namespace: pm2_env.namespace ?? "default",
  isModule: isTrue(pm2_env.pmx_module),
  pid: Option.getOrNull(Option.filter(decodePid(pid), (one) => one > 0)),
  // One whose pid cannot be read may well have one.
  status: pid !== undefined && Option.isNone(decodePid(pid)) ? UNKNOWN : (pm2_env.status ?? UNKNOWN),
  autorestart: isAutorestart(pm2_env.autorestart),
  // PM2 itself takes 0 for none.
  isCron: !["", "0", "false", "undefined"].includes(String(pm2_env.cron_restart)),
  runId: runIdOf({ pm_id: slot, pm_uptime: pm2_env.pm_uptime }),
  startedAt: pm2_env.pm_uptime ?? null,
  exitCode: pm2_env.exit_code ?? null,
  stopExitCodes: exitCodesOf(pm2_env.stop_exit_codes),
  restarts: pm2_env.restart_time ?? 0,
  uniqueId: pm2_env.unique_id,
  mode: modeOf(pm2_env),
  command: commandOf(pm2_env),
  script: pm2_env.pm_exec_path,
  errorLog: pm2_env.pm_err_log_path,
  outputLog: pm2_env.pm_out_log_path,
  mark: markOf(pm2_env.env?.[variable]),
  policy: policyOf(pm2_env.env?.HEALING_POLICY)
})

/** What is neither a yes nor a no is no promise that it is always up. */
const isAutorestart = (value: unknown): boolean => ["undefined", "null", "true"].includes(String(value))

const decodePid = Schema.decodeUnknownOption(Schema.Union(Schema.Int, Schema.NumberFromString.pipe(Schema.int())))

const Event = Schema.Struct({
  event: Schema.String,
  at: lenient(Millis),
  process: Schema.Struct(common)
})

/**
 * The end of a run.
 *
 * @internal
 */
export interface Exit {
  readonly job: string
  readonly slot: string
  readonly isModule: boolean
  readonly status: string
  readonly mode: string
  readonly runId: string | null
  readonly startedAt: number | null
  readonly autorestart: boolean
  readonly exitCode: number | null
  readonly stopExitCodes: ReadonlyArray<number>
  readonly at: number | null
}

const decodeEvent = Schema.decodeUnknownOption(Event)

/**
 * The end of a run, if that is what an event tells.
 *
 * @internal
 */
export const exitOf = (payload: unknown): Option.Option<Exit> =>
  decodeEvent(payload).pipe(
    Option.filter(({ event }) => event === "exit"),
    Option.map(({ at, process }) => ({
      job: jobOf(process.name),
      slot: process.pm_id,
      isModule: isTrue(process.pmx_module),
      status: process.status ?? UNKNOWN,
      mode: modeOf(process),
      runId: runIdOf(process),
      startedAt: process.pm_uptime ?? null,
      autorestart: isAutorestart(process.autorestart),
      exitCode: process.exit_code ?? null,
      stopExitCodes: exitCodesOf(process.stop_exit_codes),
      at: at ?? null
    }))
  )

const Exception = Schema.Struct({
  at: lenient(Millis),
  data: Schema.Struct({ message: Schema.String }),
  process: Schema.Struct({ pm_id: Slot })
})

/** @internal */
export interface Exception {
  readonly slot: string
  readonly message: string
  readonly at: number | null
}

const decodeException = Schema.decodeUnknownOption(Exception)

/**
 * An exception that nobody has caught.
 *
 * @internal
 */
export const exceptionOf = (payload: unknown): Option.Option<Exception> =>
  Option.map(decodeException(payload), ({ at, data, process }) => ({
    slot: process.pm_id,
    message: data.message.slice(0, MAX_MESSAGE),
    at: at ?? null
  }))

const MAX_MESSAGE = 1000

const decodeLine = Schema.decodeUnknownOption(Schema.Struct({ data: Schema.String }))

/**
 * What a line of the daemon's own log tells of the process in a slot.
 *
 * - `Starting`: it is about to be spawned, and is not listed before it is.
 * - `Stopping`: somebody wants it to end.
 * - `OverMemory`: PM2 itself ends it, since it takes more memory than `max_memory_restart` allows.
 * - `Ended`: and its signal; SIGINT says nothing, since it stands there as well if there was none.
 * - `Other`: something that is told by an event as well, but sooner: that of a start waits for what git says of the folder.
 *
 * @internal
 */
export type Line = Data.TaggedEnum<{
  Starting: { readonly slot: string }
  Stopping: { readonly slot: string }
  OverMemory: { readonly slot: string; readonly message: string }
  Ended: { readonly slot: string; readonly signal: string | undefined }
  Other: object
}>

const Line = Data.taggedEnum<Line>()

/** @internal */
export const lineOf = (payload: unknown): Option.Option<Line> =>
  decodeLine(payload).pipe(
    Option.filter(({ data }) => /^(?:App \[|Stopping app:|\[PM2\]\[WORKER\] Process )/.test(data)),
    Option.map(({ data }) => {
      const line = data.slice(-MAX_LINE)
      const [, starting] = /:(?:_old_)?(\d{1,9})\] starting in -\w+ mode-\s*$/.exec(line) ?? []
      if (starting !== undefined) return Line.Starting({ slot: starting })
      const [, stopping] = /^Stopping app:.* id:(?:_old_)?(\d{1,9})\s*$/s.exec(data) ?? []
      if (stopping !== undefined) return Line.Stopping({ slot: stopping })
      const [, over, current, limit] =
        /^\[PM2\]\[WORKER\] Process (?:_old_)?(\d{1,9}) restarted because it exceeds --max-memory-restart value \(current_memory=(\d{1,16}) max_memory_limit=(\d{1,16}) /.exec(
          data
        ) ?? []
      if (over !== undefined) {
        return Line.OverMemory({
          slot: over,
          message: `PM2 has ended it: it took ${inMegabytes(current)} of memory, and max_memory_restart allows ${inMegabytes(limit)}`
        })
      }
      const [, ended, signal] =
        /:(?:_old_)?(\d{1,9})\] exited with code \[[^\]]{0,9}\] via signal \[(SIG[A-Z\d]{1,9})\]\s*$/.exec(line) ?? []
      if (ended === undefined) return Line.Other()
      return Line.Ended({ slot: ended, signal: signal === "SIGINT" ? undefined : signal })
    })
  )

const inMegabytes = (bytes = "0"): string => `${Math.round(Number(bytes) / 1024 ** 2)} MB`

const MAX_LINE = 500

/** What the name of a job must be. */
const jobOf = (name = ""): string => name.slice(0, 256).replaceAll(/\p{Surrogate}/gu, "\ufffd") || "unnamed"

const isTrue = (value: unknown): boolean => value === true || value === "true"

/**
 * The id of the run of a process that has begun at `pm_uptime`; `null` if that is not known.
 *
 * @internal
 */
export const runIdOf = ({
  pm_id,
  pm_uptime
}: {
  readonly pm_id: string
  readonly pm_uptime?: number | string | undefined
}): string | null => (pm_uptime === undefined ? null : `${pm_id}-${pm_uptime}`)

const modeOf = ({ exec_mode = "fork" }: { readonly exec_mode?: string | undefined }) => exec_mode.replace(/_mode$/, "")

const decodeExitCodes = Schema.decodeUnknownOption(ExitCodes)

const exitCodesOf = (codes: unknown): ReadonlyArray<number> =>
  Option.match(decodeExitCodes(codes), {
    onNone: () => [],
    onSome: (codes) => (typeof codes === "number" ? [codes] : codes)
  })

const markOf = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "boolean" || typeof value === "number"
    ? String(value).slice(0, 100)
    : undefined

const decodeJson = Schema.decodeUnknownEither(Schema.parseJson())

/** One that cannot be read is no mapping, so that whoever reads policies says whose it is. */
const policyOf = (value: unknown): unknown => {
  if (value === undefined || value === null || value === "") return NO_POLICY
  const policy = typeof value === "string" && value.length <= MAX_POLICY ? Either.getOrNull(decodeJson(value)) : value
  // Decoded by whoever reads it, as all policies.
  return policy ?? "no JSON"
}

/** @internal */
export const NO_POLICY = {}

const MAX_POLICY = 10_000

const MAX_COMMAND = 10_000

const decodeArgs = Schema.decodeUnknownOption(Schema.Union(Schema.Array(Schema.String), Schema.String))

const commandOf = (env: (typeof Listed.Type)["pm2_env"]): string => {
  const { exec_interpreter: interpreter, pm_exec_path: script } = env
  return [
    ...(interpreter === undefined || interpreter === "none" ? [] : [quoted(interpreter)]),
    ...argsOf(env.node_args),
    ...(script === undefined ? [] : [quoted(script)]),
    ...argsOf(env.args)
  ]
    .join(" ")
    .slice(0, MAX_COMMAND)
}

const argsOf = (args: unknown): ReadonlyArray<string> =>
  Option.match(decodeArgs(args), {
    onNone: () => [],
    onSome: (args) => (typeof args === "string" ? [args] : args.map(quoted))
  })

const quoted = (arg: string): string => (/^[^\s"'\\]+$/.test(arg) ? arg : JSON.stringify(arg))
