/**
 * A line of a log, taken apart: what stands before its message (time, host, process, level), its level, and the message.
 *
 * @internal
 */

/**
 * - `indent`: how far the message is indented, behind what stands before it.
 * - `level`: of the severity that the line itself names: `error` and above, `warning`, or `lower`.
 * - `isNamed`: whether the level is but the word of a tool before each of its lines, as in `npm error path /app`.
 *
 * @internal
 */
export interface LogLine {
  readonly text: string
  readonly indent: number
  readonly level: "error" | "warning" | "lower" | undefined
  readonly isNamed: boolean
}

type Level = LogLine["level"]

/** How much of one line is looked at, in characters. */
const MAX_LINE = 16_384

const LEVELS: ReadonlyArray<readonly [RegExp, Level]> = [
  [/^(?:err|error|eror|fatal|crit|critical|severe|alert|emerg|emergency|panic|dpanic|fail|failure|ftl|pnc)$/i, "error"],
  [/^(?:warn|warning|wrn)$/i, "warning"],
  [
    /^(?:info|information|informational|inf|notice|debug|dbg|trace|trc|verbose|verb|fine|finer|finest|config|http|silly|log|note|hint|help|ok|success)$/i,
    "lower"
  ]
]

const levelOf = (word: string): Level => LEVELS.find(([names]) => names.test(word))?.[1]

const WORD_LEVEL =
  "TRACE|TRC|DEBUG|DBG|INFO|INF|INFORMATION|NOTICE|WARN|WARNING|WRN|ERROR|ERR|EROR|FATAL|FTL|CRITICAL|CRIT|SEVERE|ALERT|EMERG|PANIC"

const ZONE = "(?: ?(?:Z|UTC|GMT|[A-Z]{3,4}(?= *[:|\\]-])|[+-]\\d\\d:?\\d\\d))?"
const CLOCK = `\\d\\d?:\\d\\d(?::\\d\\d(?:[.,]\\d+)?)?(?: ?[AaPp]\\.?[Mm]\\b\\.?)?${ZONE}(?: ?[+-]\\d\\d:?\\d\\d)?`
const DAY = [
  "\\d{4}[-/.]\\d\\d?[-/.]\\d\\d?",
  "\\d\\d?[-/.]\\d\\d?[-/.]\\d{2,4}",
  "(?:\\p{L}{2,9}\\.?,? )?\\p{L}{3,10}\\.? {1,2}\\d{1,2}(?:,? \\d{4})?,?",
  "(?:\\p{L}{2,9}\\.?,? )?\\d{1,2}\\.?[ /-]\\p{L}{3,10}\\.?(?:[ /-]\\d{2,4})?",
  "\\d{4}[年년] ?\\d\\d?[月월] ?\\d\\d?[日일]",
  "\\d{6}"
].join("|")

/** A time at the beginning, and the sign behind it with at most one blank, since further ones indent the message. */
const TIMES = [
  new RegExp(`^(?:${DAY})(?:[T ,:]|, | at ){0,2}${CLOCK}(?: \\d{4}(?=[\\s:]|$))?(?: ?[:,|-](?= ))? ?`, "u"),
  new RegExp(`^${CLOCK}(?: ?[:,|-](?= ))? ?`, "u"),
  /^(?:\d{8}T\d{6}(?:\.\d+)?Z?|1\d{9}(?:\.\d+)?|1\d{12}|1\d{18})(?: ?[:,|-](?= ))? ?/u
]

