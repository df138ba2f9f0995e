import { assert, describe, it } from "@effect/vitest"
import { Either, Option } from "effect"
import * as Answer from "../../src/openclaw/Answer.js"
import type { SeenFile } from "../../src/text/Excerpt.js"
import { answer, suggestion } from "./reviewWorld.js"

const whole: SeenFile = { text: "old", remarks: [], hash: `sha256:${"a".repeat(64)}`, isWhole: true }

const files = new Map<string, SeenFile>([
  ["/srv/whole.js", whole],
  ["/srv/cut.js", { ...whole, isWhole: false }]
])

const read = (text: string) => Answer.read(text, files)

const issuesOf = (text: string) => Option.getOrElse(Either.getLeft(read(text)), () => [])

const withSuggestion = (fields: object) => answer({ suggestions: [suggestion(fields)] })

const aSecret = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"

describe("an answer is read", () => {
  const fenced = (tag: string, text = answer()) => `\`\`\`${tag}\n${text}\n\`\`\``
  const cases: Readonly<Record<string, string>> = {
    bare: answer(),
    "with white space around": `\n\n  ${answer()}\n`,
    "in several lines": JSON.stringify(JSON.parse(answer()), null, 2),
    "in a fence of json": fenced("json"),
    "in a fence with another tag": fenced("json5 title=report"),
    "D10: in a fence without a tag": fenced(""),
    "in a fence with lines of Windows": fenced("json").replaceAll("\n", "\r\n"),
    "in a fence on one line": `\`\`\`json ${answer()} \`\`\``,
    "in a fence that does not end": `\`\`\`json\n${answer()}`,
    "with prose around": `Here is what I found:\n${answer()}\nTell me if you need more.`,
    "with prose around a fence": `Here it is:\n\n${fenced("json")}\n\nThat is all.`,
    "in a fence, after prose with braces": `The set {a, b} is what I looked at.\n${fenced("")}`
  }
  for (const [name, text] of Object.entries(cases)) {
    it(name, () => {
      assert.deepStrictEqual(
        read(text),
        Either.right({ summary: "The disk was full.", rootCause: "Logs are never removed.", suggestions: [] })
      )
    })
  }

  it("with a fence inside one of its texts", () => {
    const change = "Add\n```sh\nfind /log -mtime +7 -delete\n```\nto it, {really}."
    for (const text of [withSuggestion({ change }), fenced("json", withSuggestion({ change }))]) {
      const [found] = Either.getOrThrow(read(text)).suggestions
      assert.strictEqual(found?.change, change)
    }
  })

  it("with what is not there as null", () => {
    const { rootCause, suggestions } = Either.getOrThrow(
      read(JSON.stringify({ summary: "x", suggestions: [suggestion()] }))
    )
    const { currentState, expectedImpact, proposedContent, targetFile } = suggestions[0] ?? {}
    assert.deepStrictEqual(
      [rootCause, currentState, expectedImpact, proposedContent, targetFile],
      [null, null, null, null, null]
    )
  })
})

const draft = answer({ summary: "DRAFT" })
const final = answer({ summary: "FINAL" })

