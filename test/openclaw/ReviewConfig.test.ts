import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { Defaults, reviewConfig } from "../../src/openclaw/ReviewConfig.js"

const runtime = { agentRuntime: { id: "openclaw" } }

const configOf = (defaults: unknown, options: { readonly model?: string; readonly mayRead?: boolean } = {}) => {
  const { base, main } = reviewConfig({
    userConfig: "/home/u/.openclaw/openclaw.json",
    defaults: Schema.decodeUnknownOption(Defaults)(defaults),
    model: options.model,
    mayRead: options.mayRead ?? false
  })
  const both: { readonly base: unknown; readonly main: unknown } = { base: JSON.parse(base), main: JSON.parse(main) }
  return both
}

const mainOf = (tools: object, defaults: object) => ({
  $include: "./base.json",
  tools,
  mcp: { servers: {} },
  hooks: {},
  agents: { defaults, entries: { main: {} } }
})

const none = { deny: ["*"], fs: { workspaceOnly: true }, codeMode: false }

describe("the configuration of a review", () => {
  it("takes away what the user's says of tools, and includes the rest", () => {
    assert.deepStrictEqual(configOf({}).base, {
      $include: "/home/u/.openclaw/openclaw.json",
      tools: null,
      mcp: null,
      hooks: null,
      agents: null
    })
    const { base } = reviewConfig({ userConfig: undefined, defaults: Option.none(), model: undefined, mayRead: false })
    assert.deepStrictEqual<unknown>(JSON.parse(base), { tools: null, mcp: null, hooks: null, agents: null })
  })

  it("allows no tool, or to read in the working folder", () => {
    assert.deepStrictEqual(configOf({}).main, mainOf(none, { models: {} }))
    assert.deepStrictEqual(
      configOf({}, { mayRead: true }).main,
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

  const cases: Readonly<
    Record<string, readonly [defaults: unknown, expected: object, options?: { readonly model?: string }]>
  > = {
    "a model": [{ model: "a/one" }, { model: "a/one", models: { "a/one": runtime } }],
    "a model with fallbacks": [
      { model: { primary: "a/one", fallbacks: ["b/two"] } },
      { model: { primary: "a/one", fallbacks: ["b/two"] }, models: { "a/one": runtime, "b/two": runtime } }
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
      { model: "a/one", models: { "a/one": runtime, "c/three": runtime } },
      { model: "c/three" }
    ],
    "nothing else": [
      { model: "a/one", workspace: "/w", tools: { allow: ["exec"] }, sandbox: { mode: "off" }, cliBackends: {} },
      { model: "a/one", models: { "a/one": runtime } }
    ],
    "nothing of what makes no sense": [{ model: 7 }, { models: {} }]
  }
  for (const [name, [defaults, expected, options]] of Object.entries(cases)) {
    it(`keeps of the user's agents ${name}`, () => {
      assert.deepStrictEqual(configOf(defaults, options).main, mainOf(none, expected))
    })
  }
})
