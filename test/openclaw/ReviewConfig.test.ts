import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Defaults, reviewConfig } from "../../src/openclaw/ReviewConfig.js"

const runtime = { agentRuntime: { id: "openclaw" } }

interface Options {
  readonly userConfig?: string | undefined
  readonly model?: string
  readonly others?: ReadonlyArray<string>
  readonly mayRead?: boolean
}

const configOf = (defaults: unknown, options: Options = {}) =>
  reviewConfig({
    userConfig: "userConfig" in options ? options.userConfig : "/home/u/.openclaw/openclaw.json",
    defaults: Schema.decodeUnknownOption(Defaults)(defaults),
    model: options.model,
    others: options.others ?? [],
    mayRead: options.mayRead ?? false
  })

const parsed = (json: string): unknown => JSON.parse(json)

const pinned = (...keys: ReadonlyArray<string>) => Object.fromEntries(keys.map((key) => [key, runtime]))

const mainOf = (tools: object, defaults: object) => ({
  $include: "./base.json",
  tools,
  mcp: { servers: {} },
  hooks: {},
  bindings: [],
  agents: { defaults, entries: { main: {} } }
})

const none = { deny: ["*"], fs: { workspaceOnly: true }, codeMode: false }

describe("the configuration of a review", () => {
  it("takes away what the user's says of tools, and includes the rest", () => {
    const nothing = { tools: null, mcp: null, hooks: null, agents: null, bindings: null }
    assert.deepStrictEqual(parsed(configOf({}).base), { $include: "/home/u/.openclaw/openclaw.json", ...nothing })
    assert.deepStrictEqual(parsed(configOf({}, { userConfig: undefined }).base), nothing)
  })

  it("allows no tool, or to read in the working folder", () => {
    assert.deepStrictEqual(parsed(configOf({}).main), mainOf(none, { models: {} }))
    assert.deepStrictEqual(
      parsed(configOf({}, { mayRead: true }).main),
      mainOf(
        {
          allow: ["read"],
          deny: ["write", "edit", "apply_patch", "group:runtime", "group:plugins"],
          fs: { workspaceOnly: true },
          codeMode: false,
          toolSearch: false
        },
        { models: {} }
      )
    )
  })

  const cases: Readonly<Record<string, readonly [defaults: unknown, expected: object, options?: Options]>> = {
    "a model": [{ model: "a/one" }, { model: "a/one", models: pinned("a/one", "a/*") }],
    "a model with fallbacks": [
      { model: { primary: "a/one", fallbacks: ["b/two"] } },
      { model: { primary: "a/one", fallbacks: ["b/two"] }, models: pinned("a/one", "a/*", "b/two", "b/*") }
    ],
    "an alias, with what stands for it": [
      { model: "best", models: { "a/one": { alias: "best", params: { temperature: 1 } } } },
      { model: "best", models: { "a/one": { alias: "best", params: { temperature: 1 }, ...runtime } } }
    ],
    "no other program of the model's, which has tools of its own": [
      { models: { "a/one": { agentRuntime: { id: "codex" } } } },
      { models: { "a/one": runtime } }
    ],
    "the model of the review": [
      { model: "a/one" },
      { model: "a/one", models: pinned("a/one", "a/*", "c/three", "c/*") },
      { model: "c/three" }
    ],
    "nothing else": [
      { model: "a/one", workspace: "/w", tools: { allow: ["exec"] }, sandbox: { mode: "off" }, cliBackends: {} },
      { model: "a/one", models: pinned("a/one", "a/*") }
    ],
    "a model with a profile, whose settings are found without it": [
      { model: "a/b/one@work" },
      { model: "a/b/one@work", models: pinned("a/b/one@work", "a/b/one", "a/*") }
    ],
    "what it may fall back to": [
      { model: "a/one" },
      { model: "a/one", models: pinned("a/one", "a/*", "d/four", "d/*") },
      { others: ["d/four"] }
    ],
    "nothing of what makes no sense": [{ model: 7 }, { models: {} }]
  }
  for (const [name, [defaults, expected, options]] of Object.entries(cases)) {
    it(`keeps of the user's agents ${name}`, () => {
      assert.deepStrictEqual(parsed(configOf(defaults, options).main), mainOf(none, expected))
    })
  }

  it("is certain that OpenClaw itself runs a model that it knows by its provider, or as an alias", () => {
    const certain = (defaults: unknown, options?: Options) => configOf(defaults, options).isOpenClawOnly
    assert.isTrue(certain({ model: "a/one" }))
    assert.isTrue(certain({ model: { primary: "a/one" } }))
    assert.isTrue(certain({}, { model: "a/one" }))
    assert.isTrue(certain({ model: "best", models: { "a/one": { alias: "best" } } }))
    assert.isFalse(certain({}))
    assert.isFalse(certain({ model: "one" }))
    assert.isFalse(certain({ model: "a/one" }, { model: "two" }))
    assert.isFalse(certain({ model: { fallbacks: [] } }))
  })

  it("knows whether there is anything to fall back to", () => {
    assert.isFalse(configOf({ model: "a/one" }).hasFallback)
    assert.isTrue(configOf({ model: { primary: "a/one", fallbacks: ["b/two"] } }).hasFallback)
    assert.isTrue(configOf({ model: "a/one" }, { others: ["b/two"] }).hasFallback)
  })
})
