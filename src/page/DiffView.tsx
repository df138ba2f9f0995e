/**
 * A unified diff, as it is or side by side. Each line is shown as a whole, and each character of it.
 *
 * @internal
 */
import { parsePatch } from "diff"
import type { VNode } from "preact"
import { Shown } from "./Shown.js"

/**
 * A line on either side, with its number; `undefined` where there is none.
 *
 * @internal
 */
export interface DiffRow {
  readonly before: DiffLine | undefined
  readonly after: DiffLine | undefined
}

interface DiffLine {
  readonly number: number
  readonly text: string
  readonly isChanged: boolean
  /** The last line of a file, which no line feed follows. */
  readonly isOpen: boolean
}

/**
 * The rows of each part of the diff, side by side: what goes stands beside what comes.
 *
 * @internal
 */
export const sides = (diff: string): ReadonlyArray<ReadonlyArray<DiffRow>> =>
  parsePatch(diff).flatMap(({ hunks }) =>
    hunks.map(({ lines, newStart, oldStart }) => {
      const rows: Array<DiffRow> = []
      let before = oldStart
      let after = newStart
      let gone: Array<DiffLine> = []
      let come: Array<DiffLine> = []
      const flush = () => {
        for (let index = 0; index < Math.max(gone.length, come.length); index++)
          rows.push({ before: gone[index], after: come[index] })
        gone = []
        come = []
      }
      lines.forEach((line, index) => {
        const text = line.slice(1)
        const isOpen = lines[index + 1]?.startsWith("\\") ?? false
        if (line.startsWith("-")) gone.push({ number: before++, text, isChanged: true, isOpen })
        else if (line.startsWith("+")) come.push({ number: after++, text, isChanged: true, isOpen })
        else if (!line.startsWith("\\")) {
          flush()
          const same = { text, isChanged: false, isOpen }
          rows.push({ before: { ...same, number: before++ }, after: { ...same, number: after++ } })
        }
      })
      flush()
      return rows
    })
  )

const Text = ({ line }: { readonly line: DiffLine }) => (
  <>
    <Shown text={line.text} exact />
    {line.isOpen ? <span class="hidden-char">[no line feed at the end]</span> : null}
  </>
)

const Side = ({ kind, line }: { readonly kind: "gone" | "come"; readonly line: DiffLine | undefined }) => {
  if (line === undefined)
    return (
      <>
        <td class="number" />
        <td class="none" />
      </>
    )
  const changed = line.isChanged ? kind : ""
  return (
    <>
      <td class={`number ${changed}`}>{line.number}</td>
      <td class={`line ${changed}`}>
        <span class="sign">{line.isChanged ? (kind === "gone" ? "−" : "+") : " "}</span>
        <Text line={line} />
      </td>
    </>
  )
}

const SideBySide = ({ parts }: { readonly parts: ReadonlyArray<ReadonlyArray<DiffRow>> }) => (
  <table class="diff sides">
    <thead>
      <tr>
        <th scope="col" colSpan={2}>
          As it is
        </th>
        <th scope="col" colSpan={2}>
          As it would be
        </th>
      </tr>
    </thead>
    {parts.map((rows, part) => (
      <tbody key={String(part)}>
        {rows.map(({ after, before }, row) => (
          <tr key={String(row)}>
            <Side kind="gone" line={before} />
            <Side kind="come" line={after} />
          </tr>
        ))}
      </tbody>
    ))}
  </table>
)

/** What goes stands above what comes, as far as they stand beside each other. */
const unified = (rows: ReadonlyArray<DiffRow>): ReadonlyArray<DiffRow> => {
  const lines: Array<DiffRow> = []
  let come: Array<DiffRow> = []
  const flush = () => {
    lines.push(...come)
    come = []
  }
  for (const row of rows) {
    if (row.before?.isChanged === false) {
      flush()
      lines.push(row)
    } else {
      if (row.before !== undefined) lines.push({ before: row.before, after: undefined })
      if (row.after !== undefined) come.push({ before: undefined, after: row.after })
    }
  }
  flush()
  return lines
}

const Unified = ({ parts }: { readonly parts: ReadonlyArray<ReadonlyArray<DiffRow>> }) => (
  <table class="diff">
    <thead>
      <tr>
        <th scope="col">Line before</th>
        <th scope="col">Line after</th>
        <th scope="col">Content</th>
      </tr>
    </thead>
    {parts.map((rows, part) => (
      <tbody key={String(part)}>
        {unified(rows).map(({ after, before }, row) => {
          const line = after ?? before
          const kind = line?.isChanged === true ? (after === undefined ? "gone" : "come") : ""
          return (
            <tr key={String(row)}>
              <td class={`number ${kind}`}>{before?.number}</td>
              <td class={`number ${kind}`}>{after?.number}</td>
              <td class={`line ${kind}`}>
                <span class="sign">{kind === "gone" ? "−" : kind === "come" ? "+" : " "}</span>
                {line === undefined ? null : <Text line={line} />}
              </td>
            </tr>
          )
        })}
      </tbody>
    ))}
  </table>
)

/** @internal */
export const DiffView = ({ diff, isUnified }: { readonly diff: string; readonly isUnified: boolean }): VNode => {
  const parts = sides(diff)
  return (
    // A region that scrolls has to be reached by the keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section class="scroll" aria-label="The change" tabIndex={0}>
      {isUnified ? <Unified parts={parts} /> : <SideBySide parts={parts} />}
    </section>
  )
}
