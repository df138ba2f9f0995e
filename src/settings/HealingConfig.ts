/**
 * The settings of the gate, their defaults, and where they come from.
 *
 * @since 0.1.0
 */
import { FileSystem } from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import type * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { distance } from "fastest-levenshtein"
import { parse, YAMLParseError } from "yaml"
import { HealingConfigError } from "../HealingError.js"
import { fileProblem, inWords, words } from "../internal/FileProblem.js"
import * as Settings from "./Settings.js"

export { AutoApplyRule } from "./AutoApply.js"
export type { HttpSettings, HttpSettingsInput } from "./HttpSettings.js"
export { NoticeKind } from "./NoticeKind.js"
export { NotifyChannel, type NotifyChannelInput } from "./NotifyChannel.js"
export { type NotifySettings, type NotifySettingsInput, QuietHours } from "./NotifySettings.js"
export type { HealingSettings, HealingSettingsInput } from "./Settings.js"
export type { SuggestionSettings, SuggestionSettingsInput } from "./SuggestionSettings.js"

/**
 * The settings in force. It is required by every layer that reads one, so that a forgotten one is a type error.
 *
 * @since 0.1.0
 * @category tags
 */
export class HealingConfig extends Context.Tag("effect-healing/HealingConfig")<
  HealingConfig,
  Settings.HealingSettings
>() {
  /**
   * Settings from code, over the defaults.
   *
   * @since 0.1.0
   */
  static readonly layer = (
    settings: Settings.HealingSettingsInput = {}
  ): Layer.Layer<HealingConfig, HealingConfigError> => Layer.effect(this, combine([Settings.fromCode(settings)]))

  /**
   * Settings from code, over the environment, over a YAML file, over the defaults.
   *
   * - `yaml`: the path of a file of at most 64 KiB; its key `healing` holds the settings in snake case (`max_wait`), its
   *   other keys are left alone. Without a path no file is read.
   * - `settings`: those from code.
   *
   * The environment is read through the `ConfigProvider`, as `HEALING_MAX_WAIT` and the like. A name that is nearly one
   * of these is taken for a misspelt setting.
   *
   * @since 0.1.0
   */
  static readonly layerLoad = (
    options: { readonly yaml?: string | undefined; readonly settings?: Settings.HealingSettingsInput | undefined } = {}
  ): Layer.Layer<HealingConfig, HealingConfigError, FileSystem> =>
    Layer.effect(
      this,
      Effect.gen(function* () {
        const yaml = options.yaml === undefined ? nothing : yield* fromFile(options.yaml)
        const environment = yield* Effect.configProviderWith(fromEnvironment)
        const settings = yield* combine([yaml, environment, Settings.fromCode(options.settings ?? {})])
        return options.yaml === undefined ? settings : { ...settings, [Settings.readFrom]: [options.yaml] }
      })
    )
}

const nothing: Settings.Loaded = { settings: {}, issues: [] }

const combine = (
  sources: ReadonlyArray<Settings.Loaded>
): Effect.Effect<Settings.HealingSettings, HealingConfigError> => {
  const issues = sources.flatMap((source) => source.issues)
  if (Arr.isNonEmptyReadonlyArray(issues)) return Effect.fail(new HealingConfigError({ issues }))
  const settings = sources.map(({ settings }) => settings)
  const jobs = Object.assign({}, ...settings.map(({ jobs }) => jobs))
  const groups = Object.fromEntries(
    Settings.groupNames.map((name) => [
      name,
      Object.assign({}, Settings.defaults[name], ...settings.map((of) => of[name]))
    ])
  )
  const forbidden = settings.flatMap(({ suggestions }) => suggestions?.forbidden ?? [])
  const suggestions = { ...groups.suggestions, forbidden }
  const channels = Object.assign({}, ...settings.map(({ notify }) => notify?.channels))
  const notify = { ...groups.notify, channels }
  return Effect.succeed(Object.assign({}, Settings.defaults, ...settings, groups, { jobs, suggestions, notify }))
}

