/**
 * The configuration that a review gives to OpenClaw: the user's own, without what could change anything.
 *
 * @internal
 */
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"

const Model = Schema.Union(
  Schema.String,
  Schema.Struct({
    primary: Schema.optional(Schema.String),
    fallbacks: Schema.optional(Schema.Array(Schema.String))
  })
)

const Models = Schema.Record({
  key: Schema.String,
  value: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})

/**
 * What is kept of the user's `agents.defaults`.
 *
 * @internal
 */
export const Defaults = Schema.Struct({
  model: Schema.optional(Model),
  models: Schema.optionalWith(Models, { default: () => ({}) })
})

/**
 * - `base`, `main`: the two files.
 * - `isOpenClawOnly`: whether it is certain that OpenClaw itself runs the model.
 * - `hasFallback`: whether it may go on to another model.
 *
 * @internal
 */
export interface ReviewConfig {
  readonly base: string
  readonly main: string
  readonly isOpenClawOnly: boolean
  readonly hasFallback: boolean
}

/**
 * Two files, since OpenClaw joins the lists of a file to those of the file that it includes: the first one takes away what
 * the second one says anew. `tools`, `mcp` and `hooks` are where tools come from, and `bindings` name agents. Those of an agent go before these, so
 * that of `agents` nothing but the models is left, each of them run by OpenClaw itself: other programs (`codex`,
 * `claude-cli`) bring tools of their own. Providers, their keys and everything else stay as the user has them.
 *
 * Seen on OpenClaw 2026.9.6: the model is offered no tool at all, or `read` alone, and calls of others are refused.
 *
 * - `userConfig`: the path of the user's configuration, if there is one.
 * - `model`: the one that was asked for, if one was.
 * - `others`: the ones that it may fall back to.
 * - `mayRead`: whether it may read the files of its working folder.
 *
 * @internal
 */
export const reviewConfig = (options: {
  readonly userConfig: string | undefined
  readonly defaults: Option.Option<typeof Defaults.Type>
  readonly model: string | undefined
  readonly others: ReadonlyArray<string>
  readonly mayRead: boolean
}): ReviewConfig => {
  const { model, models } = Option.getOrElse(options.defaults, () => ({ model: undefined, models: {} }))
  const known = Object.fromEntries(
    [...namesOf(model), options.model ?? "", ...options.others].flatMap(keysOf).map((key) => [key, {}] as const)
  )
  const first = options.model ?? namesOf(model)[0]
  return {
    isOpenClawOnly: first !== undefined && (first.includes("/") || isAlias(first, models)),
    hasFallback: namesOf(model).length > 1 || options.others.length > 0,
    base: JSON.stringify({
      ...(options.userConfig !== undefined && { $include: options.userConfig }),
      tools: null,
      mcp: null,
      hooks: null,
      agents: null,
      bindings: null
    }),
    main: JSON.stringify({
      $include: "./base.json",
      tools: options.mayRead ? READ_ONLY : NOTHING,
      mcp: { servers: {} },
      hooks: {},
      bindings: [],
      agents: {
        defaults: {
          ...(model !== undefined && { model }),
          models: Record.map({ ...known, ...models }, (entry) => ({ ...entry, agentRuntime: { id: "openclaw" } }))
        },
        entries: { main: {} }
      }
    })
  }
}

/** The first choice, and the fallbacks. */
const namesOf = (model: typeof Model.Type | undefined): ReadonlyArray<string> => {
  if (model === undefined) return []
  return typeof model === "string"
    ? [model]
    : [...(model.primary === undefined ? [] : [model.primary]), ...(model.fallbacks ?? [])]
}

/** Under which its settings are found: with and without the profile that it is asked with, and those of all of its kind. */
const keysOf = (name: string): ReadonlyArray<string> => {
  const slash = name.indexOf("/")
  return slash === -1 ? [] : [name, name.replace(/@[^/]*$/, ""), `${name.slice(0, slash)}/*`]
}

/** One that stands with the settings of a model. */
const isAlias = (name: string, models: typeof Models.Type): boolean =>
  Object.values(models).some(({ alias }) => alias === name)

const NOTHING = { deny: ["*"], fs: { workspaceOnly: true }, codeMode: false }

const READ_ONLY = {
  allow: ["read"],
  deny: ["write", "edit", "apply_patch", "group:runtime", "group:plugins"],
  fs: { workspaceOnly: true },
  codeMode: false,
  toolSearch: false
}
