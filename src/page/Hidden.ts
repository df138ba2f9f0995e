/**
 * Characters that are not to be seen: each is named instead.
 *
 * @internal
 */

/** Control and format characters: they turn the direction of a text around, hide parts of it, or are not to be seen. */
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029]/u

/** Of which emoji and some scripts are made. */
const JOINERS = new Set(["\u200c", "\u200d"])

const nameOf = (char: string): string => `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/**
 * The text in parts: as it is, or the name of a character that is not to be seen.
 *
 * - `exact`: joiners are named as well, as in a file that is to be changed.
 *
 * @internal
 */
export const partsOf = (
  text: string,
  exact: boolean
): ReadonlyArray<{ readonly text: string } | { readonly hidden: string }> => {
  if (!HIDDEN.test(text)) return [{ text }]
  const parts: Array<{ readonly text: string } | { readonly hidden: string }> = []
  let plain = ""
  for (const char of text) {
    const isShown = char === "\n" || char === "\t" || !HIDDEN.test(char) || (!exact && JOINERS.has(char))
    if (isShown) plain += char
    else {
      if (plain !== "") parts.push({ text: plain })
      plain = ""
      parts.push({ hidden: nameOf(char) })
    }
  }
  return plain === "" ? parts : [...parts, { text: plain }]
}
