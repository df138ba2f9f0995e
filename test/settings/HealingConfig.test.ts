import * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Record from "effect/Record"
import {
  type AutoApplyRule,
  type ConfigIssue,
  HealingConfig,
  type HealingConfigError,
  type HealingSettings,
  type HealingSettingsInput,
  OpenClaw
} from "effect-healing"
import { stringify } from "yaml"
import { readFrom } from "../../src/settings/Settings.js"

/** Those that every source can hold; policies of jobs and the groups of settings have tests of their own. */
type Setting = Exclude<keyof HealingSettings & string, "jobs" | "suggestions" | "http" | "notify">

type Environment = Readonly<Record<string, string>>

interface Sources {
  readonly settings?: HealingSettingsInput | undefined
  readonly environment?: Environment | undefined
  readonly yaml?: string | undefined
}

// ---------------------------------------------------------------------------
// Helpers
// ---------------------------------------------------------------------------

const temporaryFile = (text: string) =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const folder = yield* fileSystem.makeTempDirectoryScoped()
    const path = `${folder}/healing.yaml`
    yield* fileSystem.writeFileString(path, text)
    return path
  }).pipe(Effect.orDie)

const providerOf = (environment: Environment) => ConfigProvider.fromMap(new Map(Object.entries(environment)))

const loadFile = (path: string | undefined, { environment = {}, settings }: Sources = {}) =>
  HealingConfig.pipe(
    Effect.provide(HealingConfig.layerLoad({ yaml: path, settings })),
    Effect.withConfigProvider(providerOf(environment))
  )

const load = (sources: Sources): Effect.Effect<HealingSettings, HealingConfigError> =>
  Effect.gen(function* () {
    const path = sources.yaml === undefined ? undefined : yield* temporaryFile(sources.yaml)
    return yield* loadFile(path, sources)
  }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))

const fromCode = (settings?: HealingSettingsInput) => Effect.provide(HealingConfig, HealingConfig.layer(settings))

/** What JavaScript, or a cast, lets through. */
const untyped = (settings: object) => settings as HealingSettingsInput

/** Comparable, since equal durations may be told in milliseconds or in nanoseconds. */
const plain = ({
  cooldown,
  maxCatchUpAge,
  maxWait,
  quietPeriod,
  retention,
  reviewTimeout,
  shutdownTimeout,
  suggestions: _suggestions,
  http: _http,
  notify: _notify,
  [readFrom]: _files,
  ...others
}: HealingSettings) => ({
  ...others,
  maxWait: Duration.toMillis(maxWait),
  quietPeriod: Duration.toMillis(quietPeriod),
  reviewTimeout: Duration.toMillis(reviewTimeout),
  shutdownTimeout: Duration.toMillis(shutdownTimeout),
  cooldown: Duration.toMillis(cooldown),
  retention: Duration.toMillis(retention),
  maxCatchUpAge: Duration.toMillis(maxCatchUpAge)
})

const refusal = (sources: Sources): Effect.Effect<HealingConfigError, HealingSettings> => Effect.flip(load(sources))

