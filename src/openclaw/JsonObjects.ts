/**
 * The JSON objects that stand in a text among whatever else. Each is found where its braces close, so that what stands behind it does not
 * belong to it, and one that does not close is none.
 *
 * @internal
 */

/**
 * - `inner`: where the objects begin that stand within it, outside of its strings.
 *
 * @internal
 */
export interface JsonObject {
  readonly begin: number
  readonly end: number
  readonly inner: ReadonlyArray<number>
}

/** A quote that begins a string, and the one that ends it. Typographic ones come from models and from text processors. */
const QUOTES: Readonly<Record<string, string>> = { '"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»" }

/** Only behind these signs a single quote begins a string: elsewhere it may be an apostrophe. */
const BEFORE_VALUE = /[{[,:]/

/**
 * The object that begins at this brace; `undefined` if it does not close.
 *
 * - `isStrict`: whether only double quotes begin a string, and the next one ends it, as in JSON itself. Else a quote ends a string only
 *   before what may follow one.
 *
 * @internal
 */
export const objectAt = (text: string, begin: number, isStrict: boolean): JsonObject | undefined => {
  const inner: Array<number> = []
  const open: Array<string> = []
  let before = ""
  for (let index = begin; index < text.length; index++) {
    const sign = text.charAt(index)
    if (sign === '"' || (!isStrict && sign in QUOTES && BEFORE_VALUE.test(before))) {
      index = endOfString(text, index, isStrict)
      if (index < 0) return undefined
    } else if (sign === "{" || sign === "[") {
      if (sign === "{" && index > begin) inner.push(index)
      open.push(sign === "{" ? "}" : "]")
    } else if (sign === "}" || sign === "]") {
      if (open.pop() !== sign) return undefined
      if (open.length === 0) return { begin, end: index + 1, inner }
    } else if (!isStrict && sign === "/" && /[/*]/.test(text.charAt(index + 1))) {
      const end = text.indexOf(text.charAt(index + 1) === "/" ? "\n" : "*/", index + 2)
      if (end < 0) return undefined
      index = end
    }
    if (/\S/.test(sign)) before = sign
  }
  return undefined
}

/** Where the string ends that begins here, at its last quote; -1 if it does not. */
const endOfString = (text: string, begin: number, isStrict: boolean): number => {
  const quote = QUOTES[text.charAt(begin)] ?? '"'
  for (let index = begin + 1; index < text.length; index++) {
    const sign = text.charAt(index)
    if (sign === "\\") index++
    else if (sign === quote && (isStrict || endsValue(text, index + 1))) return index
  }
  return -1
}

/** What follows a string in an object, also if the comma is missing at the end of its line. */
const AFTER_VALUE = /\s*(?:[,:}\]]|\/[/*]|$)|[ \t]*\r?\n\s*["“'][\w-]+["”']\s*:/y

const endsValue = (text: string, index: number): boolean => {
  AFTER_VALUE.lastIndex = index
  return AFTER_VALUE.test(text)
}

/** How many characters are looked at in all, since an object may seem to begin at each of many braces. */
const MAX_LOOKED_AT = 20_000_000

/**
 * Walks through a text from brace to brace, and over each object as a whole.
 *
 * - `mark`: what else is to be stopped at, outside of objects. It must be global.
 * - `met`: told of each. Returns where to go on, or `undefined` for behind it.
 *
 * @internal
 */
export const walk = (
  text: string,
  isStrict: boolean,
  mark: RegExp,
  met: (found: JsonObject | RegExpExecArray | { readonly unclosed: number }) => number | undefined
): void => {
  const next = new RegExp(`\\{|${mark.source}`, mark.flags)
  let budget = MAX_LOOKED_AT
  for (let found = next.exec(text); found !== null && budget > 0; found = next.exec(text)) {
    if (found[0] !== "{") {
      next.lastIndex = met(found) ?? next.lastIndex
      continue
    }
    const object = objectAt(text, found.index, isStrict)
    budget -= (object?.end ?? text.length) - found.index
    next.lastIndex = met(object ?? { unclosed: found.index }) ?? object?.end ?? found.index + 1
  }
}

/**
 * Whether a text is JSON as it stands.
 *
 * @internal
 */
export const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
