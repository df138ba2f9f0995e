import { SqlClient } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { HealingStore, Report, Reviewed, reportMarkdown, Suggestion, SuggestionSeverity } from "effect-healing"
import { settle } from "../support/gateWorld.js"
import { makeQueueWorld } from "../support/queueWorld.js"
import { aRequest, aSuggestion, ended, insert, openStore } from "../support/storeSamples.js"

/** With everything, as long as it may be, and what was trouble somewhere. */
const everything: Report = {
  summary: `${"`\u0000\r\n\\\"'日本👩‍👩‍👧e\u0301\u202e\u2028".repeat(900)}\ud83d`.slice(-20_000),
  rootCause: "c".repeat(10_000),
  suggestions: Array.from({ length: 20 }, (_, index) => ({
    ...aSuggestion,
    category: Suggestion.fields.category.literals[index % 8] ?? "prompt",
    severity: SuggestionSeverity.literals[index % 4] ?? "low",
    title: "t".repeat(200),
    description: "d".repeat(4000),
    currentState: "s".repeat(4000),
    change: "h".repeat(4000),
    expectedImpact: "i".repeat(4000),
    targetFile: "f".repeat(4096),
    proposedContent: "\ufeff\r\n\t".repeat(16_384),
    fileHash: `sha256:${"0123456789abcdef".repeat(4)}`
  })),
  model: "m".repeat(256),
  tokens: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, total: Number.MAX_SAFE_INTEGER },
  costUsd: 0.000125
}

describe("a report", () => {
  const isReport = Schema.is(Report)
  const isSuggestion = Schema.is(Suggestion)

  it("may be everything or a summary", () => {
    assert.isTrue(isReport(everything))
    assert.isTrue(isReport({ summary: "fine" }))
    for (const field of ["rootCause", "suggestions", "model", "tokens", "costUsd"]) {
      assert.isFalse(isReport({ summary: "fine", [field]: null }), field)
      assert.isFalse(isReport({ summary: "fine", [field]: undefined }), field)
    }
  })

  const edges: ReadonlyArray<readonly [field: keyof Report, min: number, max: number]> = [
    ["summary", 1, 20_000],
    ["rootCause", 1, 10_000],
    ["model", 1, 256]
  ]
  for (const [field, min, max] of edges) {
    it(`has a ${field} of ${min} to ${max} characters`, () => {
      const withLength = (length: number) => isReport({ summary: "fine", [field]: "x".repeat(length) })
      assert.deepStrictEqual([min - 1, min, max, max + 1].map(withLength), [false, true, true, false])
    })
  }

  it("has at most 20 suggestions", () => {
    const withCount = (length: number) =>
      isReport({ summary: "fine", suggestions: Array.from({ length }, () => aSuggestion) })
    assert.deepStrictEqual([0, 20, 21].map(withCount), [true, true, false])
  })

  it("has counts and costs that can be", () => {
    for (const field of ["input", "output", "cacheRead", "cacheWrite", "total"]) {
      const withCount = (count: unknown) =>
        isReport({ ...everything, tokens: { ...everything.tokens, [field]: count } })
      assert.deepStrictEqual([0, 7, -1, 0.5, Number.NaN, null].map(withCount), [true, true, false, false, false, false])
    }
    const withCost = (costUsd: number) => isReport({ summary: "fine", costUsd })
    assert.deepStrictEqual([0, 1e-9, 1e9].map(withCost), [true, true, true])
    assert.deepStrictEqual([-1e-9, Number.NaN, Number.POSITIVE_INFINITY].map(withCost), [false, false, false])
  })

  const suggestionEdges: ReadonlyArray<readonly [field: keyof Suggestion, isNull: boolean, min: number, max: number]> =
    [
      ["title", false, 1, 200],
      ["description", false, 1, 4000],
      ["currentState", true, 0, 4000],
      ["change", false, 1, 4000],
      ["expectedImpact", true, 0, 4000],
      ["targetFile", true, 0, 4096],
      ["proposedContent", true, 0, 65_536]
    ]
  for (const [field, isNull, min, max] of suggestionEdges) {
    it(`has suggestions with a ${field} of ${min} to ${max} characters${isNull ? ", or none" : ""}`, () => {
      const withValue = (value: string | null) => isSuggestion({ ...aSuggestion, [field]: value })
      assert.isTrue(withValue("x".repeat(min)))
      assert.isTrue(withValue("x".repeat(max)))
      assert.isFalse(withValue("x".repeat(max + 1)))
      if (min > 0) assert.isFalse(withValue(""))
      assert.strictEqual(withValue(null), isNull)
    })
  }

  it("has suggestions with titles on one line, hashes that are some, and no words of their own", () => {
    const fits = (fields: object) => isSuggestion({ ...aSuggestion, ...fields })
    for (const end of ["\n", "\r", "\u2028", "\u2029"]) {
      assert.isFalse(fits({ title: `a${end}` }))
      assert.isFalse(fits({ title: `a${end}b` }))
    }
    const digits = "0123456789abcdef".repeat(4)
    assert.isTrue(fits({ fileHash: `sha256:${digits}` }))
    for (const hash of [digits, `sha256:${digits}0`, `sha256:${digits.slice(1)}`, `sha256:${digits.toUpperCase()}`]) {
      assert.isFalse(fits({ fileHash: hash }), hash)
    }
    assert.isFalse(fits({ category: "style" }))
    assert.isFalse(fits({ severity: "urgent" }))
  })
})

describe("a report that is stored", () => {
  const Sqlite = SqliteClient.layer({ filename: ":memory:" })
  const stores = {
    memory: HealingStore.layerMemory,
    SQL: Layer.provide(HealingStore.layerSql, Sqlite)
  }
  for (const [name, layer] of Object.entries(stores)) {
    it.scoped(`in ${name} comes back byte for byte`, () =>
      Effect.gen(function* () {
        const store = yield* openStore(layer)
        const all = [ended(2, 20, { report: everything }), ended(1, 10, { report: { summary: "fine" } })]
        yield* store.commit(all.map(insert))
        assert.deepStrictEqual(yield* store.history({ job: "A", states: ["completed"], limit: 10 }), all)
      })
    )
  }

  it.scoped("comes back from the history of the queue", () =>
    Effect.gen(function* () {
      const world = yield* makeQueueWorld()
      const first = yield* world.start
      yield* first.queue.submit({ job: "A", trigger: "manual" })
      yield* settle
      yield* world.end("A", Reviewed.Completed({ report: everything }))
      yield* first.stop
      const { queue } = yield* world.start
      assert.deepStrictEqual(
        (yield* queue.history({ job: "A" })).map(({ report }) => report),
        [everything]
      )
    })
  )

  it.scoped("by the first version still reads", () =>
    Effect.gen(function* () {
      const sqlite = yield* Layer.build(Sqlite)
      const sql = Context.get(sqlite, SqlClient.SqlClient)
      const store = yield* openStore(Layer.provide(HealingStore.layerSql, Layer.succeedContext(sqlite)))
      yield* store.commit([insert(ended(1, 10, { report: everything }))])
      yield* sql`UPDATE healing_requests SET report = ${'{"summary": "..."}'}`
      const [old] = yield* store.history({ states: ["completed"], limit: 10 })
      assert.deepStrictEqual(old?.report, { summary: "..." })
    })
  )
})

describe("a report in Markdown", () => {
  const HEAD = "# Review of A\n\ncompleted, 1970-01-01T00:00:05.000Z, because of: manual (`healing:A:1`)\n"
  const markdown = (report: Report) => reportMarkdown(ended(1, 5000, { report }))
  const suggesting = (...suggestions: ReadonlyArray<Partial<Suggestion>>) =>
    markdown({ summary: "S", suggestions: suggestions.map((fields) => ({ ...aSuggestion, ...fields })) })

  it("has all of its sections", () => {
    const page = markdown({
      summary: "The disk was full.",
      rootCause: "Logs are never removed.",
      suggestions: [
        {
          ...aSuggestion,
          currentState: "None is removed.",
          expectedImpact: "There is room.",
          targetFile: "/srv/digest.yaml",
          proposedContent: "keep: 7\n"
        },
        { ...aSuggestion, severity: "low", title: "Say less" }
      ],
      model: "mock/mock-1",
      tokens: { input: 111, output: 7, cacheRead: 0, cacheWrite: 0, total: 118 },
      costUsd: 0.000125
    })
    assert.strictEqual(
      page,
      `${HEAD}
