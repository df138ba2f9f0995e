/**
 * A line of a log, taken apart: what stands before its message (time, host, process, level), its level, and the message.
 *
 * @internal
 */

/**
 * - `indent`: how far the message is indented, behind what stands before it.
 * - `level`: of the severity that the line itself names: `error` and above, `warning`, or `lower`.
 * - `isEntry`: whether the line begins an entry of the log, with a time or a level of its own.
 * - `isNamed`: whether the level is but the word of a tool before each of its lines, as in `npm error path /app`.
 *
 * @internal
 */
export interface LogLine {
  readonly text: string
  readonly indent: number
  readonly level: Level
  readonly isEntry: boolean
  readonly isNamed: boolean
}

/** @internal */
export type Level = "error" | "warning" | "lower" | undefined

/** How much of one line is looked at, in characters. */
const MAX_LINE = 16_384

const LEVELS: ReadonlyArray<readonly [names: RegExp, level: Level]> = [
  [
    /^(?:err|erro|error|eror|fatal|fata|crit|critical|severe|alert|emerg|emergency|panic|pani|dpanic|fail|failure|ftl|pnc|[ef])$/i,
    "error"
  ],
  [/^(?:warn|warning|wrn|w)$/i, "warning"],
  [
    /^(?:info|information|informational|inf|notice|debug|debu|dbg|dbug|trace|trac|trce|trc|verbose|verb|fine|finer|finest|config|http|silly|log|note|hint|help|ok|success|[id]\d?)$/i,
    "lower"
  ]
]

/**
 * The level that a word names.
 *
 * @internal
 */
export const levelOf = (word: string): Level => LEVELS.find(([names]) => names.test(word))?.[1]

/** Of syslog, from 7 down to 0. */
const levelOfSeverity = (severity: number): Level => (severity <= 3 ? "error" : severity === 4 ? "warning" : "lower")

/**
 * Of a number: pino and bunyan count from 10 to 60, syslog from 7 down to 0.
 *
 * @internal
 */
export const levelOfNumber = (level: number): Level => {
  if (level < 10) return levelOfSeverity(level)
  return level >= 50 ? "error" : level >= 40 ? "warning" : "lower"
}

const WORDS =
  "TRACE|TRC|DEBUG|DBG|INFO|INF|INFORMATION|NOTICE|WARN|WARNING|WRN|ERROR|ERR|EROR|FATAL|FTL|CRITICAL|CRIT|SEVERE|ALERT|EMERG|EMERGENCY|PANIC|DPANIC"

const ZONE = "(?: ?(?:Z|UTC|GMT|[A-Z]{3,4}(?= *[:|\\]-])|[+-]\\d\\d:?\\d\\d))?"
const HALF_OF_DAY = "(?:(?:오전|오후|午前|午後|上午|下午) ?)?"
const CLOCK = `${HALF_OF_DAY}\\d\\d?:\\d\\d(?::\\d\\d(?:[.,]\\d+)?)?(?: ?[AaPp]\\.?[Mm]\\b\\.?)?${ZONE}(?: ?[+-]\\d\\d:?\\d\\d)?`
const DAY = [
  "\\d{4}[-/.]\\d\\d?[-/.]\\d\\d?",
  "\\d{4}-\\d{3}",
  "\\d\\d?[-/.]\\d\\d?[-/.]\\d{2,4}",
  "(?:\\p{L}{2,9}\\.?,? )?\\p{L}{3,10}\\.? {1,2}\\d{1,2}(?:,? \\d{4})?,?",
  "(?:\\p{L}{2,9}\\.?,? )?\\d{1,2}\\.?(?: de )?[ /-]?\\p{L}{3,10}\\.?(?:(?: de )?[ /-]?\\d{2,4})?",
  "\\d{4}[.年년] ?\\d\\d?[.月월] ?\\d\\d?[.日일]",
  "\\d{1,2}[月월] ?\\d{1,2}[日일]?",
  "\\d{6}"
].join("|")

const SIGN = "(?: ?[:,|-](?= ))? ?"

/**
 * What may stand before a message, each at the beginning of what is left. Of the blanks behind it one goes, since further ones indent the
 * message.
 *
 * - `level`: which one it names.
 * - `isTime`: whether it is the time of an entry. What stands behind that is about the entry more surely.
 * - `onlyBehind`: which of the others it must stand behind.
 */