/** The last blank belongs to the sign, if there is more than one. */
const SERVICE = /^(?:\d+\|)?(?=[^|\n]{0,80}[A-Za-z])[\w.@/:-]{1,80} *\| ?/
const BRACKETS = /^\[([^[\]\n]{1,100})\]:? ?|^\(([\w./ -]{1,40})\) (?=\S)/
/** The names of processes are in lower case here, unlike types of errors, which may have their code in brackets. */
const SYSLOG = /^<\d{1,3}>\d? ?|^(?:[\w.-]{1,80} )?[a-z][a-z\d_./@()-]{0,80}\[\d{2,7}\]: ?/
const HOST_AND_PROCESS = /^[\w.-]{1,80} [\w./@()-]{1,80}\[\d+\]: ?/
const CRI = /^(?:stdout|stderr) [FP] /
const KLOG = /^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w./-]+:\d+\] ?/
/** As the logger of Ruby has it: `E, [2026-03-07T07:57:33 #4711] ERROR -- : message`. */
const LETTER = /^([DIWEFA]), (?=\[)/
const LEVEL = new RegExp(
  `^(?:(?:level|lvl|severity)=)?["']?(${WORD_LEVEL})["']?(?: ?[:|-](?= |$)|(?=[ |:]|$)) {0,8}(?:\\d+ --- )?`
)
const LOWER_CASE_LEVEL = /^(trace|debug|verbose|info|notice|note|hint|help|warn|warning|http): /i
const NAMED_LEVEL =
  /^([a-z][\w.@/-]{0,40}) (ERR!|error|WARN|warn|warning|info|notice|http|verb|verbose|sill|timing)!?(?= |$) ?/
const LOGFMT_LEVEL = /(?:^|\s)(?:level|lvl|severity)=["']?(\w+)/i
/** A level behind the name of a logger: `- app.db - ERROR - message`. */
const LATER_LEVEL = new RegExp(`^.{0,100}?(?:^|[\\s[(|:-])(${WORD_LEVEL})(?=[\\s\\])|:-])`)

const BETWEEN = /^(?:[-:|] )(?=\S)/

/**
 * One line of text.
 *
 * Longer than a screen would be if each of the forms had a function of its own; they are tried in turn until none fits.
 *
 * @internal
 */
export const ofText = (line: string): LogLine => {
  let rest = line.slice(0, MAX_LINE)
  let level: Level
  let isEntry = false
  let isNamed = false
  let hasTime = false
  // What stands before a message may be indented itself.
  const takes = (form: RegExp): RegExpExecArray | null => {
    const unindented = rest.trimStart()
    const found = form.exec(unindented)
    if (found === null || found[0] === "") return null
    rest = unindented.slice(found[0].length)
    return found
  }
  for (let round = 0; round < 10; round++) {
    const before = rest
    if (takes(SERVICE) !== null) continue
    const klog = takes(KLOG)
    if (klog !== null) {
      level ??= klog[1] === "I" ? "lower" : klog[1] === "W" ? "warning" : "error"
      isEntry = true
      continue
    }
    if (TIMES.some((form) => takes(form) !== null)) {
      hasTime = isEntry = true
      continue
    }
    if (takes(CRI) !== null || (hasTime ? takes(HOST_AND_PROCESS) : takes(SYSLOG)) !== null) {
      isEntry = true
      continue
    }
    const letter = takes(LETTER)
    if (letter !== null) {
      level ??= /[EFA]/.test(letter[1] ?? "") ? "error" : letter[1] === "W" ? "warning" : "lower"
      continue
    }
    const content = BRACKETS.exec(rest.trimStart())
      ?.slice(1)
      .find((found) => found !== undefined)
    if (content !== undefined && isAbout(content, isEntry, rest)) {
      level ??= levelOf(content.trim())
      isEntry ||= level !== undefined || /\d:\d\d/.test(content)
      hasTime ||= /\d:\d\d/.test(content)
      takes(BRACKETS)
      continue
    }
    const word = takes(LEVEL) ?? takes(LOWER_CASE_LEVEL)
    if (word !== null) {
      level ??= levelOf(word[1] ?? "")
      isEntry = true
      continue
    }
    const named = isEntry ? null : takes(NAMED_LEVEL)
    if (named !== null) {
      level ??= levelOf((named[2] ?? "").replace("!", ""))
      isNamed = true
      continue
    }
    if (isEntry && takes(BETWEEN) !== null) continue
    if (rest === before) break
  }
  level ??= levelOf(LOGFMT_LEVEL.exec(rest)?.[1] ?? "")
  if (isEntry) level ??= levelOf(LATER_LEVEL.exec(rest)?.[1] ?? "")
  const text = rest.trimStart()
  return { text: text.trimEnd(), indent: rest.length - text.length, level, isNamed }
}

/** Whether what is in brackets is about the line, as a level, a time, a process or a thread are, and no part of the message. */
const isAbout = (content: string, isEntry: boolean, rest: string): boolean => {
  const word = content.trim()
  if (levelOf(word) !== undefined || /\d:\d\d/.test(word)) return true
  if (/error|exception|warning/i.test(word)) return false
  if (/^[\d.]+$/.test(word)) return isEntry || /^\[[^\]]+\] ?\[/.test(rest)
  return /^[\w./@:#$<>-]+$/.test(word) && /[A-Za-z]/.test(word)
}

// -----------------------------------------------------------------------------
// JSON
// -----------------------------------------------------------------------------

/** Keys, and beginnings of keys, of what an entry says. */
const MESSAGE = /^@?(?:m|mt|msg|message|log|line|text(?:_?payload)?|event|short_message|full_message)$/i
const ABOUT_ERROR =
  /^@?(?:x|err(?:or)?s?(?:[A-Z_.-]?\w*)?|exception\w*|exc_?info|cause\w*|reason\w*|detail\w*|description|fatal|failure|panic|stack(?:_?trace)?|trace_?back|code|status(?:_?(?:code|text))?|exit_?code|errno|syscall|address|port|path|title|type|kind|name|hint|constraint|column|table|field|param|expected|received)$/i
const ALWAYS_NEW =
  /^@?(?:t|ts|time|timestamp|date|datetime|pid|ppid|tid|hostname|host|(?:req|request|trace|span|correlation|session|transaction)[-_]?id|id|duration\w*|elapsed\w*|latency\w*|response_?time|took|uptime|v|headers?)$/i
const LEVEL_KEY = /^@?(?:l|level|lvl|log[._]?level|level_?name|severity|severitytext|priority)$/i

const MAX_BEFORE_JSON = 200

/** Where the lines of one entry of JSON end, since the message of an error may hold a whole trace. */
const MAX_LINES_OF_JSON = 2000

/**
 * The lines of an entry of JSON: its message, and what it says of an error, wherever that stands. `undefined` if the text is none.
 *
 * @internal
 */
export const ofJson = (text: string): ReadonlyArray<LogLine> | undefined => {
  const begin = text.indexOf("{")
  if (begin < 0 || begin > MAX_BEFORE_JSON || !text.trimEnd().endsWith("}")) return undefined
  // Behind a message it is but what else is to be said.
  const before = ofText(text.slice(0, begin))
  if (before.text !== "") return undefined
  let entry: unknown
  try {
    entry = JSON.parse(text.slice(begin))
  } catch {
    return undefined
  }
  if (typeof entry !== "object" || entry === null) return undefined
  const said: Array<readonly [key: string, text: string]> = []
  const others: Array<readonly [key: string, text: string]> = []
  const level = collect(entry, 0, said, others) ?? before.level
  const telling = said.length > 0 ? said : others
  return telling
    .flatMap(([key, value]) => {
      const lines = value.trimEnd().split(/\r?\n/)
      return lines.map((line, index) => ({
        ...ofText(index === 0 && !MESSAGE.test(key) ? `${key}: ${line}` : line),
        ...(level === undefined ? {} : { level })
      }))
    })
    .slice(0, MAX_LINES_OF_JSON)
}

const MAX_DEPTH = 8

const collect = (
  entry: object,
  depth: number,
  said: Array<readonly [string, string]>,
  others: Array<readonly [string, string]>,
  around?: string
): Level => {
  let level: Level
  for (const [name, value] of Object.entries(entry)) {
    const key = Array.isArray(entry) ? (around ?? name) : (name.split(".").at(-1) ?? name)
    if (LEVEL_KEY.test(name) && depth === 0) {
      level ??= typeof value === "number" ? levelOfNumber(value) : levelOf(String(value))
      continue
    }
    if (/^levelno$/i.test(name)) level = Number(value) >= 40 ? "error" : Number(value) >= 30 ? "warning" : "lower"
    if (ALWAYS_NEW.test(key)) continue
    const isTelling = MESSAGE.test(key) || ABOUT_ERROR.test(key) || (around !== undefined && ABOUT_ERROR.test(around))
    if (typeof value === "object" && value !== null) {
      if (depth < MAX_DEPTH) collect(value, depth + 1, said, others, isTelling ? key : undefined)
    } else if (typeof value === "string" && value !== "") (isTelling ? said : others).push([key, value])
    else if (typeof value === "number" && isTelling) said.push([key, String(value)])
  }
  return level
}

/** pino and bunyan count from 10 to 60, syslog from 7 down to 0. */
const levelOfNumber = (level: number): Level => {
  if (level < 10) return level <= 3 ? "error" : level === 4 ? "warning" : "lower"
  return level >= 50 ? "error" : level >= 40 ? "warning" : "lower"
}