const assertRefused = (sources: Sources, ...issues: ReadonlyArray<ConfigIssue>) =>
  Effect.map(refusal(sources), (error) => {
    assert.strictEqual(error._tag, "HealingConfigError")
    // The path of a temporary file is nothing to compare.
    const found = error.issues.map((issue) => ({ ...issue, source: issue.source.replace(/^\/.*\//, "") }))
    assert.deepStrictEqual(found, [...issues])
  })

// ---------------------------------------------------------------------------
// Each setting
// ---------------------------------------------------------------------------

const defaults = {
  enabled: true,
  queue: "openclaw",
  priority: -10,
  maxConcurrent: 1,
  maxWait: 300_000,
  onMaxWait: "fail",
  quietPeriod: 1_000,
  onJobStart: "continue",
  maxYields: 3,
  reviewTimeout: 300_000,
  shutdownTimeout: 10_000,
  maxAttempts: 3,
  cooldown: 600_000,
  maxReviewsPerDay: 100,
  maxPending: 100_000,
  retention: 7_776_000_000,
  maxCatchUpAge: 604_800_000,
  jobs: {}
}

/** Of each setting its names, a value that is not its default, and how that is written in a text. */
const each: { readonly [K in Setting]: readonly [string, string, NonNullable<HealingSettingsInput[K]>, string] } = {
  enabled: ["HEALING_ENABLED", "enabled", false, "false"],
  queue: ["HEALING_QUEUE", "queue", "other, and more", "other, and more"],
  priority: ["HEALING_PRIORITY", "priority", -0.5, "-0.5"],
  maxConcurrent: ["HEALING_MAX_CONCURRENT", "max_concurrent", 4, "4"],
  maxWait: ["HEALING_MAX_WAIT", "max_wait", "2 hours", "2 hours"],
  onMaxWait: ["HEALING_ON_MAX_WAIT", "on_max_wait", "run", "run"],
  quietPeriod: ["HEALING_QUIET_PERIOD", "quiet_period", "1.5 seconds", "1.5 seconds"],
  onJobStart: ["HEALING_ON_JOB_START", "on_job_start", "yield", "yield"],
  maxYields: ["HEALING_MAX_YIELDS", "max_yields", 0, "0"],
  reviewTimeout: ["HEALING_REVIEW_TIMEOUT", "review_timeout", "90 seconds", "90 seconds"],
  shutdownTimeout: ["HEALING_SHUTDOWN_TIMEOUT", "shutdown_timeout", "1 minute", "1 minute"],
  maxAttempts: ["HEALING_MAX_ATTEMPTS", "max_attempts", 1, "1"],
  cooldown: ["HEALING_COOLDOWN", "cooldown", "0 seconds", "0 seconds"],
  maxReviewsPerDay: ["HEALING_MAX_REVIEWS_PER_DAY", "max_reviews_per_day", 20, "20"],
  maxPending: ["HEALING_MAX_PENDING", "max_pending", 1_000_000, "1000000"],
  retention: ["HEALING_RETENTION", "retention", "2 weeks", "2 weeks"],
  maxCatchUpAge: ["HEALING_MAX_CATCH_UP_AGE", "max_catch_up_age", "2 hours", "2 hours"]
}

/** The values above that are durations, in milliseconds. */
const eachInMillis: Partial<Record<Setting, number>> = {
  maxWait: 7_200_000,
  quietPeriod: 1_500,
  reviewTimeout: 90_000,
  shutdownTimeout: 60_000,
  cooldown: 0,
  retention: 1_209_600_000,
  maxCatchUpAge: 7_200_000
}

const cases = Record.toEntries(each).map(([setting, [variable, key, value, text]]) => {
  const inForce = eachInMillis[setting] ?? value
  return { setting, variable, key, value, text, expected: { ...defaults, [setting]: inForce } }
})

/** What is said to be right, of each setting, in code and in a text. */
const right: { readonly [K in Setting]: readonly [string, string] } = {
  enabled: ["true or false", "true or false"],
  queue: ["a name of 1 to 256 characters", "a name of 1 to 256 characters"],
  priority: ["a number below 0, the priority of every job", "a number below 0, the priority of every job"],
  maxConcurrent: ["a whole number of 1 or more", "a whole number of 1 or more"],
  maxWait: [
    'a duration of zero or more, such as "5 minutes", or Duration.infinity',
    'a duration of zero or more with its unit, such as "5 minutes", or "infinity"'
  ],
  onMaxWait: ['"fail" or "run"', '"fail" or "run"'],
  quietPeriod: [
    'a finite duration of zero or more, such as "1 second"',
    'a finite duration of zero or more with its unit, such as "1 second"'
  ],
  onJobStart: ['"continue" or "yield"', '"continue" or "yield"'],
  maxYields: ["a whole number of 0 or more", "a whole number of 0 or more"],
  reviewTimeout: [
    'a duration above zero, such as "5 minutes", or Duration.infinity',
    'a duration above zero with its unit, such as "5 minutes", or "infinity"'
  ],
  shutdownTimeout: [
    'a finite duration of zero or more, such as "10 seconds"',
    'a finite duration of zero or more with its unit, such as "10 seconds"'
  ],
  maxAttempts: ["a whole number of 1 or more", "a whole number of 1 or more"],
  cooldown: [
    'a finite duration of zero or more, such as "10 minutes"',
    'a finite duration of zero or more with its unit, such as "10 minutes"'
  ],
  maxReviewsPerDay: ["a whole number of 1 or more", "a whole number of 1 or more"],
  maxPending: ["a whole number of 1 or more", "a whole number of 1 or more"],
  retention: [
    'a duration above zero, such as "90 days", or Duration.infinity',
    'a duration above zero with its unit, such as "90 days", or "infinity"'
  ],
  maxCatchUpAge: [
    'a duration of zero or more, such as "7 days", or Duration.infinity',
    'a duration of zero or more with its unit, such as "7 days", or "infinity"'
  ]
}

const cut = `"${"q".repeat(200)}…"`

/** Bad settings in code, and how they are shown. */
const badInCode: ReadonlyArray<readonly [Setting, unknown, string]> = [
  ["enabled", "true", '"true"'],
  ["enabled", 1, "1"],
  ["queue", "", '""'],
  ["queue", "q".repeat(257), cut],
  ["queue", 7, "7"],
  ["priority", 0, "0"],
  ["priority", 5, "5"],
  ["priority", Number.NaN, "NaN"],
  ["priority", Number.NEGATIVE_INFINITY, "-Infinity"],
  ["priority", "-1", '"-1"'],
  ["maxConcurrent", 0, "0"],
  ["maxConcurrent", 1.5, "1.5"],
  ["maxConcurrent", Number.POSITIVE_INFINITY, "Infinity"],
  ["maxConcurrent", "2", '"2"'],
  ["maxWait", -1, "-1"],
  ["maxWait", Number.NaN, "NaN"],
  ["maxWait", -1n, "-1"],
  ["maxWait", [-1, 0], "[-1,0]"],
  ["maxWait", "-5 minutes", '"-5 minutes"'],
  ["maxWait", "five minutes", '"five minutes"'],
  ["maxWait", "5", '"5"'],
  ["maxWait", null, "null"],
  ["maxWait", { minutes: 5 }, '{"minutes":5}'],
  ["onMaxWait", "wait", '"wait"'],
  ["quietPeriod", "-1 second", '"-1 second"'],
  ["quietPeriod", Duration.infinity, "Infinity"],
  ["quietPeriod", Number.POSITIVE_INFINITY, "Infinity"],
  ["onJobStart", "stop", '"stop"'],
  ["maxYields", -1, "-1"],
  ["maxYields", 0.5, "0.5"],
  ["reviewTimeout", 0, "0"],
  ["reviewTimeout", Duration.zero, "0"],
  ["reviewTimeout", 0n, "0"],
  ["reviewTimeout", [0, 0], "[0,0]"],
  ["reviewTimeout", "0 seconds", '"0 seconds"'],
  ["reviewTimeout", -1, "-1"],
  ["reviewTimeout", Number.NaN, "NaN"],
  ["reviewTimeout", "5", '"5"'],
  ["maxAttempts", 0, "0"],
  ["maxAttempts", -1, "-1"],
  ["maxAttempts", 1.5, "1.5"],
  ["maxAttempts", "3", '"3"'],
  ["cooldown", "-1 minute", '"-1 minute"'],
  ["cooldown", -1, "-1"],
  ["cooldown", Duration.infinity, "Infinity"],
  ["cooldown", Number.POSITIVE_INFINITY, "Infinity"],
  ["cooldown", "infinity", '"infinity"'],
  ["maxReviewsPerDay", 0, "0"],
  ["maxReviewsPerDay", -1, "-1"],
  ["maxReviewsPerDay", 1.5, "1.5"],
  ["maxReviewsPerDay", Number.POSITIVE_INFINITY, "Infinity"],
  ["maxPending", 0, "0"],
  ["maxPending", -1, "-1"],
  ["maxPending", 1.5, "1.5"],
  ["maxPending", Number.POSITIVE_INFINITY, "Infinity"],
  ["retention", 0, "0"],
  ["retention", Duration.zero, "0"],
  ["retention", "0 days", '"0 days"'],
  ["retention", "-1 day", '"-1 day"'],
  ["retention", "for ever", '"for ever"']
]

const badInEnvironment: ReadonlyArray<readonly [Setting, string]> = [
  ["enabled", "yes"],
  ["enabled", ""],
  ["queue", ""],
  ["priority", "0"],
  ["priority", "1"],
  ["priority", "NaN"],
  ["priority", "-Infinity"],
  ["priority", "low"],
  ["priority", ""],
  ["maxConcurrent", "0"],
  ["maxConcurrent", "two"],
  ["maxConcurrent", "Infinity"],
  ["maxWait", "300"],
  ["maxWait", "300000"],
  ["maxWait", "-5 minutes"],
  ["maxWait", "soon"],
  ["maxWait", ""],
  ["onMaxWait", "Fail"],
  ["quietPeriod", "0"],
  ["quietPeriod", "infinity"],
  ["onJobStart", "yield "],
  ["maxYields", "-1"],
  ["reviewTimeout", "300"],
  ["reviewTimeout", "0"],
  ["reviewTimeout", "0 seconds"],
  ["reviewTimeout", "-5 minutes"],
  ["reviewTimeout", ""],
  ["maxAttempts", "0"],
  ["maxAttempts", "-1"],
  ["maxAttempts", "1.5"],
  ["maxAttempts", "three"],
  ["maxAttempts", ""],
  ["cooldown", "600"],
  ["cooldown", "0"],
  ["cooldown", "-1 minute"],
  ["cooldown", "infinity"],
  ["maxReviewsPerDay", "0"],
  ["maxReviewsPerDay", "-1"],
  ["maxReviewsPerDay", "1.5"],
  ["maxReviewsPerDay", "Infinity"],
  ["maxPending", "0"],
  ["maxPending", "-1"],
  ["maxPending", "1.5"],
  ["maxPending", "100,000"],
  ["retention", "90"],
  ["retention", "0"],
  ["retention", "0 days"],
  ["retention", "-1 day"],
  ["retention", "for ever"]
]

const badInYaml: ReadonlyArray<readonly [Setting, string, string]> = [
  ["enabled", "yes", '"yes"'],
  ["queue", '""', '""'],
  ["queue", "q".repeat(257), cut],
  ["queue", "[openclaw, other]", '["openclaw","other"]'],
  ["priority", "0", "0"],
  ["priority", ".nan", "NaN"],
  ["priority", "-.inf", "-Infinity"],
  ["priority", '"-1"', '"-1"'],
  ["maxConcurrent", "0", "0"],
  ["maxWait", "300", "300"],
  ["maxWait", "0", "0"],
  ["maxWait", ".inf", "Infinity"],
  ["maxWait", "-5 minutes", '"-5 minutes"'],
  ["maxWait", "5 moments", '"5 moments"'],
  ["onMaxWait", "true", "true"],
  ["quietPeriod", "1", "1"],
  ["quietPeriod", "infinity", '"infinity"'],
  ["onJobStart", "{ yield: true }", '{"yield":true}'],
  ["maxYields", "1.5", "1.5"],
  ["reviewTimeout", "300", "300"],
  ["reviewTimeout", "0", "0"],
  ["reviewTimeout", ".inf", "Infinity"],
  ["reviewTimeout", "0 seconds", '"0 seconds"'],
  ["reviewTimeout", "-5 minutes", '"-5 minutes"'],
  ["maxAttempts", "0", "0"],
  ["maxAttempts", "-1", "-1"],
  ["maxAttempts", "1.5", "1.5"],
  ["maxAttempts", '"3"', '"3"'],
  ["cooldown", "600", "600"],
  ["cooldown", "0", "0"],
  ["cooldown", ".inf", "Infinity"],
  ["cooldown", "infinity", '"infinity"'],
  ["cooldown", "-1 minute", '"-1 minute"'],
  ["maxReviewsPerDay", "0", "0"],
  ["maxReviewsPerDay", "-1", "-1"],
  ["maxReviewsPerDay", "1.5", "1.5"],
  ["maxReviewsPerDay", ".inf", "Infinity"],
  ["maxPending", "0", "0"],
  ["maxPending", "-1", "-1"],
  ["maxPending", "1.5", "1.5"],
  ["maxPending", "100,000", '"100,000"'],
  ["retention", "90", "90"],
  ["retention", "0", "0"],
  ["retention", "0 days", '"0 days"'],
  ["retention", "-1 day", '"-1 day"']
]

// ---------------------------------------------------------------------------
// Any subset of the settings, as each source spells it
// ---------------------------------------------------------------------------

const millis = FastCheck.nat(10_000_000)

const count = FastCheck.integer({ min: 1 })

const someMillis = FastCheck.integer({ min: 1, max: 10_000_000 })

const anySettings = FastCheck.record(
  {
    enabled: FastCheck.boolean(),
    queue: FastCheck.string({ minLength: 1, maxLength: 256 }),
    priority: FastCheck.double({ max: -1e-6, noDefaultInfinity: true, noNaN: true }),
    maxConcurrent: count,
    maxWait: millis,
    onMaxWait: FastCheck.constantFrom("fail", "run"),
    quietPeriod: millis,
    onJobStart: FastCheck.constantFrom("continue", "yield"),
    maxYields: FastCheck.nat(),
    reviewTimeout: someMillis,
    shutdownTimeout: millis,
    maxAttempts: count,
    cooldown: millis,
    maxReviewsPerDay: count,
    maxPending: count,
    retention: someMillis,
    maxCatchUpAge: millis
  },
  { requiredKeys: [] }
)

type Generated = typeof anySettings extends FastCheck.Arbitrary<infer A> ? A : never

const isDuration = (setting: Setting) => setting in eachInMillis

const inEnvironment = (settings: Generated): Environment =>
  Object.fromEntries(
    cases
      .filter(({ setting }) => setting in settings)
      .map(({ setting, variable }) => [variable, `${settings[setting]}${isDuration(setting) ? " millis" : ""}`])
  )

const inYaml = (settings: Generated): string => {
  const present = cases.filter(({ setting }) => setting in settings)
  const value = (setting: Setting) => (isDuration(setting) ? `${settings[setting]} millis` : settings[setting])
  return stringify({ healing: Object.fromEntries(present.map(({ key, setting }) => [key, value(setting)])) })
}

// ---------------------------------------------------------------------------
// Tests
// ---------------------------------------------------------------------------

describe("HealingConfig", () => {
  describe("defaults", () => {
    it.effect("are in force when nothing is said", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual<unknown>(plain(yield* fromCode()), defaults)
        assert.deepStrictEqual<unknown>(plain(yield* fromCode({})), defaults)
        assert.deepStrictEqual<unknown>(plain(yield* load({})), defaults)
      })
    )

    it("are not in force by themselves: a forgotten HealingConfig is a type error", () => {
      // @ts-expect-error OpenClaw.layer needs HealingConfig
      // @effect-diagnostics-next-line missingLayerContext:off
      const forgotten: Layer.Layer<OpenClaw> = OpenClaw.layer
      const provided: Layer.Layer<OpenClaw, never, HealingConfig> = OpenClaw.layer
      assert.strictEqual<unknown>(forgotten, provided)
    })
  })

  describe("each setting", () => {
    it.effect.each(cases)("$setting from code", ({ expected, setting, value }) =>
      Effect.gen(function* () {
        const settings = { [setting]: value }
        assert.deepStrictEqual<unknown>(plain(yield* fromCode(settings)), expected)
        assert.deepStrictEqual<unknown>(plain(yield* load({ settings })), expected)
      })
    )

    it.effect.each(cases)("$variable from the environment", ({ expected, text, variable }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual<unknown>(plain(yield* load({ environment: { [variable]: text } })), expected)
      })
    )

    it.effect.each(cases)("$key from YAML", ({ expected, key, text }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual<unknown>(plain(yield* load({ yaml: `healing:\n  ${key}: ${text}\n` })), expected)
      })
    )

    it.effect("allows the ends of its range", () =>
      Effect.gen(function* () {
        const settings = {
          queue: "q".repeat(256),
          priority: -Number.MIN_VALUE,
          maxConcurrent: 1,
          maxWait: 0,
          quietPeriod: 0,
          maxYields: 0,
          // A nanosecond.
          reviewTimeout: 1e-6,
          maxAttempts: 1,
          cooldown: 0,
          maxReviewsPerDay: 1,
          maxPending: 1,
          retention: 1e-6
        }
        assert.deepStrictEqual<unknown>(plain(yield* fromCode(settings)), { ...defaults, ...settings })
      })
    )
  })

  describe("durations", () => {
    const inCode = [
      "5 minutes",
      "300.0 seconds",
      Duration.minutes(5),
      300_000,
      300_000_000_000n,
      [300, 0]
    ] satisfies ReadonlyArray<Duration.DurationInput>

    it.effect.each(inCode.map((maxWait) => ({ maxWait })))("$maxWait in code is 5 minutes", ({ maxWait }) =>
      Effect.gen(function* () {
        assert.isTrue(Duration.equals((yield* fromCode({ maxWait })).maxWait, Duration.minutes(5)))
      })
    )

    it.effect.each([{ setting: "maxWait" }, { setting: "reviewTimeout" }, { setting: "retention" }] as const)(
      "may be infinite, as the longest $setting",
      ({ setting }) =>
        Effect.gen(function* () {
          const [variable, key] = each[setting]
          const settings = [
            yield* fromCode({ [setting]: Duration.infinity }),
            yield* fromCode({ [setting]: Number.POSITIVE_INFINITY }),
            yield* fromCode(untyped({ [setting]: "infinity" })),
            yield* load({ environment: { [variable]: "infinity" } }),
            yield* load({ yaml: `healing:\n  ${key}: infinity` })
          ]
          for (const inForce of settings) assert.isFalse(Duration.isFinite(inForce[setting]))
        })
    )

    it.effect.prop("come back as they were written, in any source", { millis }, ({ millis }) =>
      Effect.gen(function* () {
        const settings = [
          yield* fromCode({ maxWait: millis }),
          yield* fromCode({ maxWait: Duration.millis(millis) }),
          yield* load({ environment: { HEALING_MAX_WAIT: `${millis} millis` } }),
          yield* load({ yaml: `healing: { max_wait: ${millis} millis }` })
        ]
        for (const { maxWait } of settings) assert.strictEqual(Duration.toMillis(maxWait), millis)
      })
    )
  })

  describe("precedence", () => {
    it.effect.prop(
      "is code over environment over YAML over defaults",
      { code: anySettings, environment: anySettings, yaml: anySettings },
      ({ code, environment, yaml }) =>
        Effect.gen(function* () {
          const settings = yield* load({
            settings: untyped(code),
            environment: inEnvironment(environment),
            yaml: inYaml(yaml)
          })
          assert.deepStrictEqual<unknown>(plain(settings), { ...defaults, ...yaml, ...environment, ...code })
        })
    )

    it.effect("leaves to the others what is undefined in code", () =>
      Effect.gen(function* () {
        const { queue } = yield* load({ settings: { queue: undefined }, environment: { HEALING_QUEUE: "other" } })
        assert.strictEqual(queue, "other")
      })
    )
  })

  describe("the environment", () => {
    const setOnly = (variables: NodeJS.ProcessEnv) =>
      Effect.sync(() => {
        const before = { ...process.env }
        for (const name of Object.keys(before)) if (name.startsWith("HEALING")) delete process.env[name]
        Object.assign(process.env, variables)
        return before
      })

    const withVariables = (variables: Environment) => Effect.acquireRelease(setOnly(variables), setOnly)

    const loadAround = Effect.provide(HealingConfig, Layer.provide(HealingConfig.layerLoad(), NodeFileSystem.layer))

    const loadProcess = Effect.withConfigProvider(loadAround, ConfigProvider.fromEnv())

    it.scoped("of the process is read when the layer is built, and not before", () =>
      Effect.gen(function* () {
        yield* withVariables({})
        assert.deepStrictEqual<unknown>(plain(yield* loadProcess), defaults)
        yield* withVariables({ HEALING: "1", HEALINGS_MAX: "1", HEALING_QUEUE: "a, b", HEALING_MAX_WAIT: "2 minutes" })
        const settings = plain(yield* loadProcess)
        assert.deepStrictEqual<unknown>(settings, { ...defaults, queue: "a, b", maxWait: 120_000 })
      })
    )

    it.scoped("of the process is searched for misspelt names", () =>
      Effect.gen(function* () {
        // The second is the beginning of the third, and the last is below nothing.
        const misspelt = ["HEALING_MAX_WIAT", "HEALING_QUIET", "HEALING_QUIET_PEROID", "HEALING__QUEUE", "HEALING_"]
        yield* withVariables({ ...Record.fromEntries(misspelt.map((name) => [name, "sk-secret"])), HEALING_QUEUE: "a" })
        const error = yield* Effect.flip(loadProcess)
        assert.sameMembers(
          error.issues.map(({ key }) => key),
          misspelt
        )
        assert.notInclude(JSON.stringify(error), "sk-secret")
      })
    )

    it.effect("may stand below another name", () =>
      Effect.gen(function* () {
        const provider = (name: string) =>
          ConfigProvider.fromMap(new Map([[`APP_HEALING_${name}`, "7"]]), { pathDelim: "_" }).pipe(
            ConfigProvider.nested("APP")
          )
        const { maxYields } = yield* Effect.withConfigProvider(loadAround, provider("MAX_YIELDS"))
        assert.strictEqual(maxYields, 7)
        const { issues } = yield* Effect.flip(Effect.withConfigProvider(loadAround, provider("MAX_YEILDS")))
        assert.deepStrictEqual(
          issues.map(({ key }) => key),
          ["HEALING_MAX_YEILDS"]
        )
      })
    )

    it.effect("that cannot be read is refused, and not taken for an empty one", () =>
      Effect.gen(function* () {
        const unavailable = ConfigProvider.fromFlat(
          ConfigProvider.makeFlat({
            load: () => Effect.fail(ConfigError.SourceUnavailable([], "the vault is sealed", Cause.empty)),
            enumerateChildren: () => Effect.fail(ConfigError.MissingData([], "")),
            patch: ConfigProvider.fromMap(new Map()).flattened.patch
          })
        )
        const error = yield* Effect.flip(Effect.withConfigProvider(loadAround, unavailable))
        assert.include(error.message, "the vault is sealed")
      }).pipe(Effect.provide(NodeFileSystem.layer))
    )
  })

  describe("the settings of the API", () => {
    it.effect("open no port by default, and merge key by key", () =>
      Effect.gen(function* () {
        const none = { folder: undefined, port: undefined, host: "127.0.0.1", allowedHosts: [] }
        assert.deepStrictEqual((yield* load({})).http, none)
        const yaml = "healing:\n  http:\n    port: 9877\n    allowed_hosts: [build-7.lan, '[::1]:9877']\n"
        const environment = { HEALING_HTTP_PORT: "9878", HEALING_HTTP_FOLDER: "/run/healing" }
        const settings = { http: { host: "0.0.0.0" }, suggestions: { stopped: true } }
        const loaded = yield* load({ yaml, environment, settings })
        assert.deepStrictEqual(loaded.http, {
          folder: "/run/healing",
          port: 9878,
          host: "0.0.0.0",
          allowedHosts: ["build-7.lan", "[::1]:9877"]
        })
        assert.isTrue(loaded.suggestions.stopped)
      })
    )

    it.effect("that are bad are refused", () =>
      Effect.gen(function* () {
        const bad = [
          { port: 65_536 },
          { port: -1 },
          { port: 1.5 },
          { port: "9877" },
          { folder: "run" },
          { host: "" },
          { allowedHosts: ["https://build-7.lan"] },
          { allowedHosts: ["a b"] },
          { allowedHosts: "build-7.lan" }
        ]
        for (const http of bad) {
          const { issues } = yield* refusal({ settings: untyped({ http }) })
          assert.deepStrictEqual(
            issues.map(({ key }) => key),
            Object.keys(http).map((key) => `http.${key}`)
          )
        }
        yield* assertRefused(
          { environment: { HEALING_HTTP_PROT: "9877" } },
          {
            source: "environment",
            key: "HEALING_HTTP_PROT",
            found: "an unknown one",
            expected: "a known setting (did you mean HEALING_HTTP_PORT?)"
          }
        )
      })
    )
  })

  describe("the settings of suggestions", () => {
    const groupOf = (sources: Sources) =>
      Effect.map(load(sources), ({ suggestions }) =>
        // Comparable, as those above.
        Object.fromEntries(
          Object.entries(suggestions).map(([key, value]): readonly [string, unknown] => [
            key,
            Duration.isDuration(value) ? Duration.toMillis(value) : value
          ])
        )
      )
    const ofGroup = {
      allowedRoots: [],
      asRoot: false,
      forbidden: [],
      checks: {},
      checkTimeout: 30_000,
      stopped: false,
      stopFile: undefined,
      expireAfter: 1_209_600_000,
      approvalExpiresAfter: 604_800_000,
      applyWait: 3_600_000,
      goodRuns: 3,
      upFor: 600_000,
      watchFor: 604_800_000,
      retention: 7_776_000_000,
      autoApply: [],
      autoApplyPerJob: 1,
      autoApplyPerDay: 3
    }

    it.effect("allow nothing by default", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* groupOf({}), ofGroup)
        assert.deepStrictEqual(yield* groupOf({ yaml: "healing:\n  suggestions:\n    # nothing\n" }), ofGroup)
      })
    )

    it.effect("merge key by key, and what is forbidden adds up", () =>
      Effect.gen(function* () {
        const yaml = [
          "healing:",
          "  suggestions:",
          "    allowed_roots: [/srv/jobs]",
          "    forbidden: ['**/*.key']",
          "    checks: { '**/*.sh': [bash, -n] }",
          "    apply_wait: 5 minutes",
          "    stop_file: /run/stop",
          "    expire_after: 3 days"
        ].join("\n")
        const environment = {
          HEALING_SUGGESTIONS_APPLY_WAIT: "10 minutes",
          HEALING_SUGGESTIONS_AS_ROOT: "true",
          HEALING_SUGGESTIONS_STOPPED: "true"
        }
        const settings = { suggestions: { forbidden: ["secret/**"], stopped: false, retention: "1 day" } } as const
        assert.deepStrictEqual(yield* groupOf({ yaml, environment, settings }), {
          ...ofGroup,
          allowedRoots: ["/srv/jobs"],
          forbidden: ["**/*.key", "secret/**"],
          checks: { "**/*.sh": ["bash", "-n"] },
          applyWait: 600_000,
          asRoot: true,
          stopFile: "/run/stop",
          expireAfter: 259_200_000,
          retention: 86_400_000
        })
      })
    )

    const rule: AutoApplyRule = {
      name: "prompts",
      jobs: ["digest-*"],
      paths: ["prompts/**"],
      roles: ["prompt"],
      maxChangedLines: 20
    }

    it.effect("have rules for automatic application, from code or a file only", () =>
      Effect.gen(function* () {
        const narrow: AutoApplyRule = { ...rule, severities: ["low"] }
        const settings = { suggestions: { autoApply: [narrow] } }
        assert.deepStrictEqual((yield* load({ settings })).suggestions.autoApply, [narrow])
        const yaml = [
          "healing:",
          "  suggestions:",
          "    auto_apply_per_day: 5",
          "    auto_apply:",
          "      - { name: prompts, jobs: [digest-*], paths: [prompts/**], roles: [prompt], max_changed_lines: 20 }"
        ].join("\n")
        const { autoApply, autoApplyPerDay } = (yield* load({ yaml })).suggestions
        assert.deepStrictEqual([autoApply, autoApplyPerDay], [[rule], 5])
        const { issues } = yield* refusal({ environment: { HEALING_SUGGESTIONS_AUTO_APPLY: "[]" } })
        assert.strictEqual(issues[0].key, "HEALING_SUGGESTIONS_AUTO_APPLY")
      })
    )

    it.effect("refuse a rule that does not name all that it must, or names what there is not", () =>
      Effect.gen(function* () {
        const list = "a list of rules, each with name, jobs, paths, roles and maxChangedLines"
        const bad: ReadonlyArray<readonly [unknown, string]> = [
          ...["name", "jobs", "paths", "roles", "maxChangedLines"].map(
            (key) => [[{ ...rule, [key]: undefined }], `rule 1: ${key}: `] as const
          ),
          [
            [rule, { ...rule, name: "b", jobs: [] }],
            'rule 2: jobs: a list of 1 to 100 globs of names of jobs, such as "d'
          ],
          [[{ ...rule, roles: ["binary"] }], "rule 1: roles: a list of some of script, prompt, config"],
          [[{ ...rule, maxChangedLines: 0 }], "rule 1: maxChangedLines: a whole number of 1 or more"],
          // A key that is misspelt must not widen a rule.
          [[{ ...rule, severity: ["low"] }], "rule 1: severity: is not known"],
          [[{ ...rule, categories: [] }], "rule 1: categories: a list of some of prompt, script"],
          [[rule, rule], 'another name for each rule: "prompts" is twice'],
          [Array.from({ length: 101 }, (_, index) => ({ ...rule, name: String(index) })), "at most 100 rules"],
          [rule, ""]
        ]
        for (const [autoApply, expected] of bad) {
          const { issues } = yield* refusal({ settings: untyped({ suggestions: { autoApply } }) })
          assert.strictEqual(issues[0].key, "suggestions.autoApply")
          assert.isTrue(issues[0].expected.startsWith(`${list}; ${expected}`), issues[0].expected)
        }
        const yaml = "healing:\n  suggestions:\n    auto_apply: [{ name: a, maxChangedLines: 1 }]"
        const { issues } = yield* refusal({ yaml })
        assert.include(issues[0].expected, "max_changed_lines")
      })
    )

    it.effect("carry the file that they were read from", () =>
      Effect.gen(function* () {
        const path = yield* temporaryFile("healing: {}")
        assert.deepStrictEqual((yield* loadFile(path))[readFrom], [path])
      }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer))
    )

    const roots = "a list of at most 100 absolute paths of folders, not /"

    it.effect("that are bad are refused by their whole names", () =>
      Effect.gen(function* () {
        const code = (suggestions: object) => ({ settings: untyped({ suggestions }) })
        for (const bad of [["/"], ["/srv/.."], ["srv"], [""], "/srv", Array.from({ length: 101 }, () => "/srv")]) {
          const { issues } = yield* refusal(code({ allowedRoots: bad }))
          assert.deepStrictEqual([issues[0].key, issues[0].expected], ["suggestions.allowedRoots", roots])
        }
        yield* assertRefused(
          { yaml: "healing:\n  suggestions:\n    allowed_root: [/srv]\n    apply_wait: 5\n" },
          {
            source: "healing.yaml",
            key: "suggestions.allowed_root",
            found: "an unknown one",
            expected: "a known setting (did you mean suggestions.allowed_roots?)"
          },
          {
            source: "healing.yaml",
            key: "suggestions.apply_wait",
            found: "5",
            expected: 'a finite duration of zero or more with its unit, such as "1 hour"'
          }
        )
        yield* assertRefused(code([]), {
          source: "code",
          key: "suggestions",
          found: "[]",
          expected: "a mapping of settings"
        })
        yield* assertRefused(
          { environment: { HEALING_SUGGESTIONS_AS_ROOT: "yes" } },
          {
            source: "environment",
            key: "HEALING_SUGGESTIONS_AS_ROOT",
            found: '"yes"',
            expected: "true or false"
          }
        )
        for (const checks of [{ "*": "node" }, { "*": [] }, { "": ["node"] }, ["node"]]) {
          const { issues } = yield* refusal(code({ checks }))
          assert.strictEqual(issues[0].key, "suggestions.checks")
        }
        assert.strictEqual((yield* refusal(code({ stopFile: "stop" }))).issues[0].key, "suggestions.stopFile")
        // Where files may be changed is said where somebody can read it.
        const { issues } = yield* refusal({ environment: { HEALING_SUGGESTIONS_APPLY_WAITS: "1 hour" } })
        assert.strictEqual(issues[0].key, "HEALING_SUGGESTIONS_APPLY_WAITS")
      })
    )
  })

  describe("a bad setting", () => {
    it.effect.each(badInCode.map(([setting, value, found]) => ({ setting, value, found })))(
      "in code: $setting = $found",
      ({ found, setting, value }) =>
        assertRefused(
          { settings: untyped({ [setting]: value }) },
          { source: "code", key: setting, found, expected: right[setting][0] }
        )
    )

    it.effect.each(badInEnvironment.map(([setting, text]) => ({ setting, text })))(
      'in the environment: $setting = "$text"',
      ({ setting, text }) => {
        const key = each[setting][0]
        const found = JSON.stringify(text)
        return assertRefused(
          { environment: { [key]: text } },
          { source: "environment", key, found, expected: right[setting][1] }
        )
      }
    )

    it.effect.each(badInYaml.map(([setting, text, found]) => ({ setting, text, found })))(
      "in YAML: $setting = $found",
      ({ found, setting, text }) => {
        const key = each[setting][1]
        return assertRefused(
          { yaml: `healing:\n  ${key}: ${text}\n` },
          { source: "healing.yaml", key, found, expected: right[setting][1] }
        )
      }
    )

    it.effect("is refused from code alone, too", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fromCode({ priority: 0, maxConcurrent: 0 }))
        assert.deepStrictEqual(
          error.issues.map(({ key }) => key),
          ["priority", "maxConcurrent"]
        )
      })
    )

    it.effect("is refused even where a good one stands over it", () =>
      assertRefused(
        { settings: { priority: -1 }, environment: { HEALING_PRIORITY: "1" } },
        { source: "environment", key: "HEALING_PRIORITY", found: '"1"', expected: right.priority[1] }
      )
    )

    it.effect("is told with all the others, in the words of a person", () =>
      Effect.gen(function* () {
        const error = yield* refusal({
          settings: untyped({ priority: 0, maxWiat: "sk-secret", quietPeriod: Duration.infinity }),
          environment: { HEALING_MAX_WAIT: "300", HEALING_MAX_YEILDS: "sk-secret", HEALING_QUEUE: "q".repeat(300) },
          yaml: "healing:\n  max_concurrent: 0\n  enabeld: sk-secret\n  on_max_wait: wait\n  max_yields: 1"
        })
        const file = error.issues[0].source
        assert.match(file, /^\/.*\/healing\.yaml$/)
        assert.deepStrictEqual(error.message.split("\n"), [
          `enabeld (${file}): expected a known setting (did you mean enabled?), found an unknown one`,
          `max_concurrent (${file}): expected a whole number of 1 or more, found 0`,
          `on_max_wait (${file}): expected "fail" or "run", found "wait"`,
          "HEALING_MAX_YEILDS (environment): expected a known setting (did you mean HEALING_MAX_YIELDS?), found an unknown one",
          `HEALING_QUEUE (environment): expected a name of 1 to 256 characters, found ${cut}`,
          'HEALING_MAX_WAIT (environment): expected a duration of zero or more with its unit, such as "5 minutes", or "infinity", found "300"',
          "maxWiat (code): expected a known setting (did you mean maxWait?), found an unknown one",
          "priority (code): expected a number below 0, the priority of every job, found 0",
          'quietPeriod (code): expected a finite duration of zero or more, such as "1 second", found Infinity'
        ])
        assert.notInclude(JSON.stringify(error), "sk-secret")
      })
    )

    it.effect("is cut when it is long, and so is a long name", () =>
      Effect.gen(function* () {
        const long = "x".repeat(100_000)
        const error = yield* refusal({
          settings: untyped({ queue: [long], [long]: 1 }),
          environment: { HEALING_QUEUE: long }
        })
        assert.lengthOf(error.issues, 3)
        assert.isBelow(error.message.length, 2_000)
      })
    )
  })

  describe("a misspelt setting", () => {
    const misspelt = Arr.map(
      [
        ["code", "maxWiat", "maxWait"],
        ["code", "max_wait", "maxWait"],
        ["code", "concurrent", "maxConcurrent"],
        ["environment", "HEALING_MAX_WIAT", "HEALING_MAX_WAIT"],
        ["environment", "HEALING_ONJOBSTART", "HEALING_ON_JOB_START"],
        ["healing.yaml", "max_wiat", "max_wait"],
        ["healing.yaml", "quietPeriod", "quiet_period"]
      ] as const,
      ([source, key, nearest]) => ({ source, key, nearest })
    )

    it.effect.each(misspelt)("$key in $source is answered with $nearest", ({ key, nearest, source }) => {
      const value = "sk-secret"
      const sources: { readonly [K in typeof source]: Sources } = {
        code: { settings: untyped({ [key]: value }) },
        environment: { environment: { [key]: value } },
        "healing.yaml": { yaml: `healing:\n  ${key}: ${value}` }
      }
      const expected = `a known setting (did you mean ${nearest}?)`
      return assertRefused(sources[source], { source, key, found: "an unknown one", expected })
    })
  })

  it.effect("that is near to none is answered with those that there are", () =>
    Effect.gen(function* () {
      for (const key of ["__proto__", "zzzzzzzzz"]) {
        const { issues } = yield* Effect.flip(load({ yaml: `healing:\n  ${key}: 1` }))
        assert.match(issues[0].expected, /^a known setting \(there are enabled, queue, priority, .*\)$/)
      }
    })
  )

  it.effect("with nothing behind its key, in a file, is the default, for every setting", () =>
    Effect.gen(function* () {
      const defaults = yield* load({})
      const keys = Object.keys(defaults).map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
      const settings = yield* load({ yaml: `healing:\n${keys.map((key) => `  ${key}:\n    # nothing\n`).join("")}` })
      assert.deepStrictEqual(plain(settings), plain(defaults))
    })
  )

  it.effect("in a file may be merged from elsewhere, from one or from a list, and what stands beside wins", () =>
    Effect.gen(function* () {
      const { jobs, maxWait } = yield* load({
        yaml: `
base: &base { max_wait: 7 minutes, priority: -3 }
healing:
  <<: *base
  jobs:
    a: &a { min_runs: 3, enabled: false }
    b: &b { min_runs: 4, priority: -7 }
    c: { <<: [*a, *b], enabled: true }
`
      })
      assert.strictEqual(Duration.toMinutes(maxWait), 7)
      assert.deepStrictEqual(jobs.c, { min_runs: 3, enabled: true, priority: -7 })
    })
  )

  it.effect("may be a duration as it is printed", () =>
    Effect.gen(function* () {
      for (const duration of ["5m", "1h 30m", "90s", "500ms", "2d", "1d 2h 3m 4s", "10 minutes", "1.5s"]) {
        for (const sources of [
          { yaml: `healing: { max_wait: ${duration} }` },
          { environment: { HEALING_MAX_WAIT: duration } }
        ]) {
          const { maxWait } = yield* load(sources)
          const again = yield* load({ yaml: `healing: { max_wait: ${Duration.format(maxWait)} }` })
          assert.strictEqual(Duration.toMillis(again.maxWait), Duration.toMillis(maxWait), duration)
        }
      }
      assert.strictEqual(Duration.toMinutes((yield* load({ yaml: "healing: { max_wait: 1h 30m }" })).maxWait), 90)
      for (const wrong of ["5", "5x", "m", "5m 3", "-5m"])
        yield* Effect.flip(load({ yaml: `healing: { max_wait: ${wrong} }` }))
    })
  )

  describe("the file", () => {
    const assertFileRefused = (path: string, found: string, expected: string) =>
      Effect.map(Effect.flip(loadFile(path)), ({ issues }) => {
        assert.deepStrictEqual<unknown>(issues, [{ source: "file", key: path, found, expected }])
      })

    const withText = (text: string, found: string, expected: string) =>
      temporaryFile(text).pipe(
        Effect.flatMap((path) => assertFileRefused(path, found, expected)),
        Effect.scoped,
        Effect.provide(NodeFileSystem.layer)
      )

    it.effect.each([
      { name: "empty", text: "" },
      { name: "nothing but a comment", text: "# healing:\n#   max_wait: 1 minute\n" },
      { name: "without healing", text: "jobs:\n  digest: { every: 1 hour }\nhealer: sk-secret\n" },
      { name: "with an empty healing", text: "healing:\nhealling:\n  max_wait: 1 minute\n" },
      { name: "with an empty mapping", text: "healing: {}" }
    ])("that is $name leaves the defaults", ({ text }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual<unknown>(plain(yield* load({ yaml: text })), defaults)
      })
    )

    it.effect("may hold other keys, tags of others and its settings elsewhere", () =>
      Effect.gen(function* () {
        const yaml = "password: !vault sk-secret\nshared: &shared\n  max_yields: 9\nhealing: *shared\n"
        const warnings: Array<unknown> = []
        const emitWarning = process.emitWarning
        const settings = yield* Effect.acquireUseRelease(
          Effect.sync(() => {
            process.emitWarning = (...warning: ReadonlyArray<unknown>) => {
              warnings.push(warning)
            }
          }),
          () => load({ yaml }),
          () =>
            Effect.sync(() => {
              process.emitWarning = emitWarning
            })
        )
        assert.strictEqual(settings.maxYields, 9)
        assert.deepStrictEqual(warnings, [])
      })
    )

    it.effect("that is missing is refused", () =>
      assertFileRefused("/nowhere/healing.yaml", "no such file", "a readable YAML file").pipe(
        Effect.zipRight(assertFileRefused("a\0b", "a name that no file can have", "a readable YAML file")),
        Effect.provide(NodeFileSystem.layer)
      )
    )

    it.scoped("that is a folder is refused", () =>
      Effect.gen(function* () {
        const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fileSystem) =>
          fileSystem.makeTempDirectoryScoped()
        )
        yield* assertFileRefused(folder, "a directory", "a YAML file")
      }).pipe(Effect.provide(NodeFileSystem.layer))
    )

    // Through a file system of its own, since root may read everything.
    it.effect("that may not be read is refused", () => {
      const denied = new PlatformError.SystemError({
        reason: "PermissionDenied",
        module: "FileSystem",
        method: "stat",
        pathOrDescriptor: "/etc/healing.yaml"
      })
      return assertFileRefused("/etc/healing.yaml", "permission denied", "a readable YAML file").pipe(
        Effect.provide(FileSystem.layerNoop({ stat: () => Effect.fail(denied) }))
      )
    })

    it.effect.each([
      { name: "unbalanced", text: "healing: [", found: /^bad indent at line 1, column 11$/ },
      {
        name: "indented by tabs",
        text: "healing:\n\tmax_wait: 1 minute",
        found: /^tab as indent at line 2, column 1$/
      },
      { name: "of two documents", text: "healing: {}\n---\nhealing: {}", found: /^multiple docs at line 2/ },
      { name: "with a key given twice", text: "healing: {}\nhealing: {}", found: /^duplicate key at line 2/ },
      { name: "too deep", text: "[".repeat(10_000), found: /^resource exhaustion at line 1/ },
      {
        name: "an alias bomb",
        text: Arr.makeBy(12, (n) => `a${n}: &a${n} [${n === 0 ? "x" : Arr.replicate(`*a${n - 1}`, 10).join()}]`).join(
          "\n"
        ),
        found: /^too many aliases$/
      },
      { name: "unable to resolve what may be a secret", text: "password: *hunter2", found: /^(?!.*hunter2)/ }
    ])("that is $name is refused", ({ found, text }) =>
      Effect.gen(function* () {
        const [issue] = (yield* refusal({ yaml: text })).issues
        assert.match(issue.found, found)
        assert.notMatch(issue.found, /\n|:$/)
        assert.strictEqual(issue.expected, "valid YAML")
      })
    )

    it.effect.each([
      { name: "a list", text: "- healing", found: "a list" },
      { name: "a string", text: "sk-secret", found: "a string" },
      { name: "a number", text: "42", found: "a number" }
    ])("that is $name is refused", ({ found, text }) => withText(text, found, "a mapping with the key healing"))

    it.effect.each([
      { name: "a list", text: "healing:\n  - max_wait: 1 minute", found: "a list" },
      { name: "a string", text: "healing: max_wait", found: "a string" },
      { name: "a boolean", text: "healing: true", found: "a boolean" }
    ])("whose healing is $name is refused", ({ found, text }) =>
      withText(text, found, "a mapping of settings under the key healing")
    )

    it.effect.each([{ key: "healling" }, { key: "heling" }, { key: "Healing" }, { key: "HEALING" }])(
      "that holds $key for healing is refused",
      ({ key }) => withText(`jobs: {}\n${key}:\n  max_wait: 1 minute\n`, key, "the key healing")
    )

    it.effect("of more than 64 KiB is refused", () =>
      Effect.gen(function* () {
        const limit = 64 * 1024
        const text = `healing: { max_yields: 9 }\n${"#".repeat(limit)}`
        assert.strictEqual((yield* load({ yaml: text.slice(0, limit) })).maxYields, 9)
        yield* withText(text.slice(0, limit + 1), `${limit + 1} bytes`, "a YAML file of at most 64 KiB")
      })
    )

    it.effect("is not looked at by those who name none", () =>
      Effect.provide(
        Effect.map(loadFile(undefined), (settings) => assert.deepStrictEqual<unknown>(plain(settings), defaults)),
        FileSystem.layerNoop({})
      )
    )
  })
})