interface Form {
  readonly form: RegExp
  readonly level?: (found: RegExpExecArray) => Level
  readonly isTime?: boolean
  readonly isEntry?: boolean
  readonly isNamed?: boolean
  readonly onlyBehind?: "time" | "entry" | "nothing"
}

const FORMS: ReadonlyArray<Form> = [
  // The name of a service, as compose, foreman and PM2 print it.
  { form: new RegExp(`^(?!(?:${WORDS})\\b)(?:\\d+\\|)?(?=[^|\\n]{0,80}[A-Za-z])[\\w.@/:-]{1,80} *\\| ?`) },
  // klog, the logger of Kubernetes, and glog.
  {
    form: /^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w./-]+:\d+\] ?/,
    level: ([, letter = ""]) => levelOf(letter),
    isTime: true
  },
  {
    form: new RegExp(
      `^(?!(?:${WORDS})\\b)(?:${DAY})(?:[T ,:]|, | at |,? \\p{L}{3,12},? ){0,2}${CLOCK}(?: \\d{4}(?=[\\s:]|$))?${SIGN}`,
      "u"
    ),
    isTime: true
  },
  { form: new RegExp(`^${CLOCK}${SIGN}`, "u"), isTime: true },
  { form: new RegExp(`^(?:\\d{8}T\\d{6}(?:\\.\\d+)?Z?|1\\d{9}(?:\\.\\d+)?|1\\d{12}|1\\d{18})${SIGN}`), isTime: true },
  // TAI64N, of runit and s6.
  { form: /^@[0-9a-f]{24} /, isTime: true },
  // The name of a stream, as CRI has it.
  { form: /^(?:stdout|stderr) [FP] /, isEntry: true },
  // Syslog: its priority; the host, the process and its id. The names of processes are in lower case where no time stands before
  // them, unlike types of errors, which may have their code in brackets.
  { form: /^<(\d{1,3})>\d? ?/, level: ([, priority]) => levelOfSeverity(Number(priority) % 8), isTime: true },
  { form: /^(?:[\w.-]{1,80} )?[\w./@()-]{1,80}\[\d+\]: ?/, onlyBehind: "time" },
  { form: /^(?:[\w.-]{1,80} )?[a-z][a-z\d_./@()-]{0,80}\[\d{2,7}\]: ?/, isEntry: true },
  // Ruby: `E, [2026-03-07T07:57:33 #4711] ERROR -- : message`.
  { form: /^([DIWEFA]), (?=\[)/, level: ([, letter = ""]) => (letter === "A" ? "error" : levelOf(letter)) },
  // logrus: `ERRO[0003] message`, with the seconds since its start.
  { form: /^([A-Z]{4,5})\[\d{4,}\] ?/, level: ([, word = ""]) => levelOf(word), isEntry: true },
  {
    form: new RegExp(
      `^(?:(?:level|lvl|severity)=)?["']?(${WORDS})["']?(?: ?[:|-](?= |$)|(?=[ |:]|$)) {0,8}(?:\\d+ --- )?`
    ),
    level: ([, word = ""]) => levelOf(word),
    isEntry: true
  },
  {
    form: /^(trace|debug|verbose|info|notice|note|hint|help|warn|warning|http|crit|dbug|trce): /i,
    level: ([, word = ""]) => levelOf(word),
    isEntry: true
  },
  // Tools that name themselves before the level: `npm error code 1`.
  {
    form: /^[a-z][\w.@/-]{0,40} (ERR!|error|WARN|warn|warning|info|notice|http|verb|verbose|sill|timing)!?(?= |$) ?/,
    level: ([, word = ""]) => levelOf(word.replace("!", "")),
    isNamed: true,
    onlyBehind: "nothing"
  },
  // The process and the thread of sidekiq
  { form: /^(?:(?:pid|tid|class|jid|elapsed|bid|tags)=\S* )+/, onlyBehind: "time" },
  // The process of NestJS, pino-pretty, bunyan, nginx, redis, MySQL and Django.
  { form: /^\d{1,7} +- (?=\d)/ },
  { form: /^\((?:[\w.@/-]+\/)?\d+(?: on [\w.-]+)?\):? ?/, onlyBehind: "entry" },
  { form: /^[\w.@-]+\/\d+ on [\w.-]+: ?/, onlyBehind: "entry" },
  { form: /^\d+#\d+: (?:\*\d+ )?/, onlyBehind: "entry" },
  { form: /^\d+:[A-Z] (?=\d)/ },
  { form: /^\d+ (?=\[)/, onlyBehind: "entry" },
  { form: /^[\w.]+ \d{2,7} \d{2,19} (?=\S)/, onlyBehind: "entry" },
  { form: /^[-:|*#] (?=\S)/, onlyBehind: "entry" }
]

const BRACKETS = /^\[([^[\]\n]{1,100})\]:? ?|^\(([\w./ -]{1,40})\) (?=\S)/
const LEVEL_AMONG = new RegExp(`\\b(?:${WORDS})\\b|(?<=#)\\w+$`)
/** The level of logfmt, and one behind the name of a logger: `- app.db - ERROR - message`. */
const LOGFMT_LEVEL = /(?:^|\s)(?:level|lvl|severity)=["']?(\w+)/i
const LATER_LEVEL = new RegExp(`^.{0,100}?(?:^|[\\s[(|:.-])(${WORDS})(?=[\\s\\])|:-])`)

/**
 * One line of text: what stands before its message is taken off piece by piece.
 *
 * @internal
 */
export const ofText = (line: string): LogLine => {
  let rest = line.slice(0, MAX_LINE)
  let level: Level
  let isEntry = false
  let isNamed = false
  let hasTime = false
  const isIn = (place: Form["onlyBehind"]) =>
    place === undefined || (place === "time" ? hasTime : place === "entry" ? isEntry : !isEntry)
  for (let round = 0; round < MAX_PIECES; round++) {
    const piece = pieceOf(rest.trimStart(), hasTime, isIn)
    if (piece === undefined) break
    // What stands before a message may be indented itself.
    rest = rest.trimStart().slice(piece.length)
    level ??= piece.level
    hasTime ||= piece.isTime
    isEntry ||= piece.isTime || piece.isEntry
    isNamed ||= piece.isNamed
  }
  level ??= levelOf(LOGFMT_LEVEL.exec(rest)?.[1] ?? "")
  if (isEntry) level ??= levelOf(LATER_LEVEL.exec(rest)?.[1] ?? "")
  const text = rest.trimStart()
  return { text: text.trimEnd(), indent: rest.length - text.length, level, isEntry, isNamed }
}

const MAX_PIECES = 10

interface Piece {
  readonly length: number
  readonly level: Level
  readonly isTime: boolean
  readonly isEntry: boolean
  readonly isNamed: boolean
}

const pieceOf = (rest: string, hasTime: boolean, isIn: (place: Form["onlyBehind"]) => boolean): Piece | undefined => {
  for (const { form, isEntry = false, isNamed = false, isTime = false, level, onlyBehind } of FORMS) {
    const found = isIn(onlyBehind) ? form.exec(rest) : null
    if (found === null || found[0] === "") continue
    return { length: found[0].length, level: level?.(found), isTime, isEntry, isNamed }
  }
  const found = BRACKETS.exec(rest)
  const content = (found?.[1] ?? found?.[2])?.trim()
  if (found === null || content === undefined || !isAbout(content, hasTime, rest)) return undefined
  // Beside other words a level is in capitals, or behind the name of a logger.
  const level = levelOf(LEVEL_AMONG.exec(content)?.[0] ?? content)
  const isTime = /\d:\d\d/.test(content)
  return { length: found[0].length, level, isTime, isEntry: level !== undefined, isNamed: false }
}

/** Whether what is in brackets is about the line, as a level, a time, a process or a thread are, and no part of the message. */
const isAbout = (word: string, hasTime: boolean, rest: string): boolean => {
  if (levelOf(word) !== undefined || /\d:\d\d/.test(word)) return true
  if (/error|exception|warning/i.test(word)) return false
  if (/^[\d.]+$/.test(word)) return hasTime || /^\[[^\]]+\] ?\[/.test(rest)
  // What is in capitals and has digits may be the code of the error.
  return /^[\w./@:#$<>-]+$/.test(word) && /[a-z]/.test(word) && !/^0x[\da-f]{1,8}$/i.test(word)
}
