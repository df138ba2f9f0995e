/**
 * A unified diff, as it is or side by side. Each line is shown as a whole, and each character of it.
 *
 * @internal
 */
import type { VNode } from "preact"
import { type DiffLine, type DiffRow, sides, unified } from "./DiffRows.js"
import { Shown } from "./Shown.js"
import { Heads } from "./Words.js"

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

const Unified = ({ parts }: { readonly parts: ReadonlyArray<ReadonlyArray<DiffRow>> }) => (
  <table class="diff">
    <Heads names={["Line before", "Line after", "Content"]} />
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