const fromEnvironment = (provider: ConfigProvider.ConfigProvider): Effect.Effect<Settings.Loaded> =>
  Effect.gen(function* () {
    const below = yield* namesBelow(provider, [])
    const names = Arr.dedupe([...Settings.variables, ...below.filter(Settings.isMeantForSetting)])
    const values = yield* Effect.forEach(names, (name) => provider.load(Config.option(Config.string(name))))
    return Settings.fromEnvironment(Record.getSomes(Object.fromEntries(Arr.zip(names, values))))
  }).pipe(
    Effect.catchAll((error) =>
      Effect.succeed(bad("environment", "HEALING_*", "readable variables", firstLine(String(error))))
    )
  )

/** Names that begin with `HEALING`, whether or not anything stands there. */
const namesBelow = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>> =>
  // The environment's provider takes each `_` for a step down, and lists one step at a time.
  provider.load(Arr.reduceRight(path, children, (config, step) => Config.nested(config, step))).pipe(
    Effect.map((found) => Array.from(HashMap.keys(found), (child) => [...path, child])),
    Effect.map(Arr.filter((below) => below.join("_").startsWith("HEALING"))),
    Effect.flatMap(Effect.forEach((below) => Effect.map(namesBelow(provider, below), Arr.prepend(below.join("_"))))),
    Effect.map(Arr.flatten),
    // The reading of the settings will tell what breaks here.
    Effect.orElseSucceed(() => [])
  )

const children = Config.hashMap(Config.option(Config.string()))

// The parser takes quadratic time for the keys of a mapping.
const MAX_FILE = 64 * 1024

const fromFile = (path: string): Effect.Effect<Settings.Loaded, never, FileSystem> =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem
    const { size, type } = yield* fileSystem.stat(path)
    if (type !== "File") return badFile(path, "a YAML file", `a ${inWords(type)}`)
    if (size > MAX_FILE) return badFile(path, "a YAML file of at most 64 KiB", `${size} bytes`)
    const text = yield* fileSystem.readFileString(path)
    return Either.match(parseYaml(text), {
      onLeft: (message) => badFile(path, "valid YAML", message),
      onRight: (document) => fromDocument(path, document)
    })
  }).pipe(Effect.catchAll((error) => Effect.succeed(badFile(path, "a readable YAML file", fileProblem(error)))))

// Its warnings are off: they would print lines of a file that may hold anybody's secrets.
const parseYaml = (text: string): Either.Either<unknown, string> =>
  Either.try({
    try: (): unknown => parse(text, { logLevel: "error", merge: true }),
    // Only what kind and where: the message quotes the file.
    catch: (error) =>
      error instanceof YAMLParseError
        ? `${words(error.code)} at line ${error.linePos?.[0].line}, column ${error.linePos?.[0].col}`
        : "too many aliases"
  })

const fromDocument = (path: string, document: unknown): Settings.Loaded => {
  if (document === null) return nothing
  if (!Predicate.isReadonlyRecord(document)) return badFile(path, "a mapping with the key healing", shape(document))
  if ("healing" in document) {
    const { healing } = document
    if (healing === null) return nothing
    return Predicate.isReadonlyRecord(healing)
      ? Settings.fromYaml(path, healing)
      : badFile(path, "a mapping of settings under the key healing", shape(healing))
  }
  const misspelt = Object.keys(document).find((key) => isNearly(key.toLowerCase()))
  return misspelt === undefined ? nothing : badFile(path, "the key healing", misspelt)
}

// A word that is only near, such as "heading", does not count: the other keys are somebody else's.
const isNearly = (key: string): boolean => /^he.*l/.test(key) && distance(key, "healing") <= 2

// The value is left out: a wrong file may hold anybody's secrets.
const shape = (found: unknown): string => (Array.isArray(found) ? "a list" : `a ${typeof found}`)

const bad = (source: string, key: string, expected: string, found: string): Settings.Loaded => ({
  settings: {},
  issues: [{ source, key, found, expected }]
})

const badFile = (path: string, expected: string, found: string): Settings.Loaded => bad("file", path, expected, found)

const firstLine = (text: string): string => Settings.cut(text.split("\n", 1).join())