describe("what a model thinks is no answer:", () => {
  const cases: Readonly<Record<string, string>> = {
    "in <think>": `<think>\nMaybe:\n\`\`\`json\n${draft}\n\`\`\`\n</think>\n${final}`,
    "in <think> on one line": `<think>use {x}: ${draft}</think>${final}`,
    "in <thinking> with an attribute": `<thinking mode="deep">${draft}</thinking>\n${final}`,
    "in a tag with a prefix": `<seed:think>${draft}</seed:think>${final}`,
    "in <REASONING>": `<REASONING>${draft}</REASONING>${final}`,
    "before a mark that only ends it": `I would say ${draft}\n</think>\n\n${final}`,
    "in brackets": `[THINK]${draft}[/THINK]${final}`,
    "between other marks": `◁think▷${draft}◁/think▷${final}`,
    "in a channel": `<|channel|>analysis<|message|>${draft}<|end|><|start|>assistant<|channel|>final<|message|>${final}`,
    "between the marks of Cohere": `<|START_THINKING|>${draft}<|END_THINKING|>${final}`,
    "between the marks of Gemma": `<|channel>thought\n${draft}<channel|>${final}`,
    "between the marks of MedGemma": `<unused94>thought\n${draft}<unused95>${final}`,
    "in a tag that is escaped": `&lt;think&gt;${draft}&lt;/think&gt;${final}`,
    "nor is what is made up behind the end of the turn": `${final}<|im_end|>\n<|im_start|>user\n${draft}`,
    twice: `<think>${draft}</think>${draft}<think>no: {"a": 1}</think>${final}`,
    "with braces that do not close": `<think>a { b "c</think>${final}`,
    "and of several reports the last one counts": `First: ${draft}\nBetter: ${final}`
  }
  for (const [name, text] of Object.entries(cases)) {
    it(name, () => assert.strictEqual(Either.getOrThrow(read(text)).summary, "FINAL"))
  }

  it("and a place in a text that only looks like a mark is none", () => {
    assert.strictEqual(Either.getOrThrow(read(`It ends with <reason> and <draft-id>.\n${final}`)).summary, "FINAL")
  })

  it("and there is none if all is thought", () => {
    assert.isTrue(Either.isLeft(read(`<think>${draft}`)))
    assert.isTrue(Either.isLeft(read(`<think>${draft}</think>\nI am not sure.`)))
  })

  it("and a report may speak of <think> and of half a </think>", () => {
    const summary = "The model prints <think> and no </think>."
    assert.strictEqual(Either.getOrThrow(read(answer({ summary }))).summary, summary)
  })
})

describe("an answer is found", () => {
  const cases: Readonly<Record<string, string>> = {
    "before a note with braces": `${final}\nNote: put {name} in.`,
    "before a brace too many": `${final}}`,
    "before an example of something else": `${final}\nFor example: {"port": 1}`,
    "behind a quoted configuration": `It has:\n\`\`\`json\n{ "port": 1 }\n\`\`\`\nReport:\n~~~\n${final}\n~~~`,
    "behind many braces": `${"{a} ".repeat(3000)}${final}`,
    "behind a brace that does not close": `if (x) { then\n${final}`,
    "behind quotes and apostrophes": `It's "odd, isn't it: ${final}`,
    "behind a brace that is quoted": `The error was "{".\n${final}`,
    "behind a JSON that was cut off": `stopped at \`{"a":\` with "Unexpected end"\n\`\`\`json\n${final}\n\`\`\``,
    "beside a mark that is spoken of": `The tag <think> appears in the log, and \`</think>\` does not.\n${final}\nSo \`</think>\` is harmless.`,
    "in a part of a content": JSON.stringify({ type: "text", text: final }),
    "within another object": `{"report": ${final}}`,
    "within a list": `[${final}]`,
    "behind a mark of byte order": `\ufeff${final}`
  }
  for (const [name, text] of Object.entries(cases)) {
    it(name, () => assert.strictEqual(Either.getOrThrow(read(text)).summary, "FINAL"))
  }

  it("in time that does not explode, whatever it holds", () => {
    assert.isTrue(Either.isLeft(read('{"a": '.repeat(50_000))))
  })
})

