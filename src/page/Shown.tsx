/**
 * Foreign text, so that what is there can be seen. It is never HTML.
 *
 * @internal
 */
import type { VNode } from "preact"
import { partsOf } from "./Hidden.js"

/** @internal */
export const Shown = ({ exact = false, text }: { readonly text: string; readonly exact?: boolean }): VNode => (
  <bdi>
    {partsOf(text, exact).map((part) =>
      "hidden" in part ? (
        <span class="hidden-char" title="A character that is not to be seen">
          [{part.hidden}]
        </span>
      ) : (
        part.text
      )
    )}
  </bdi>
)
