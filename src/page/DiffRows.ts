/**
 * The lines of a unified diff, as they stand beside each other and below each other.
 *
 * @internal
 */
import { parsePatch } from "diff"

/**
 * A line on either side, with its number; `undefined` where there is none.
 *
 * @internal
 */
export interface DiffRow {
  readonly before: DiffLine | undefined
  readonly after: DiffLine | undefined
}

/**
 * - `isOpen`: it is the last line of a file, which no line feed follows.
 *
 * @internal
 */
export interface DiffLine {
  readonly number: number
  readonly text: string
  readonly isChanged: boolean
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

/**
 * The same rows with one line in each: what goes stands above what comes.
 *
 * @internal
 */
export const unified = (rows: ReadonlyArray<DiffRow>): ReadonlyArray<DiffRow> => {
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
