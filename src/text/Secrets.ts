/**
 * Secrets in texts, and how they are taken out.
 *
 * Those with a form of their own go first (`SecretShapes.ts`, `SecretForms.ts`). Here are those behind a name (`SecretNames.ts`), unless what
 * stands there is none (`SecretValues.ts`).
 *
 * @internal
 */
import { endOf, placeholder } from "./Placeholder.js"
import {
  withoutCommands,
  withoutEncoded,
  withoutPhp,
  withoutSources,
  withoutSpoken,
  withoutSql,
  withoutUserInfo
} from "./SecretForms.js"
import { isSecretName, mayBeSecretName } from "./SecretNames.js"
import { withoutKeys, withoutLumps, withoutShapes } from "./SecretShapes.js"
import { isCause, isHarmless, looksRandom } from "./SecretValues.js"

const names =
  /(?:\b(?:api|access|private|secret|session|connection|signing|encryption) (?=(?:key|id|string)\b))?[\w$.-]+/gi

const annotation = "&?(?:'static )?(?:string|str|String|bytes|unknown|any|Optional\\[str\\])(?:\\s?\\|\\s?\\w{1,20})?"
const end = "(?:\\\\{0,15}[\"'`])?\\]?"
/** What may be between a name and its value; `assigns` after any name, the others where the name stands so. */
const separators = {
  assigns: new RegExp(
    `${end}[?!]?[ \\t]{0,200}(?::[ \\t]{0,9}${annotation}[ \\t]{0,9}=(?![=>])|[!=]==?(?=[ \\t]{0,200}\\\\*["'])|=>(?=[ \\t]{0,200}(?:\\\\*["']|<<"|Some\\(|string '))|[?+:]?==?(?![=>~])|:(?!:|\\\\?/\\\\?/)|->(?=[ \\t]{1,9}\\S))[ \\t]*`,
    "y"
  ),
  // { "name": "TOKEN", "value": "..." }
  isNameOf: /\\{0,15}["']?\s{0,9},?\s{0,99}\\{0,15}["']?value\\{0,15}["']?\s{0,9}[:=]\s{0,9}/iy,
  // set("token", "..."), ["--token", "..."], ["Authorization", "..."]
  isBefore: /\\{0,15}["'`]\s{0,9},\s{0,99}(?=\\*["'`])/y,
  // {password,"..."}, {:password, <<"...">>}
  isInTuple: /\s{0,9},\s{0,9}(?:<<)?(?=["'])/y,
  // :password "..."
  isKeyword: /[ \t]{1,20}(?=")/y,
  // A cell of a table, and the next one
  isCell: /[ \t]{0,200}[|│┃][ \t]{1,200}(?=[^\s|│┃+-])/y,
  // - --token
  // - ...
  isItemBefore: /["']?[ \t]{0,9}\r?\n[ \t]{0,99}-[ \t]{1,9}/y,
  isFollowed: /[ \t]{1,20}(?=[^\s-]|-\w)/y,
  isElement: />\s{0,99}(?=[^<]{1,300}<\/)/y
}

const headers = /^(?:(?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]{0,40}(?:key|token|auth|secret))$/i
const scheme =
  /(?:Bearer|Basic|Token|Bot|Digest|Negotiate|OAuth|ApiKey|DPoP|GenieKey|SSWS|AWS4-HMAC-SHA256)(?: |%20)+/iy

const visibility = /["']?:(?:["']?[\w\\]{1,200}["']?:)?(?:private|protected)\]/y

/** Where the value of the name begins; `undefined` if it has none here. */
const beginOfValue = (text: string, to: number, name: string, lead: string): number | undefined => {
  // A field as PHP dumps it, with its class.
  if (endOf(visibility, text, to) > to) return undefined
  const after = (separator: RegExp) => endOf(separator, text, to)
  const flag = /^-{1,2}[A-Za-z]/.test(name)
  const quoted = /["'`]$/.test(lead)
  const found = [
    after(separators.isNameOf),
    after(separators.assigns),
    /\{[ \t]{0,9}:?$/.test(lead) ? after(separators.isInTuple) : to,
    /(?:^|[\s({[]|#:\w{1,40}\{):$/.test(lead) ? after(separators.isKeyword) : to,
    /(?:^|\n|[|│┃])[ \t]{0,200}$/.test(lead) ? after(separators.isCell) : to,
    flag || /\((?:\\*["'`])$/.test(lead) || (quoted && headers.test(name)) ? after(separators.isBefore) : to,
    flag ? after(separators.isItemBefore) : to,
    flag || /(?:\bENV|\bsetx|\bconfig(?: set| --\w{1,20})*)[ \t]{1,9}(?:\/\/\S{1,99}:)?$/.test(lead)
      ? after(separators.isFollowed)
      : to,
    /(?<!\w)<(?:\w{1,20}:)?$/.test(lead) ? after(separators.isElement) : to
  ].find((index) => index > to)
  return found
}

/** Where what is quoted ends: at the same quote, escaped as deep, or at the end of the text around. */
const closing = (text: string, from: number, quote: string, depth: number): number => {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1)) {
    let escapes = 0
    while (at - escapes > from && text[at - escapes - 1] === "\\") escapes++
    if (escapes < depth || escapes % (2 * (depth + 1)) === depth) return at - Math.min(escapes, depth)
  }
  return endOf(/[^\r\n]*/y, text, from)
}

const opening = /(?:[bfru]{1,2}|[$@])?(\\{0,15})("""|'''|["'`])/iy
const structure = /\[[A-Z]\w{0,60}\(|[{([]\s{0,9}(?:$|[\n"'{}\][()\\]|[\w$-]{1,60}\s{0,9}[:=,})\]]|\.\.\.)/y
const block = /[|>][-+\d]{0,2}[ \t]*(?:#[^\n]*)?\r?\n/y
const bare =
  /(?:\[secret\]|\$?\{\{[^{}\n]{1,200}\}\}|\$\{[^{}\n]{1,200}\}|\$\([^()\n]{1,200}\)|[^\s"'`,;&|)\]}<>\\]+|\\(?![nrt"'`\\])|<(?![/a-z])|["'`,;&|)\]}>](?!$|[\s"'`,;&|)\]}<>\\:.]|[\w.-]{1,40}\s{0,3}[=:]))+/iy
const code =
  /^(?:(?:await|return|throw|typeof|async|function|yield|new(?= [A-Z]))\b|[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*(?:\((?:[^\n]*\)|\s*$)|\[(?:[^\n]*\]|\s*$)|<(?:[^\n]*>|\s*$))|[A-Z][A-Za-z]+\.[A-Z][A-Za-z]+(?![\w.-])|(?:process|import|os|env|this|self|config|cfg|settings|options|opts|args|req|request|res|response|props|params|ctx|context|data|body|input|inputs|user|session|secrets|vars?|local|github|Deno|Bun|Redacted|Config|Schema)(?:\??\.[A-Za-z_$]+)+[!;,)}]*(?:\s|$))/
const variable = /^[A-Za-z_$]+$/

/** What a language puts around a value: `Some("...")`, `<<"...">>`, `(string) (len=12) "..."`. */
const wrapper =
  /(?:(?:Some|Just|Optional|Right|Ok|String|Str|Text|Value|SecretString|SecretBox|Secret)\s{0,4}\(?\s{0,40}(?=["']|[^\s"'(),]+\))|(?:Just|Right)\s{1,4}(?=")|\(\w{1,20}\) (?:\(len=\d{1,6}\) )?|<<|string (?=')){1,3}/y

type Range = readonly [from: number, to: number]

/** Whether a quote of this kind is open at the end of the line. */
const isOpen = (lead: string, sign: string) => lead.slice(lead.lastIndexOf("\n") + 1).split(sign).length % 2 === 0

/** A value that begins with brackets, such as `{SSHA}...` and `<...>x`, and is no structure and no place in a template. */
const oddRange = (text: string, at: number): Range | undefined => {
  bracketed.lastIndex = at
  const [whole, inner = "", rest = ""] = bracketed.exec(text) ?? []
  if (whole === undefined || isHarmless(whole)) return undefined
  return looksRandom(inner) || /^\w/.test(rest) ? [at, at + whole.length] : undefined
}

const bracketed = /[{[<]([\w!@#$%^&*.-]{1,60})[}\]>]([^\s,;"'`)\]}]*)/y

/** How far a record goes on that is a secret itself, such as `{ "value": "...", "type": "..." }`. */
const MAX_RECORD = 500

const valueOfRecord =
  /\\*["']?\b(?:value|plain(?:text|_?value)?|raw|secret|data|access|refresh|current|default)\\*["']?\s{0,9}[:=]\s{0,9}\\*(["'])((?:(?!\1|\\).){1,300})/g

const rangesWithin = (text: string, at: number): Array<Range> => {
  const record = text.slice(at, at + MAX_RECORD).split("}", 1)[0] ?? ""
  return Array.from(record.matchAll(valueOfRecord)).flatMap((found): ReadonlyArray<Range> => {
    const value = found[2] ?? ""
    const end = at + found.index + found[0].length
    return isHarmless(value) || isCause(value) ? [] : [[end - value.length, end]]
  })
}

/** What is to be taken out of the value that begins here. */
const rangesOf = (text: string, to: number, begin: number, name: string, lead: string): ReadonlyArray<Range> => {
  const at = endOf(wrapper, text, begin)
  const isHeader = headers.test(name)
  const open = endOf(opening, text, at)
  if (open > at) {
    const quote = text.slice(at, open).replace(/^[^\\"'`]+/, "")
    const sign = quote.replace(/\\/g, "")
    // This is the quote in `"token: " + token`, which closes a string and opens none
    const closes = isOpen(lead + text.slice(to, at), sign) && /^\s*(?:$|[+,;)\]}.\n])/.test(text.slice(open, open + 20))
    if (closes) return []
    const end = closing(text, open, sign, quote.length - sign.length)
    const from = isHeader ? endOf(scheme, text, open) : open
    const found = text.slice(from, end)
    const isText = text[end] !== undefined && !/[\r\n]/.test(text.charAt(end)) && !/\w=\S/.test(found)
    return isHarmless(found) || (isText && isCause(found)) ? [] : [[from, end]]
  }
  const odd = oddRange(text, at)
  if (odd !== undefined) return [odd]
  if (endOf(structure, text, at) > at) {
    const ranges: Array<Range> = text[at] === "{" ? rangesWithin(text, at) : []
    for (let next = at + 1; text[at] === "["; ) {
      const item = endOf(opening, text, endOf(/[\s,]{0,99}/y, text, next))
      if (item === next || !/["'`]/.test(text.charAt(item - 1))) break
      const slashes = /\\*(?=.$)/.exec(text.slice(Math.max(next, item - 20), item))?.[0].length ?? 0
      const to = closing(text, item, text.charAt(item - 1), slashes)
      const found = text.slice(item, to)
      if (!isHarmless(found) && !isCause(found)) ranges.push([item, to])
      next = to + slashes + 1
    }
    return ranges
  }
  const lines = endOf(block, text, at)
  if (lines > at) {
    const start = text.lastIndexOf("\n", at) + 1
    const indent = endOf(/[ \t]*/y, text, start) - start
    const inner = new RegExp(`(?:[ \\t]*\\r?\\n|[ \\t]{${indent + 1},}[^\\n]*(?:\\n|$))*`, "y")
    const from = endOf(/\s*/y, text, lines)
    const to = endOf(inner, text, lines)
    return from < to ? [[from, endOf(/\s*$/y, text, to) > to ? to : to - (text[to - 1] === "\n" ? 1 : 0)]] : []
  }
  return bareRange(text, at, name, lead, isHeader)
}

/** How much of the rest of a line is the value: what is before a comment, and before what ends an item. */
const lengthOfLine = (rest: string): number => {
  const comment = rest.search(/(?<=\s)#/)
  let length = comment < 0 ? rest.length : comment
  while (/[\s,;]/.test(rest.charAt(length - 1))) length--
  return length
}

const bareRange = (text: string, at: number, name: string, lead: string, isHeader: boolean): ReadonlyArray<Range> => {
  const from = isHeader ? endOf(scheme, text, at) : at
  const spaced = /\s/.test(text.charAt(at - 1))
  // A header and a line of YAML or INI are taken as a whole; within quotes only up to their end
  const isLine = isHeader || (spaced && !name.startsWith("-") && /(?:^|\n|\\n)[\s>|<*#-]*$/.test(lead))
  const around = ['"', "'", "`"].find((sign) => isOpen(lead, sign)) ?? ""
  const line = new RegExp(`(?:[^\\r\\n\\\\${around}]+|\\\\(?![nr\\\\${around}]))*`, "y")
  const to = isLine ? from + lengthOfLine(text.slice(from, endOf(line, text, from))) : endOf(bare, text, from)
  const found = text.slice(from, to)
  if (spaced && !isHeader && saysCause(text, from, to, lead)) return []
  const next = text.slice(to, to + 20)
  const rest = text.slice(at, at + 300).split("\n", 1)[0] ?? ""
  const isCode =
    /\b(?:const|let|var|val|final|static)[ \t]{1,9}(?:\w{1,60}[ \t]{1,9})?$/.test(lead) ||
    ((spaced || rest.includes(")")) && code.test(rest)) ||
    (variable.test(found) && ((mayBeSecretName(found) && /^[,;)}]/.test(next)) || (spaced && name.endsWith(found))))
  // `"secrets:check": ` is a name itself
  const isName = /["']$/.test(lead) && /^[\w.-]+$/.test(found) && /^\\*["']\s*:/.test(next)
  const isCount = /s$|^pass$/i.test(name) && /^[\d.,_]+[kKM%]?(?:\s|$)/.test(found)
  const isDirectory = /^(?:old)?pwd$/i.test(name) && /^(?:[~/]|[A-Z]:)/.test(found)
  if (found === "" || isCode || isName || isCount || isDirectory || name === "PASS" || isHarmless(found)) return []
  return [[from, to]]
}

/** A word before the name on its line, as in `cannot fetch token`: what follows is prose, and no line of a configuration. */
const prose = /(?:^|[\n"'`(:=\]]|\s)[\p{L}'’/]+[,.:;]?["'`]? {1,2}$|\/[\w./-]{0,200}$/u

/** How much of a line is looked at for what is wrong, in characters. */
const MAX_CAUSE = 500

/** Whether what stands behind the name and its colon says what is wrong. */
const saysCause = (text: string, from: number, to: number, lead: string): boolean => {
  if (!/:\s{0,200}$/.test(text.slice(Math.max(0, from - 202), from))) return false
  const rest = text.slice(from, from + MAX_CAUSE).split(/[\r\n]|\\n|"[,}]/, 1)[0] ?? ""
  const first = /^\S*/.exec(rest)?.[0] ?? ""
  if (/^\w[\w-]*=\S/.test(first)) return false
  if (prose.test(lead))
    return (
      !looksRandom(first) &&
      !/^[\w+/=.-]{0,200}\d[\w+/=.-]{12,}/.test(first.replace(/[:.,]+$/, "").replace(/^[\w-]+(?:[./][\w-]+)+$/, ""))
    )
  return (
    isCause(rest) ||
    isCause(text.slice(from, to)) ||
    (/^[A-Za-z]+$/.test(first) && isCause(rest.split(/[.;]\s/, 1)[0] ?? ""))
  )
}

const withoutNamed = (text: string): string => {
  const parts: Array<string> = []
  let done = 0
  let tail = ""
  names.lastIndex = 0
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const to = names.lastIndex
    const name = found[0].slice(-100)
    if (!mayBeSecretName(name) || name.includes("-----") || text.startsWith(placeholder, found.index - 1)) continue
    const lead = (tail + text.slice(Math.max(done, found.index - 300), found.index)).slice(-300)
    const value = beginOfValue(text, to, name, lead)
    if (value === undefined || !isSecretName(name, lead)) continue
    names.lastIndex = value
    for (const [from, end] of rangesOf(text, to, value, name, lead)) {
      parts.push(text.slice(done, from), placeholder)
      // What stands before the next name is read as it stands in the result.
      tail = (tail + text.slice(Math.max(done, from - 300), from) + placeholder).slice(-300)
      done = names.lastIndex = end
    }
  }
  return parts.join("") + text.slice(done)
}

/**
 * Replaces what looks like a secret, and leaves the names and all else.
 *
 * @internal
 */
export const conceal = (text: string): string => {
  const forms = [withoutKeys, withoutLumps, withoutShapes, withoutUserInfo, withoutSources, withoutCommands]
  const notations = [withoutPhp, withoutSql, withoutEncoded, withoutSpoken, withoutNamed]
  // Keys once more, for borders that were in a value
  return [...forms, ...notations, withoutKeys].reduce((result, without) => without(result), text)
}