describe("an answer that is nearly JSON is read", () => {
  const cases: Readonly<Record<string, string>> = {
    "with a comma too many": '{"summary": "FINAL", "suggestions": [],}',
    "with a raw line break and a tab in a text": '{"summary": "FINAL", "rootCause": "one\n\ttwo", "suggestions": []}',
    "with comments": '{\n  // what it is\n  "summary": "FINAL", /* none */\n  "suggestions": []\n}',
    "with typographic quotes": "{“summary”: “FINAL”, “suggestions”: []}",
    "with single quotes": "{'summary': 'FINAL', 'rootCause': 'it\\'s late', 'suggestions': []}",
    "with bare keys": '{summary: "FINAL", suggestions: []}',
    "with quotes within a text": '{"summary": "FINAL", "rootCause": "the "disk" is full", "suggestions": []}',
    "with a comma too few": '{\n  "summary": "FINAL"\n  "suggestions": []\n}',
    "with needless escapes": '{"summary": "FINAL", "rootCause": "a\\_b", "suggestions": []}',
    "in the notation of a string": JSON.stringify('{"summary": "FINAL", "suggestions": []}'),
    "with escaped quotes": '{\\"summary\\": \\"FINAL\\", \\"suggestions\\": []}'
  }
  for (const [name, text] of Object.entries(cases)) {
    it(name, () => {
      const found = Either.getOrThrow(read(text))
      assert.strictEqual(found.summary, "FINAL")
      assert.isUndefined(found.remarks)
    })
  }

  it("with all of its words, or not at all", () => {
    for (const summary of [
      'unknown option "--x", use "-y"',
      'set "a", "b", or "c" in .env',
      'he said "no", then "yes"'
    ]) {
      const found = read(`{"summary":"${summary}","suggestions":[]}`)
      if (Either.isRight(found)) assert.strictEqual(found.right.summary, summary)
    }
  })

  it("with its backslashes, unless they are needless, and with its signs of control", () => {
    const summaryOf = (text: string) => Either.getOrThrow(read(`{"summary":"${text}","suggestions":[]}`)).summary
    assert.strictEqual(summaryOf("C:\\Users\\x \\d+"), "C:\\Users\\x \\d+")
    assert.strictEqual(summaryOf("path \\$HOME\\_x"), "path $HOME_x")
    assert.strictEqual(summaryOf("\u001b[31mred\u0000"), "\u001b[31mred\u0000")
  })

  it("without the contents of files that it proposes, which a person is told", () => {
    const proposal = suggestion({ targetFile: "/srv/whole.js", proposedContent: "new" })
    const text = answer({ suggestions: [proposal, suggestion()] })
    assert.strictEqual(Either.getOrThrow(read(text)).suggestions[0]?.proposedContent, "new")
    for (const repaired of [text.replace(/}$/, ",}"), JSON.stringify(text)]) {
      const found = Either.getOrThrow(read(repaired))
      assert.lengthOf(found.suggestions, 2)
      for (const { proposedContent } of found.suggestions) assert.isNull(proposedContent)
      assert.match(
        Answer.toReport(found, { exhibits: [], files }, {}).remarks?.join() ?? "",
        /content of files was left out/
      )
    }
  })

  it("never if it was cut off, at whichever character", () => {
    const proposedContent = 'function f() { return "}" }\n'
    const whole = withSuggestion({ targetFile: "/srv/whole.js", proposedContent })
    assert.isTrue(Either.isRight(read(whole)))
    for (let length = 0; length < whole.length; length++) {
      assert.isTrue(Either.isLeft(read(whole.slice(0, length))), String(length))
      assert.isTrue(
        Either.isLeft(read(`For example:\n${draft}\n${whole.slice(0, Math.max(length, 12))}`)),
        String(length)
      )
    }
  })
})

