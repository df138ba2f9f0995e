/**
 * What an AI has written, in paragraphs, with its code set off.
 *
 * @internal
 */
import type { VNode } from "preact"
import { Shown } from "./Shown.js"

/** Fences of Markdown, each with what stands between them. */
const FENCED = /^(?:```|~~~)[^\n]*\n([\s\S]*?)^(?:```|~~~)[^\S\n]*$/m

const CODE = /`([^`\n]+)`/

const inline = (text: string): ReadonlyArray<VNode> =>
  text.split(CODE).map((part, index) =>
    index % 2 === 1 ? (
      <code>
        <Shown text={part} exact />
      </code>
    ) : (
      <Shown text={part} />
    )
  )

const paragraphs = (text: string): ReadonlyArray<VNode> =>
  text
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/^\n+|\s+$/g, ""))
    .filter((paragraph) => paragraph !== "")
    .map((paragraph) => (
      <p dir="auto" class="prose">
        {inline(paragraph)}
      </p>
    ))

/** @internal */
export const Prose = ({ text }: { readonly text: string }): VNode => (
  <>
    {text.split(FENCED).map((part, index) =>
      index % 2 === 1 ? (
        <pre>
          <Shown text={part} exact />
        </pre>
      ) : (
        paragraphs(part)
      )
    )}
  </>
)
