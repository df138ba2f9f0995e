import { assert, describe, it } from "@effect/vitest"
import { createTwoFilesPatch } from "diff"
import * as fc from "effect/FastCheck"
import type { ApiSegment } from "effect-healing/http"
import { type DiffRow, sides, unified } from "../../src/page/DiffRows.js"
import { partsOf } from "../../src/page/Hidden.js"
import { rowsOf, ticksOf } from "../../src/page/TimelineRows.js"
import { distanceText, durationText } from "../../src/page/Times.js"
import { parameters, runsOf } from "../support/property.js"

const file = "test/page/Texts.test.ts"

/** As a person reads it: what is hidden stands there as its number. */
const read = (text: string, exact: boolean): string =>
  partsOf(text, exact)
    .map((part) => ("hidden" in part ? `[${part.hidden}]` : part.text))
    .join("")

describe("foreign text", () => {
  it("shows what would not be seen", () => {
    assert.strictEqual(
      read("a\u202eb\u2066c\u200bd\u0007e\ufeff", false),
      "a[U+202E]b[U+2066]c[U+200B]d[U+0007]e[U+FEFF]"
    )
    assert.strictEqual(read("one\n\ttwo", true), "one\n\ttwo")
    assert.strictEqual(read("a\rb\u2028c\u00add\u{e0041}", true), "a[U+000D]b[U+2028]c[U+00AD]d[U+E0041]")
    // Of one emoji; in a file, of two that look like one.
    assert.strictEqual(read("👩\u200d🚀", false), "👩\u200d🚀")
    assert.strictEqual(read("👩\u200d🚀", true), "👩[U+200D]🚀")
  })

  it("loses nothing and changes nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), fc.boolean(), (text, exact) => {
        const shown = partsOf(text, exact)
          .map((part) =>
            "hidden" in part ? String.fromCodePoint(Number.parseInt(part.hidden.slice(2), 16)) : part.text
          )
          .join("")
        assert.strictEqual(shown, text)
        if (exact) assert.notMatch(shownOnly(text), /[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/)
      }),
      parameters(runsOf({ few: 1000, many: 30_000 }), file)
    )
  })
})

const shownOnly = (text: string): string =>
  partsOf(text, true)
    .map((part) => ("hidden" in part ? "" : part.text))
    .join("")

/** One side of the rows as the lines of a file. */
const textOf = (rows: ReadonlyArray<DiffRow>, side: keyof DiffRow): string =>
  rows
    .flatMap((row) => row[side] ?? [])
    .map(({ isOpen, text }) => `${text}${isOpen ? "" : "\n"}`)
    .join("")

describe("a diff side by side", () => {
  it("has all of both files, and their numbers, and says what has changed", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "",
        "a",
        "b",
        "+",
        "-",
        "--- x",
        "+++ y",
        "@@ -1 +1 @@",
        "\\ No newline at end of file",
        "Index: x",
        " a",
        "a\r"
      ),
      fc.string({ unit: "binary", maxLength: 5 }).filter((text) => !text.includes("\n"))
    )
    const content = fc
      .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
      .map(([lines, isOpen]) => lines.join("\n") + (isOpen || lines.length === 0 ? "" : "\n"))
    fc.assert(
      fc.property(content, content, (before, after) => {
        fc.pre(before !== after)
        // With all lines around a change there is one part, which has all of both.
        const rows = sides(
          createTwoFilesPatch("a/f", "b/f", before, after, undefined, undefined, { context: 100 })
        ).flat()
        assert.strictEqual(textOf(rows, "before"), before)
        assert.strictEqual(textOf(rows, "after"), after)
        for (const side of ["before", "after"] as const) {
          const numbers = rows.flatMap((row) => row[side]?.number ?? [])
          assert.deepStrictEqual(
            numbers,
            numbers.map((_, index) => index + 1)
          )
        }
        const lines = unified(rows)
        assert.strictEqual(textOf(lines, "before"), before)
        assert.strictEqual(textOf(lines, "after"), after)
        for (const { after, before } of rows) {
          if (before?.isChanged === false) assert.strictEqual(after?.text, before.text)
        }
      }),
      parameters(runsOf({ few: 500, many: 20_000 }), file)
    )
  })
})

describe("the rows of the timeline", () => {
  const segment = (name: string, from: number, to: number | null): ApiSegment => ({
    id: from,
    kind: "run",
    name,
    from,
    to,
    outcome: null
  })

  it("are those of the time that is shown, what goes on first, then what was last", () => {
    const rows = rowsOf(
      [segment("b", 50, 60), segment("old", 1, 9), segment("a", 10, null), segment("b", 20, 30), segment("c", 40, 90)],
      10
    )
    assert.deepStrictEqual(
      rows.map(({ name, segments }) => [name, segments.map(({ from }) => from)]),
      [
        ["a", [10]],
        ["c", [40]],
        ["b", [20, 50]]
      ]
    )
  })

  it("stand above round times", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), fc.constantFrom(10, 60, 360), (now, minutes) => {
        const from = now - minutes * 60_000
        const ticks = ticksOf(from, now)
        assert.isAtLeast(ticks.length, 3)
        assert.isAtMost(ticks.length, 7)
        for (const tick of ticks) {
          assert.isTrue(tick >= from && tick <= now)
          assert.strictEqual(new Date(tick).getSeconds(), 0)
        }
      }),
      parameters(runsOf({ few: 300, many: 5000 }), file)
    )
  })
})

describe("durations", () => {
  it("read with their two largest units", () => {
    for (const [ms, text] of [
      [-5, "0 s"],
      [999, "0 s"],
      [59_999, "59 s"],
      [60_000, "1 min"],
      [200_000, "3 min 20 s"],
      [3_600_000, "1 h"],
      [5_430_000, "1 h 30 min"],
      [90_000_000, "1 d 1 h"]
    ] as const) {
      assert.strictEqual(durationText(ms), text)
    }
    assert.strictEqual(distanceText(5000, 65_000), "1 min ago")
    assert.strictEqual(distanceText(65_000, 5000), "in 1 min")
  })
})
