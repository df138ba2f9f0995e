/**
 * The settings of the module: what `pm2 set effect-healing:<key> <value>` has kept, and the YAML file that it names.
 *
 * @internal
 */
import { isAbsolute } from "node:path"
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Str from "effect/String"
import type { ConfigIssue } from "../HealingError.js"
import { didYouMean } from "../internal/Input.js"
import * as SecretFile from "../internal/SecretFile.js"
import type { OpenClawGatewayOptions } from "../openclaw/OpenClawGateway.js"
import type { OpenClawOptions } from "../openclaw/OpenClawReviewer.js"
import { MODULE } from "../pm2/Home.js"
import { pattern } from "../pm2/OpenClawRules.js"
import type { Pm2Options } from "../pm2/Pm2.js"
import { HealingConfig, type HealingSettings } from "../settings/HealingConfig.js"
import * as Settings from "../settings/Settings.js"
import * as NotifyKeys from "./NotifyKeys.js"

/** The name of the module is also that of the variable in which PM2 passes its settings on. */
export const NAME = MODULE

/**
 * - `gateway`: the gateway of OpenClaw whose work counts as well, if there is one.
 *
 * @internal
 */
export interface ModuleSettings {
  readonly healing: HealingSettings
  readonly pm2: Pm2Options
  readonly gateway: OpenClawGatewayOptions | undefined
  readonly reviewer: OpenClawOptions
}

/**
 * One line for each setting that is wrong: the key, what was found, what would be right, and the command that makes it so.
 *
 * @internal
 */
export class BadSettings extends Data.TaggedError("BadSettings")<{ readonly lines: ReadonlyArray<string> }> {}

/**
 * Those that only the module has, and what they may be. PM2 itself writes each key beside what it knows of the process, so that
 * one named `namespace` or `command` would change that.
 */
const own = {
  openclaw_namespace: "the name of a namespace of PM2",
  openclaw_name: "a regular expression, such as ^agent-",
  exclude: "names of processes, separated by commas",
  openclaw_command: "the name of a program, or its absolute path",
  openclaw_gateway: "the address of a gateway of OpenClaw, such as ws://127.0.0.1:18789",
  openclaw_gateway_token_file: "the absolute path of a file that only its user may read (chmod 600)",
  model: "a model by its provider, such as anthropic/claude-sonnet-4-5",
  thinking: "a level that OpenClaw knows, such as low",
  config: "the absolute path of a YAML file",
  ...NotifyKeys.expected
}

type Own = keyof typeof own

const shared = new Map(
  Settings.variables.map((variable) => [variable.replace(/^HEALING_/, "").toLowerCase(), variable])
)

const keys = [...shared.keys(), ...Object.keys(own)]

const isOwn = (key: string): key is Own => key in own

const Stored = Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** What PM2 has kept. The rest of the environment is that of whoever started PM2, and tells nothing. */
const stored = Config.string(NAME).pipe(
  Effect.flatMap(Schema.decode(Stored)),
  Effect.map((found) => Object.entries(found).map(([key, value]) => [key, String(value)] as const)),
  Effect.orElseSucceed((): ReadonlyArray<readonly [string, string]> => [])
)

const quoted = (key: string, text: string): string =>
  // A part of an address may be a secret.
  NotifyKeys.isSecret(key) || key === "openclaw_gateway" ? "what is not shown here" : JSON.stringify(Settings.cut(text))

const set = (key: string): string => `pm2 set ${NAME}:${key} "<value>"`

const wrong = (key: string, found: string, expected: string, fix: string): string =>
  `${key} is ${found}, and should be ${expected}. To mend it: ${fix}`.replaceAll(/\s+/g, " ")

const unknown = (key: string): string =>
  wrong(
    Settings.cut(key),
    "not a setting",
    `a known one (${didYouMean(key, keys)})`,
    `pm2 unset ${NAME}:${Settings.cut(key)}, then pm2 restart ${NAME}`
  )

/**
 * What is wrong with a setting, and the command that mends it.
 *
 * @internal
 */