## Summary

The disk was full.

## Root cause

Logs are never removed.

## Suggestions

### 1. Remove old logs

high, config, in \`/srv/digest.yaml\`

They fill the disk.

**Now:** None is removed.

**Change:** Keep seven of them.

**Expected impact:** There is room.

Proposed content:

\`\`\`
keep: 7
\`\`\`

### 2. Say less

low, config

They fill the disk.

**Change:** Keep seven of them.

---

mock/mock-1, 118 tokens (111 in, 7 out), 0.0001 USD
`
    )
  })

  it("has no more than there is", () => {
    assert.strictEqual(markdown({ summary: "Fine." }), `${HEAD}\n## Summary\n\nFine.\n`)
    assert.strictEqual(suggesting(), `${HEAD}\n## Summary\n\nS\n\n## Suggestions\n\nNone.\n`)
    assert.include(
      markdown({
        summary: "S",
        evidence: [
          {
            title: "Log stderr",
            characters: 12_345,
            remarks: ["cut: 7 characters at the beginning", "secrets replaced"]
          },
          { title: "Command line", characters: 9, remarks: [] }
        ]
      }),
      "\n\n## Evidence\n\n- Log stderr: 12,345 characters (cut: 7 characters at the beginning; secrets replaced)\n- Command line: 9 characters\n"
    )
    assert.match(markdown({ summary: "S", model: "m" }), /\n\n---\n\nm\n$/)
    assert.match(markdown({ summary: "S", costUsd: 2 }), /\n\n---\n\n2\.0000 USD\n$/)
  })

  it("has the most severe suggestions first, and those alike as they were", () => {
    const page = suggesting(
      { severity: "medium", title: "a" },
      { severity: "low", title: "b" },
      { severity: "critical", title: "c" },
      { severity: "high", title: "d" },
      { severity: "medium", title: "e" },
      { severity: "critical", title: "f" }
    )
    assert.deepStrictEqual(page.match(/^### .*$/gm), [
      "### 1. c",
      "### 2. f",
      "### 3. d",
      "### 4. a",
      "### 5. e",
      "### 6. b"
    ])
  })

  it("of a request that has failed or was skipped says why", () => {
    const failed = ended(1, 5000, {
      state: "failed",
      report: null,
      reason: "no luck",
      triggers: ["failure", "schedule"]
    })
    assert.strictEqual(
      reportMarkdown(failed),
      "# Review of A\n\nfailed, 1970-01-01T00:00:05.000Z, because of: failure, schedule (`healing:A:1`)\n\nno luck\n"
    )
    assert.include(reportMarkdown({ ...failed, state: "skipped", reason: "4 runs" }), "\n\nskipped, ")
    assert.strictEqual(
      reportMarkdown(aRequest(1)),
      "# Review of A\n\npending, because of: manual (`healing:A:1`)\n",
      "nor has it ended"
    )
  })

  /** The lines of a fence, and those behind it. */
  const fence = (page: string) => {
    const [, mark = "", ...rest] = /\n(`{3,})\n([\s\S]*)$/.exec(page) ?? []
    const lines = (rest[0] ?? "").split("\n")
    // A fence ends at the first line that begins with as many backticks.
    const end = lines.findIndex((line) => line.trim().startsWith(mark))
    return { mark, content: lines.slice(0, end).join("\n"), behind: lines.slice(end + 1).join("\n") }
  }

  it("has contents in fences that nothing in them ends", () => {
    const contents = [
      "",
      "a",
      "a\n",
      "```js\n```\n",
      "````\n",
      `${"`".repeat(50)}\n# x\n`,
      "~~~\n```",
      "  ```\n",
      "`` ` ``"
    ]
    for (const proposedContent of contents) {
      const { behind, content } = fence(suggesting({ proposedContent }, { severity: "low", title: "Next" }))
      assert.strictEqual(content, proposedContent.replace(/\n$/, ""))
      assert.match(behind, /^\n### 2\. Next\n/)
    }
    assert.strictEqual(fence(suggesting({ proposedContent: "a" })).mark, "```")
    assert.strictEqual(fence(suggesting({ proposedContent: "````" })).mark, "`````")
  })

  it("has paths and names in spans that nothing in them ends, on one line", () => {
    const inSpan = (targetFile: string) => /^high, config, in (.*)$/m.exec(suggesting({ targetFile }))?.[1]
    assert.strictEqual(inSpan("/a b"), "`/a b`")
    assert.strictEqual(inSpan("/a`b"), "``/a`b``")
    assert.strictEqual(inSpan("/a``b`c"), "```/a``b`c```")
    assert.strictEqual(inSpan("`/a"), "`` `/a ``")
    assert.strictEqual(inSpan("/a`"), "`` /a` ``")
    assert.strictEqual(inSpan("/a\n# b\r\nc"), "`/a # b c`")
    const ofJob = reportMarkdown(ended(1, 5000, { job: "a`\n# b" }))
    assert.strictEqual(ofJob.split("\n")[0], "# Review of a` # b")
    assert.strictEqual(
      ofJob.split("\n")[2],
      "completed, 1970-01-01T00:00:05.000Z, because of: manual (``healing:a` # b:1``)"
    )
  })

  it("has names, titles and triggers on one line", () => {
    const page = reportMarkdown(
      ended(1, 5000, {
        triggers: ["a\n# b"],
        report: { summary: "S", model: "m\n# n", suggestions: [{ ...aSuggestion, title: "a `b`\n# c" }] }
      })
    )
    assert.deepStrictEqual(page.match(/^#.*$/gm), ["# Review of A", "## Summary", "## Suggestions", "### 1. a `b` # c"])
    assert.include(page, "because of: a # b (")
    assert.match(page, /\n\n---\n\nm # n\n$/)
  })
})
