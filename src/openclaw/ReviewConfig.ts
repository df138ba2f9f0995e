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
 * Two files, since OpenClaw joins the lists of a file to those of the file that it includes: the first one takes away what
 * the second one says anew. `tools`, `mcp` and `hooks` are where tools come from. Those of an agent go before these, so
 * that of `agents` nothing but the models is left, each of them run by OpenClaw itself: other programs (`codex`,
 * `claude-cli`) bring tools of their own. Providers, their keys and everything else stay as the user has them.
 *
 * Seen on OpenClaw 2026.9.6: the model is offered no tool at all, or `read` alone, and calls of others are refused.
 *
 * - `userConfig`: the path of the user's configuration, if there is one.
 * - `model`: the one that was asked for, if one was.
 * - `mayRead`: whether it may read the files of its working folder.
 *
 * @internal
 */
export const reviewConfig = (options: {
  readonly userConfig: string | undefined
  readonly defaults: Option.Option<typeof Defaults.Type>
  readonly model: string | undefined
  readonly mayRead: boolean
}): { readonly base: string; readonly main: string } => {
  const { model, models } = Option.getOrElse(options.defaults, () => ({ model: undefined, models: {} }))
  const named = [...refsOf(model), ...refsOf(options.model)].map((ref) => [ref, {}] as const)
  const known = { ...Object.fromEntries(named), ...models }
  return {
    base: JSON.stringify({
      ...(options.userConfig !== undefined && { $include: options.userConfig }),
      tools: null,
      mcp: null,
      hooks: null,
      agents: null
    }),
    main: JSON.stringify({
      $include: "./base.json",
      tools: options.mayRead ? READ_ONLY : NOTHING,
      mcp: { servers: {} },
      hooks: {},
      agents: {
        defaults: {
          ...(model !== undefined && { model }),
          models: Record.map(known, (entry) => ({ ...entry, agentRuntime: { id: "openclaw" } }))
        },
        entries: { main: {} }
      }
    })
  }
}

/** Without aliases, which stand with their models. */
const refsOf = (model: typeof Model.Type | undefined): ReadonlyArray<string> => {
  const refs = typeof model === "object" ? [model.primary ?? "", ...(model.fallbacks ?? [])] : [model ?? ""]
  return refs.filter((ref) => ref.includes("/"))
}

const NOTHING = { deny: ["*"], fs: { workspaceOnly: true }, codeMode: false }

const READ_ONLY = {
  allow: ["read"],
  deny: ["write", "edit", "apply_patch", "group:runtime", "group:plugins"],
  fs: { workspaceOnly: true },
  codeMode: false,
  toolSearch: false
}