export const lineOf = ({ expected, found, key, source }: ConfigIssue): string => {
  const notifyKey = NotifyKeys.keyOf(key)
  if (notifyKey !== undefined) return wrong(notifyKey, found, expected, set(notifyKey))
  if (source === "settings")
    return wrong(key.replace(".", "_"), found, expected, set(Str.camelToSnake(key.replace(".", "_"))))
  if (source === "environment") {
    const name = key.replace(/^HEALING_/, "").toLowerCase()
    return wrong(name, found, expected, set(name))
  }
  if (source === "file") {
    const fix = `edit the file, then pm2 restart ${NAME}; or name another one: ${set("config")}`
    return wrong("config", `${key} (${found})`, expected, fix)
  }
  return wrong(`${key} in ${source}`, found, expected, `edit the file, then pm2 restart ${NAME}`)
}

const checks: Partial<Record<Own, (value: string) => boolean>> = {
  ...NotifyKeys.checks,
  openclaw_name: (value) => Option.isSome(pattern(value)),
  model: (value) => /^[^\s/]+\/\S+$/.test(value),
  openclaw_gateway: (value) => URL.canParse(value) && /^wss?:$/.test(new URL(value).protocol),
  openclaw_gateway_token_file: isAbsolute,
  openclaw_command: (value) => !value.includes("/") || isAbsolute(value),
  config: isAbsolute
}

const namesIn = (list: string): ReadonlyArray<string> =>
  list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")

/**
 * Reads them, and finds everything that is wrong at once.
 *
 * @internal
 */
export const load: Effect.Effect<ModuleSettings, BadSettings, FileSystem> = Effect.gen(function* () {
  const found = yield* stored
  const lines: Array<string> = []
  const mine: Partial<Record<Own, string>> = {}
  const environment = new Map<string, string>()
  for (const [key, value] of found) {
    const variable = shared.get(key)
    if (variable !== undefined) environment.set(variable, value)
    else if (!isOwn(key)) lines.push(unknown(key))
    else if (value.trim() !== "" && (checks[key]?.(value) ?? true)) mine[key] = value
    else lines.push(wrong(key, quoted(key, value), own[key], set(key)))
  }
  for (const key of NotifyKeys.doubles(mine))
    lines.push(wrong(key, `there beside ${key}_file`, "one of the two", `pm2 unset ${NAME}:${key}`))
  const healing = yield* HealingConfig.pipe(
    Effect.provide(
      HealingConfig.layerLoad({
        yaml: mine.config,
        settings: { notify: { channels: NotifyKeys.channelsOf(mine, mine.openclaw_command) } }
      })
    ),
    Effect.withConfigProvider(ConfigProvider.fromMap(environment)),
    Effect.mapError(({ issues }) => new BadSettings({ lines: [...lines, ...issues.map(lineOf)] }))
  )
  const gateway = yield* gatewayOf(mine.openclaw_gateway, mine.openclaw_gateway_token_file).pipe(
    Effect.catchAll((line) => Effect.sync(() => void lines.push(line)))
  )
  if (lines.length > 0) return yield* new BadSettings({ lines })
  return {
    healing,
    pm2: {
      namespace: mine.openclaw_namespace,
      name: mine.openclaw_name === undefined ? undefined : Option.getOrUndefined(pattern(mine.openclaw_name)),
      // Itself too, for those who start it by `pm2 start`.
      exclude: [NAME, ...namesIn(mine.exclude ?? "")]
    },
    gateway: gateway ?? undefined,
    reviewer: { command: mine.openclaw_command, model: mine.model, thinking: mine.thinking }
  }
})

/** The gateway, or the line that says what is wrong with its token. */
const gatewayOf = (
  url: string | undefined,
  file: string | undefined
): Effect.Effect<OpenClawGatewayOptions | undefined, string, FileSystem> =>
  Effect.gen(function* () {
    const key = "openclaw_gateway_token_file"
    if (url !== undefined && file === undefined) return { url }
    if (file === undefined) return undefined
    if (url === undefined) {
      return yield* Effect.fail(wrong(key, "there without openclaw_gateway", "beside it", set("openclaw_gateway")))
    }
    const token = yield* Effect.mapError(SecretFile.read(file), (found) =>
      wrong(key, found, SecretFile.EXPECTED, set(key))
    )
    return { url, token }
  })

/**
 * Takes what PM2 has kept out of the environment, in which there are addresses and tokens of channels: no child process is to get them. PM2
 * hands all of it over again when it starts the module anew.
 *
 * @internal
 */
export const forget: Effect.Effect<void> = Effect.sync(() => {
  for (const key of [NAME, ...keys]) delete process.env[key]
})
