/**
 * An entry of a log that is written as JSON: its message, and what it says of an error, wherever that stands.
 *
 * @internal
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Level, type LogLine, levelOf, levelOfNumber, ofText } from "./LogLine.js"

/** Keys, and beginnings of keys, of what an entry says. */
const MESSAGE = /^@?(?:m|mt|msg|message|log|line|text(?:_?payload)?|event|short_message|full_message)$/i
const ABOUT_ERROR =
  /^@?(?:x|err(?:or)?s?(?:[A-Z_.-]?\w*)?|exception\w*|exc_?info|cause\w*|reason\w*|detail\w*|description|fatal|failure|panic|stack(?:_?trace)?|trace_?back|code|status(?:_?(?:code|text))?|exit_?code|errno|syscall|address|port|path|title|type|kind|name|hint|constraint|column|table|field|param|expected|received)$/i
const ALWAYS_NEW =
  /^@?(?:t|ts|time|timestamp|date|datetime|pid|ppid|tid|hostname|host|(?:req|request|trace|span|correlation|session|transaction)[-_]?id|id|duration\w*|elapsed\w*|latency\w*|response_?time|took|uptime|v|headers?)$/i
const LEVEL_KEY = /^@?(?:l|s|level|lvl|log[._]?level|level_?name|severity|severitytext|priority)$/i

/** How much may stand before the entry, such as a time and the name of a service. */
const MAX_BEFORE_JSON = 200

/** Where the lines of one entry of JSON end, since the message of an error may hold a whole trace. */
const MAX_LINES_OF_JSON = 2000

const MAX_DEPTH = 8

/**
 * The lines of an entry of JSON. `undefined` if the text is none.
 *
 * @internal
 */
export const ofJson = (text: string): ReadonlyArray<LogLine> | undefined => {
  const begin = text.indexOf("{")
  if (begin < 0 || begin > MAX_BEFORE_JSON || !text.trimEnd().endsWith("}")) return undefined
  // Behind a message it is but what else is to be said.
  const before = ofText(text.slice(0, begin))
  const entry = before.text === "" ? Option.getOrUndefined(decode(text.slice(begin))) : undefined
  if (entry === undefined) return undefined
  const level = levelIn(entry) ?? before.level
  const leaves = leavesOf(entry, 0, undefined)
  const telling = leaves.filter(({ isTelling }) => isTelling)
  return (telling.length > 0 ? telling : leaves.filter(({ isText }) => isText))
    .flatMap(({ key, text }) => linesOf(MESSAGE.test(key) || text.includes("\n") ? text : `${key}: ${text}`))
    .slice(0, MAX_LINES_OF_JSON)
    .map((line, index) => ({ ...line, isEntry: index === 0, level: level ?? line.level }))
}

const decode = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

const linesOf = (text: string): ReadonlyArray<LogLine> => text.trimEnd().split(/\r?\n/).map(ofText)

const levelIn = (entry: Readonly<Record<string, unknown>>): Level => {
  for (const [key, value] of Object.entries(entry)) {
    // Python counts otherwise.
    if (/^levelno$/i.test(key)) return levelOfNumber(Number(value) + 10)
    if (LEVEL_KEY.test(key)) return /^\d+$/.test(String(value)) ? levelOfNumber(Number(value)) : levelOf(String(value))
  }
  return undefined
}

/** A value of an entry that is no record and no list. */
interface Leaf {
  readonly key: string
  readonly text: string
  readonly isText: boolean
  readonly isTelling: boolean
}

/** `about`: the key around them, if it says that they are about an error. */
const leavesOf = (entry: object, depth: number, about: string | undefined): ReadonlyArray<Leaf> =>
  Object.entries(entry).flatMap(([name, value]: [string, unknown]): ReadonlyArray<Leaf> => {
    const key = Array.isArray(entry) ? (about ?? name) : (name.split(".").at(-1) ?? name)
    if (ALWAYS_NEW.test(key) || (depth === 0 && LEVEL_KEY.test(name))) return []
    const isAboutError = ABOUT_ERROR.test(key) || (about !== undefined && ABOUT_ERROR.test(about))
    const isTelling = MESSAGE.test(key) || isAboutError
    if (typeof value === "object" && value !== null) {
      return depth < MAX_DEPTH ? leavesOf(value, depth + 1, isTelling ? key : undefined) : []
    }
    const isText = typeof value === "string" && value !== ""
    return isText || (typeof value === "number" && isTelling) ? [{ key, text: String(value), isText, isTelling }] : []
  })