describe("an answer is refused", () => {
  const cases: Readonly<Record<string, readonly [text: string, issue: RegExp]>> = {
    "that is empty": ["", /^there is no complete JSON object in it$/],
    "that is prose": ["I could not find anything.", /^there is no complete JSON object/],
    "that is cut": [answer().slice(0, -10), /^there is no complete JSON object/],
    "that is a list": ["[]", /^there is no complete JSON object/],
    "that is an empty object": ["{}", /^(summary|suggestions): is missing$/],
    "without suggestions": [JSON.stringify({ summary: "x" }), /^suggestions: is missing$/],
    "with an empty summary": [answer({ summary: "" }), /^summary: /],
    "with an unknown category": [withSuggestion({ category: "misc" }), /^suggestions\.0\.category: .*"misc"/],
    "with an unknown severity": [withSuggestion({ severity: "urgent" }), /^suggestions\.0\.severity: .*"urgent"/],
    "with a severity in capitals": [withSuggestion({ severity: "High" }), /^suggestions\.0\.severity: .*"High"/],
    "with a title of two lines": [withSuggestion({ title: "a\nb" }), /^suggestions\.0\.title: /],
    "with 21 suggestions": [answer({ suggestions: Array.from({ length: 21 }, () => suggestion()) }), /^suggestions: /],
    "about a file that was not shown": [
      withSuggestion({ targetFile: "/etc/passwd" }),
      /^suggestions\.0\.targetFile: is none of the files of the evidence$/
    ],
    "with a content of no file": [
      withSuggestion({ proposedContent: "new" }),
      /^suggestions\.0\.proposedContent: of a file that was not shown as a whole$/
    ],
    "with a content of a file that was cut": [
      withSuggestion({ targetFile: "/srv/cut.js", proposedContent: "new" }),
      /^suggestions\.0\.proposedContent: of a file that was not shown as a whole$/
    ],
    "with a content that gives the placeholder of a secret back": [
      withSuggestion({ targetFile: "/srv/whole.js", proposedContent: "key = [secret]" }),
      /^suggestions\.0\.proposedContent: holds a secret/
    ],
    "with a content that holds a secret": [
      withSuggestion({ targetFile: "/srv/whole.js", proposedContent: `key = ${aSecret}` }),
      /^suggestions\.0\.proposedContent: holds a secret/
    ],
    "with a content that was no valid UTF-8": [
      withSuggestion({ targetFile: "/srv/whole.js", proposedContent: "a\ufffd" }),
      /^suggestions\.0\.proposedContent: is no valid text$/
    ]
  }
  for (const [name, [text, issue]] of Object.entries(cases)) {
    it(name, () => {
      const issues = issuesOf(text)
      assert.isNotEmpty(issues)
      // There may be one for each value that it could have.
      for (const found of issues) assert.match(found, issue)
    })
  }

  it("with all that is wrong with it, at most 20 things of 200 characters", () => {
    const wrong = suggestion({ category: "x".repeat(1000), severity: 3 })
    const both = issuesOf(answer({ summary: 1, suggestions: [wrong] }))
    for (const field of ["summary", "category", "severity"]) assert.include(both.join("\n"), `${field}: Expected`)
    const issues = issuesOf(answer({ suggestions: Array.from({ length: 20 }, () => wrong) }))
    assert.deepStrictEqual([issues.length, Math.max(...issues.map(({ length }) => length))], [20, 200])
  })

  it("without a secret of it in the issues", () => {
    const issues = issuesOf(withSuggestion({ category: aSecret }))
    assert.include(issues.join("\n"), "[secret]")
    assert.notInclude(issues.join("\n"), aSecret)
  })
})

describe("a report", () => {
  const reportOf = (text: string) =>
    Answer.toReport(Either.getOrThrow(read(text)), { exhibits: [], files }, { model: "m/1", costUsd: 1 })

  it("knows the hash of the file as it was seen", () => {
    const { suggestions } = reportOf(
      answer({
        suggestions: [
          suggestion({ targetFile: "/srv/whole.js", proposedContent: "new" }),
          suggestion({ targetFile: "/srv/cut.js" }),
          suggestion()
        ]
      })
    )
    assert.deepStrictEqual(
      suggestions?.map(({ fileHash, proposedContent }) => [fileHash, proposedContent]),
      [
        [whole.hash, "new"],
        [whole.hash, null],
        [null, null]
      ]
    )
  })

  it("holds no secret that the answer did", () => {
    const text = answer({ summary: `It is ${aSecret}.`, suggestions: [suggestion({ change: `Use ${aSecret}` })] })
    const report = reportOf(text)
    assert.strictEqual(report.summary, "It is [secret].")
    assert.notInclude(JSON.stringify(report), aSecret)
  })

  it("says what was spent, and has no root cause if none was found", () => {
    assert.deepStrictEqual(reportOf(answer({ rootCause: null })), {
      summary: "The disk was full.",
      suggestions: [],
      evidence: [],
      model: "m/1",
      costUsd: 1
    })
  })
})

describe("the JSON Schema", () => {
  it("tells all that is to be said of a suggestion, and nothing that OpenClaw cannot know", () => {
    const schema: {
      properties: { suggestions: { maxItems: number; items: { properties: object; required: object } } }
    } = JSON.parse(Answer.jsonSchema)
    const { items, maxItems } = schema.properties.suggestions
    assert.strictEqual(maxItems, 20)
    assert.sameMembers(Object.keys(items.properties), [
      ...["category", "severity", "title", "description", "currentState", "change", "expectedImpact", "targetFile"],
      ...["proposedContent", "set"]
    ])
    assert.deepStrictEqual(items.required, ["category", "severity", "title", "description", "change"])
  })
})
