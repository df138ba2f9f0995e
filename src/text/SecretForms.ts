/**
 * Secrets in notations that have no name and sign before them: of commands, of URLs and data sources, of PHP, of SQL, and of texts within
 * texts.
 *
 * @internal
 */
import { endOf, placeholder } from "./Placeholder.js"
import { isSecretName } from "./SecretNames.js"
import { isHarmless, looksRandom } from "./SecretValues.js"

// -----------------------------------------------------------------------------
// Commands
// -----------------------------------------------------------------------------

/** What certain commands take as a password, in a line that calls them. */
const commands: ReadonlyArray<readonly [line: RegExp, password: RegExp]> = [
  [
    /\b(?:curl|wget|https?)\b(?:[^\n\\]+|\\[\s\S])*/g,
    /(?<=\s(?:-[a-zA-Z]{0,5}[uU]|--(?:proxy-)?user)[ =]?\\?["']?[^\s:"'\\/]{0,99}:)[^\s"'\\]+/g
  ],
  [/\b(?:mysql|mariadb)[\w-]{0,9}\b(?:[^\n\\]+|\\[\s\S])*/g, /(?<=\s-p)[^\s"'\\]+|(?<=\s-p["'])[^"'\n]+/g],
  [
    /\b(?:sshpass|(?:docker|podman|az|helm registry) login|mongo\w{0,9}|7z[az]?)\b(?:[^\n\\]+|\\[\s\S])*/g,
    /(?<=\s-p[ =]?["']?)[^\s"'\\=-][^\s"'\\]+/g
  ],
  [/\bredis-cli\b(?:[^\n\\]+|\\[\s\S])*/g, /(?<=\s-a[ =]["']?)[^\s"'\\]+/g]
]

/** @internal */
export const withoutCommands = (text: string): string => {
  let result = text
  for (const [line, password] of commands) {
    result = result.replace(line, (call) =>
      call.replace(password, (found) => (isHarmless(found) ? found : placeholder))
    )
  }
  return result
}

/** A flag for a password, as many programs have it. What follows may well be a port, a path or a name. */
const flag = /(?<=\s-(?:p|P|pw|pass|a)[ =]["']?)[^\s"'\\-][^\s"'\\]{5,100}/g

const spoken =
  /(?<=\b(?:pass(?:word|wort|phrase|code)|passwort|secret|token|(?:api|access|secret|auth|private)[ _-]?key|credentials?)(?: (?:is|was|set to|was set to|is set to|changed to|ist|lautet|est|es|of))?(?: now)? ["'`]?)[^\s"'`]{6,200}/gi

/**
 * What stands behind a flag or in a sentence as a password does, if it looks like one.
 *
 * @internal
 */
export const withoutSpoken = (text: string): string =>
  [flag, spoken].reduce(
    (result, form) =>
      result.replace(form, (found) => {
        const value = found.replace(/[.,;:!?)]+$/, "")
        return looksRandom(value) && !isHarmless(value) && !/[:=]/.test(value)
          ? placeholder + found.slice(value.length)
          : found
      }),
    text
  )

// -----------------------------------------------------------------------------
// URLs and data sources
// -----------------------------------------------------------------------------

/**
 * What is after `://`: the password in it, also one with an unescaped `/`, and a long name of a user without one.
 *
 * @internal
 */
export const withoutUserInfo = (text: string): string =>
  text.replace(/(?<=:(?:\\?\/){2})(?:[^\s"'`<>:]+|:(?!\\?\/\\?\/))+/g, (rest) => {
    const path = rest.search(/[/?#]/)
    const authority = path < 0 ? rest : rest.slice(0, path)
    const colon = authority.indexOf(":")
    const port = colon >= 0 && /^:\d{0,5}$/.test(authority.slice(colon))
    const at = authority.includes("@") || colon < 0 || port ? authority.lastIndexOf("@") : rest.lastIndexOf("@")
    if (at < 0) return rest
    const from = colon >= 0 && colon < at ? colon + 1 : 0
    const found = rest.slice(from, at)
    if (from === 0 ? !/^[\w-]{20,}$/.test(found) : isHarmless(found)) return rest
    return rest.slice(0, from) + placeholder + rest.slice(at)
  })

/** `user:password@tcp(host)/name`, and `user:password@host:port/name`. A version, a digest and an address of mail are none. */
const sources: ReadonlyArray<RegExp> = [
  /(?<=(?<![\w/:.@-])[\w.+-]{0,64}:)(?!\/\/)[^\s"'`<>]{1,100}(?=@(?:\w{2,8})?\([^()\s]{0,100}\))/g,
  /(?<=(?<![\w/:.@-])(?!(?:mailto|sips?|acct|xmpp|npm|image|file)\b)[\w.+-]{0,64}:)(?!\/\/|sha\d)[^\s"'`<>:@,()[\]{}]{3,100}(?=@(?!sha\d)[A-Za-z\d][\w.-]{0,100}(?::\d{2,5}\b|\/\w|\.[a-z]{2,10}\b))/g,
  // Oracle: `user/password@host:port/service`, `user/password@//host`
  /(?<=(?<![\w/:.@-])[\w$#]{1,64}\/)[^\s"'`<>/@]{3,100}(?=@(?:\/\/[\w.-]+|[\w.-]+:\d{2,5}[:/]\w))/g,
  /(?<=\b(?:sqlplus|sqlldr|expdp|impdp|exp|imp|rman)\b[^\n]{0,60}\s[\w$#]{1,64}\/)[^\s"'`<>/@]{1,100}(?=@)/g,
  /(?<=jdbc:oracle:\w{2,8}:[\w$#]{1,64}\/)[^\s"'`<>/@]{1,100}(?=@)/g
]

/** @internal */
export const withoutSources = (text: string): string =>
  sources.reduce(
    (result, source) =>
      result.replace(source, (found) => (isHarmless(found) || /^\d{1,5}$/.test(found) ? found : placeholder)),
    text
  )

// -----------------------------------------------------------------------------
// PHP
// -----------------------------------------------------------------------------

/** A frame of a trace: `#0 /app/db.php(9): PDO->__construct('...', '...')`. */
const frame = /#\d{1,5} (?:[^\s():]{1,400}\(\d{1,7}\)|\[internal function\]|[^\s():]{1,400}:\d{1,7}):? /
/** A call that PHP has printed, as its `Array`, `Object(...)` and cut texts show. */
const printedCall = /(?:->|::)\w{1,100}\(/
const printedArguments = /\bArray\b|\bObject\(|\bNULL\b|\bResource id|\.\.\.'/

/** No line of a trace is longer that PHP prints, since it cuts each argument. */
const MAX_FRAME = 4000

/** A path of a program, and the name of a class, tell where something went wrong. */
const isPlace = (text: string): boolean =>
  /^\/[\w./-]+\.(?:php|inc|phtml|twig|html)$|^[A-Z]\w*(?:\\{1,2}[A-Z]\w*)+$/.test(text)

const withoutTexts = (line: string): string => {
  if (line.length > MAX_FRAME || !line.includes("'") || !line.includes("(")) return line
  const found = frame.exec(line)
  const from = found === null ? 0 : found.index + found[0].length
  const call = printedCall.exec(line.slice(from))
  if (found === null && (call === null || !printedArguments.test(line))) return line
  const begin = line.indexOf("(", from + (call?.index ?? 0))
  // PHP has taken it out itself.
  if (begin < 0 || line.includes("SensitiveParameterValue")) return line
  return (
    line.slice(0, begin) +
    // Their quotes are not escaped: a text ends where another argument begins.
    line
      .slice(begin)
      .replace(/(?<=[(,] ?)'(.*?)'(?=, (?:'|[A-Z\d-]|true|false|null)|\)\W*$)/g, (whole, text: string) =>
        text === "" || isPlace(text) || isHarmless(text) ? whole : `'${placeholder}'`
      )
  )
}

/** A field as `print_r` and `var_dump` print it, up to its value. */
const field =
  /\[(?:"|&quot;)?([\w.-]{1,100})(?:"|&quot;)?(?::(?:"|&quot;)?[\w\\]{1,200}(?:"|&quot;)?){0,2}\]=?\s{0,4}=?(?:>|&gt;)(?:\s{0,80}(?=string\()|[ \t]{0,80})/g
const typed = /string\((\d{1,6})\) (?:"|&quot;)/y
/** No text: another record, a number, or nothing. */
const untyped = /(?:Array|[\w\\]{1,200} Object)?[ \t]*$|(?:array|object|string|int|bool|float|enum|NULL)\b/my
/** The value ends with its line, or before the next field, or before the end of its record. */
const bareValue = /[^\n]*?(?=[ \t]{1,20}\[[\w.:\\-]{1,100}\] =>|[ \t]*\)[ \t]*$|$)/my

const withoutDumped = (text: string): string => {
  let result = ""
  let done = 0
  for (const found of text.matchAll(field)) {
    const begin = found.index + found[0].length
    if (begin < done || !isSecretName(found[1] ?? "", "")) continue
    typed.lastIndex = begin
    const [before, length] = typed.exec(text) ?? []
    // The length is in bytes, and so is not less than that in characters.
    const from = begin + (before?.length ?? 0)
    const to = before === undefined ? endOfBare(text, begin) : endOfTyped(text, from, Number(length))
    if (to === from || isHarmless(text.slice(from, to))) continue
    result += text.slice(done, from) + placeholder
    done = to
  }
  return result + text.slice(done)
}

const endOfBare = (text: string, from: number): number =>
  endOf(untyped, text, from) > from || from === text.length ? from : endOf(bareValue, text, from)

const utf8 = new TextEncoder()

const endOfTyped = (text: string, from: number, bytes: number): number => {
  let length = 0
  let index = from
  for (const sign of text.slice(from, from + bytes)) {
    if (length >= bytes) break
    length += utf8.encode(sign).length
    index += sign.length
  }
  return index
}

/** @internal */
export const withoutPhp = (text: string): string =>
  withoutDumped(
    text
      .split(/(\n|\\n)/)
      .map(withoutTexts)
      .join("")
  )

// -----------------------------------------------------------------------------
// SQL
// -----------------------------------------------------------------------------

const text = "(?:[EN]?'(?:[^'\\\\]|''|\\\\.)*'|\"[^\"\\n]*\")"
const statements: ReadonlyArray<RegExp> = [
  new RegExp(`(?<=(?<![.\\w$])PASSWORD[ \\t]{1,20})${text}`, "gi"),
  new RegExp(`(?<=\\bPASSWORD\\s{0,20}\\(\\s{0,20})${text}`, "gi"),
  new RegExp(
    `(?<=\\bIDENTIFIED\\s{1,20}(?:BY|(?:WITH|VIA)\\s{1,20}\\S{1,100}\\s{1,20}(?:BY|AS|USING))\\s{1,20}(?:VALUES\\s{1,20})?)(?:${text}|(?!PASSWORD\\b)[^\\s;,()'"]+)`,
    "gi"
  ),
  new RegExp(
    `(?<=\\bIDENTIFIED\\s{1,20}BY\\s{1,20}\\S{1,200}\\s{1,20}REPLACE\\s{1,20})(?:${text}|[^\\s;,()'"]+)`,
    "gi"
  ),
  new RegExp(`(?<=\\bSET\\s{1,20}PASSWORD\\s[^=;\\n]{0,100}=\\s{0,20})${text}`, "gi")
]

const insert =
  /\bINSERT\s+(?:\w+\s+){0,3}INTO\s+[^\s(]+\s*\(([^()]*)\)\s*VALUES?\s*((?:\((?:[^()'"]|'(?:[^'\\]|''|\\.)*'|"[^"]*"|\([^()]*\))*\)\s*,?\s*)+)/gi

const withoutInserted = (whole: string, columns: string, values: string): string => {
  const secret = columns.split(",").map((name) => isSecretName(name.replace(/[\s`"[\]]/g, ""), ""))
  if (!secret.includes(true)) return whole
  const rows = values.replace(/\((?:[^()'"]|'(?:[^'\\]|''|\\.)*'|"[^"]*"|\([^()]*\))*\)/g, (row) => {
    let index = 0
    return row.replace(/'(?:[^'\\]|''|\\.)*'|"[^"]*"|,/g, (part) => {
      if (part === ",") index++
      else if (secret[index] === true && !isHarmless(part.slice(1, -1))) return `'${placeholder}'`
      return part
    })
  })
  return whole.slice(0, whole.length - values.length) + rows
}

/** @internal */
export const withoutSql = (text: string): string =>
  statements
    .reduce(
      (result, statement) =>
        result.replace(statement, (found) => {
          const quote = /['"]/.exec(found)?.[0] ?? ""
          const inner = found.replace(/^[EN]?['"]|['"]$/g, "")
          return isHarmless(inner) || /^\W*$/.test(inner) ? found : `${quote}${placeholder}${quote}`
        }),
      text
    )
    .replace(insert, withoutInserted)

// -----------------------------------------------------------------------------
// Texts within texts
// -----------------------------------------------------------------------------

const quote = "%(?:25)?2[27]|&quot;|&apos;|&#0?3[49];|&#x2[27];|\\\\{1,2}u002[27]|\\\\{1,2}x2[27]"
const sign = "%(?:25)?3[AaDd]|&#(?:58|61);|&#x3[AaDd];|\\\\{1,2}u003[AaDd]|\\\\{1,2}x3[AaDd]"
const blank = "%(?:25)?20|\\+|&nbsp;|\\s"

const encoded: ReadonlyArray<RegExp> = [
  // An encoded sign, whatever stands around the value.
  new RegExp(
    `([\\w.-]{1,100}?)((?:${quote}|["'])?(?:${blank}){0,3}(?:${sign})(?:${blank}){0,3}(?:(?:Bearer|Basic|Token)(?:${blank}){1,3})?(?:${quote}|["'])?)((?:(?!${quote}|%(?:25)?(?:26|3[Bb]|0[AaDd]|2[Cc]|7[Dd]|5[Dd])|&|\\\\{1,2}u0026)[^\\s"'<>]){1,500})`,
    "g"
  ),
  // Encoded quotes around a plain sign.
  new RegExp(`([\\w.-]{1,100}?)((?:${quote})\\s{0,9}[:=]\\s{0,9}(?:${quote}))((?:(?!${quote})[^\\n]){1,500})`, "g")
]

/** User information in a URL that is encoded. */
const encodedUserInfo =
  /(?<=%(?:25)?3A%(?:25)?2F%(?:25)?2F[^\s&"'<>%]{0,100}%(?:25)?3A)(?:(?!%(?:25)?(?:40|2F|3F|26))[^\s&"'<>])+(?=%(?:25)?40)/gi

// The name may begin behind an encoded sign, whose last letters look like a part of it.
const plainName = (name: string): string =>
  name.replace(/^.*(?:%(?:25)?[\dA-Fa-f]{2}|u00[\dA-Fa-f]{2}|x[\dA-Fa-f]{2})/, "")

/** @internal */
export const withoutEncoded = (text: string): string => {
  if (!/%[\dA-Fa-f]{2}|&(?:quot|apos|#)|\\{1,2}(?:u00|x)[23]/.test(text)) return text
  return encoded.reduce(withoutEncodedForm, text).replace(encodedUserInfo, placeholder)
}

const withoutEncodedForm = (text: string, form: RegExp): string => {
  let result = ""
  let done = 0
  form.lastIndex = 0
  for (let found = form.exec(text); found !== null; found = form.exec(text)) {
    const [, name = "", between = "", value = ""] = found
    const isBehindPercent = /(?:%25|%)$/.test(text.slice(Math.max(0, found.index - 3), found.index))
    const own = isBehindPercent ? name.replace(/^(?:25)?[\dA-Fa-f]{2}/, "") : name
    const begin = found.index + name.length + between.length
    if (isSecretName(plainName(own), "") && !isHarmless(value) && !isPlain(value)) {
      result += text.slice(done, begin) + placeholder
      done = form.lastIndex = begin + value.length
    } else {
      // What would be its value may hold a name itself.
      form.lastIndex = begin
    }
  }
  return result + text.slice(done)
}

const isPlain = (value: string): boolean => /^[A-Za-z]+$/.test(value) && value.length < 4
