/**
 * The lines of a log that tell of an error: all of them in view, since none of them can be known to be the one that matters. What
 * runs a program says more behind its error, and a program says more of an error than its message.
 *
 * Frames of traces are left out, and so are lines of information. Fields of a printed object count if their names say that they are about
 * the error.
 *
 * @internal
 */
import { ofJson } from "./JsonLine.js"
import { type LogLine, ofText } from "./LogLine.js"

/** How many lines are looked at, without frames and blank ones. */
const MAX_LINES = 150

/**
 * How many lines may stand behind the last one that tells of an error: what is further up may be of a run before, or of an error that
 * the program has got over.
 */
const MAX_BEHIND = 40

/** How many lines may belong to one error: to its message, its object, its list of what is wrong. */
const MAX_ATTACHED = 600

/** How many lines may stand under one head. */
const MAX_UNDER_HEAD = 20

/** How many lines without a time of their own may go on with an entry of a log, and with the headline of a report. */
const MAX_GOING_ON = 3
const MAX_REPORT = 10

/** How far above its frames the message of an error may begin. */
const MAX_ABOVE = 10

// -----------------------------------------------------------------------------
// Frames
// -----------------------------------------------------------------------------

const PYTHON_FRAME = /^File ".*", line \d+/
/** The marks under the part of a line of source that Python means. */
const PYTHON_MARKS = /^[~^ ]+$/
const GO_POSITION = /^\/?\S+\.go:\d+(?: \+0x[0-9a-f]+)?$/

/** The frames of traces, and what stands between them. */
const FRAMES = [
  // JavaScript, Java, Kotlin, .NET
  /^at (?:async |new )?[\w$.<>[\]`/@ -]+ ?\(.*\)(?: ?\{| in .*)?$|^at \S+:\d+(?::\d+)?\)?(?: ?\{)?$|^at .* in \S+:line \d+/,
  /^\.\.\. \d+ (?:more|common frames omitted|lines matching)|^<\d+ (?:internal|more)|^Suppressed:$/,
  /^--- End of (?:inner exception )?stack trace/,
  // Python
  PYTHON_FRAME,
  PYTHON_MARKS,
  /^Traceback \(most recent call last\):$|^\[Previous line repeated/,
  // Go
  GO_POSITION,
  /^goroutine \d+ .*\[.*\]:$|^created by \S+/,
  // Ruby, Perl, Lua, Elixir
  /^(?:\d+: )?from \S+:\d+|^(?:\d+: )?\S+:\d+:in [`'].*'$|^\S+\(.*\) called at \S+ line \d+|^\S+:\d*:? in (?:function|main|upvalue|local|method)/,
  /^\([\w.]+ [\d.]+[^)]*\) \S+:\d+: |^\S+\.exs?:\d+: \S+\/\d+$/,
  // PHP, Dart, native programs
  /^#\d+\s+\S|^thrown in \S+ on line \d+|^Stack trace:$|^stack traceback:$|^stack backtrace:$|^Backtrace:$|^Call stack:$|^CallStack \(from HasCallStack\):$/i,
  /^\d+: +(?:0x[0-9a-f]+ - )?\S+(?:::\S+|$)|^\d+ +\S+ +0x[0-9a-f]{6,}|^\S*\((?:\S+)?\+0x[0-9a-f]+\) ?\[0x|^\[0x[0-9a-f]+\]|^\[\d+\] .* @ /,
  // What Node.js says of itself, and its garbage collector before it runs out of memory
  /^Node\.js v\d|^Emitted '.*' event|^(?:\[\d+:0x[0-9a-f]+\] +)?\d+ ms: (?:Mark-|Scavenge)/
]

const isFrameText = ({ indent, text }: LogLine): boolean =>
  FRAMES.some((form) => form.test(text)) || (indent > 0 && /^at \S/.test(text))

/** Which lines are frames, with the line of source behind one of Python and the function before a position of Go. */
const framesOf = (lines: ReadonlyArray<LogLine>): ReadonlyArray<boolean> => {
  const found = lines.map(isFrameText)
  lines.forEach((line, index) => {
    const next = lines[index + 1]
    if (next === undefined) return
    if (PYTHON_FRAME.test(line.text) && next.indent > line.indent) found[index + 1] = true
    if (GO_POSITION.test(next.text) && /\)$/.test(line.text)) found[index] = true
  })
  return found
}

// -----------------------------------------------------------------------------
// What a line says
// -----------------------------------------------------------------------------

/** Words in capitals that begin with E and are no codes. */
const NO_CODES =
  "ERRORS?|ERR|ELIFECYCLE|EXIT\\w*|ENV\\w*|EVENTS?|END\\w*|EMPTY|ENABLED?|ELAPSED|EXEC\\w*|EXPORT\\w*|EACH|ELSE|EXTRA|EXAMPLE|EXPECTED|EDIT|ENTER|ENGINE|ENTRY|EMAIL|ECHO|ENCOD\\w*|ESTABLISHED|EARLY|EVERY\\w*|EXTERNAL|EASY|ETAG|EMERG\\w*|EXPLAIN|ERA"

/** The type or the code of an error. */
const NAMED = new RegExp(
  [
    "\\b[\\w$]*[A-Za-z](?:Error|Exception|Fault|Panic|Failure|Interrupt|Timeout|Violation)\\b",
    `\\b(?!(?:${NO_CODES})\\b)E[A-Z]{3,}\\d?\\b`,
    "\\bERR_\\w+|\\b[A-Z]{2,}(?:_[A-Z]+)*[-_]?\\d{3,}\\b|\\bSQLSTATE|\\bSIG(?:SEGV|ABRT|BUS|FPE|ILL|SYS|TRAP)\\b",
    "^(?:Caused by|Cause|\\[cause\\]|--->?) ?[:(]?|\\*\\* \\(",
    // A type with its package, and the message behind it; a type behind the message, as Ruby has it
    "(?:^|[\\s>|:])(?:[a-z_][\\w$]*(?:\\.|::))+[A-Z][\\w$]*(?::(?= |$)|$)|:\\d+:in .*\\([A-Z][\\w:]*\\)$",
    "\\b(?:status|code|http)\\W{0,3}(?:code )?[45]\\d\\d\\b|\\b[45]\\d\\d [A-Z][a-z]+",
    " at \\S+ line \\d+\\.?$|\\bline \\d+: +\\d+ [A-Z][a-z]+|^Killed$|\\bXid\\b|\\b0x[cC][0-9a-fA-F]{7}\\b",
    // Erlang
    '^\\{"init terminating|Kernel pid terminated',
    // What reporters of tests and of compilers put before it
    "^(?:Expected|Received|Actual)(?: \\w+)?:|^[×✖✗✘❌⨯] ?\\S"
  ].join("|")
)

/** What is said of one cause and not of another. */
const CAUSE =
  /\b(?:denied|refused|reset|aborted by|unauthori[sz]ed|unauthenticated|forbidden|invalid|illegal|missing|not found|no such|cannot|can ?not|can[’']t|could ?n[o’']t|could not|unable|unknown|undefined|unexpected|unsupported|unresolved|unreachable|unavailable|unreadable|timed? ?-?out|time-?out|too (?:many|large|long|big|few|short|old)|quota|exceed(?:s|ed)?|exhausted|insufficient|no space|out of|memory|overflow|underflow|segmentation|corrupt(?:ed)?|conflict|duplicate|already|in use|expired|rejected|required|mismatch|malformed|deadlock|locked|read-?only|broken|bad|permission|disconnected|lost|dropped|violat\w+|assert\w*|unexpectedly|uncaught|unhandled|throw(?:n|s|ing)?|raised|null pointer|nil|divi(?:de|sion)|doesn[’']t|don[’']t|isn[’']t|didn[’']t|wasn[’']t|won[’']t|not|must|should|no \w+ (?:found|available|specified|provided|given|left|configured|set)|syntax|parse|deprecat\w+|incompatible|ambiguous|oom|unbound|unset|unterminated|unmatched|void|extra operand|is a directory|is full|integer expression|usage:|style issues|fallen off)\b/i

/** What is said of any failure, also in the other languages of which a program speaks. */
const FAILURE =
  /\b(?:errors?|err|fatal|panic(?:ked)?|fail(?:s|ed|ure|ures|ing)?|crash(?:ed|es)?|abort(?:ed|s)?|killed|died|severe|critical|exception|violation|fault)\b|(?<!\p{L})(?:fehler\w*|fehlgeschlagen|gescheitert|erreur|échec|échoué|error(?:es)?|fallo|falló|falha|falhou|erro|errore|fallit[oa]|fout|mislukt|fel|misslyckades|fejl|feil|virhe|błąd|chyba|hiba|ошибка|помилка|hata|nicht|kein\w*|impossible|aucun\w*|introuvable|refusé\w*|denegad[oa]|no encontrad[oa]|non trovat[oa]|negat[oa]|não encontrad[oa]|не удалось|нет такого|отказано|не найден\w*)(?!\p{L})|エラー|失敗|错误|錯誤|失败|오류|실패/iu

const NO_FAILURE =
  /\b(?:0|no|without|zero) (?:\w+ )?(?:errors?|failures?|exceptions?|failed)\b|\b(?:errors?|failures?|failed)["']?\s*[:=]\s*0\b|(?<![=\w])errors? (?:handl(?:ers?|ing)|pages?|logs?|logging|report(?:s|ing|ers?)?|track(?:ing|er)|bound(?:ary|aries)|rates?|templates?|middlewares?|callbacks?|hooks?|counts?|counters?)\b/gi

/** That something has ended, with which code, or what has run it: whatever else stands in the line, it says nothing of why. */
const ENDED_WITH =
  /\bexit(?:ed|s|ing)?\b.{0,30}\b(?:code|status|signal|\d+)|\b(?:exit_?code|code=exited|exit status)\b|\bnon-?zero\b|(?:command|lifecycle|lifecycle script|build|start-?up|task .{1,60}) failed\b|\bfailed (?:with (?:result|an exception)|to (?:boot|load command))\b|\bexecution failed for\b|(?:^|\] |\*{3} )error (?:code )?\d+\s*$|\b(?:crash|core) dump is being\b|\bfailed \((?:errors|failures|skipped)=|^=* ?\d+ (?:failed|failing|errors?)\b/i

/** The same, if nothing else stands there. */
const ENDED =
  /\b(?:exit(?:ed|ing|s)?|shut(?:ting)? ?down|stopp(?:ed|ing)|terminat\w+|quit(?:ting)?|restart\w*|respawn\w*|retry\w*|crashed|died|killed|gave up|given up|giving up|start-?up|aborted|ended|finished|completed|failed)\b/i

/** Words of lines about an end, and of what ends. */
const WORDS_OF_ENDS =
  /\b(?:error|fatal|err|warn|info|reason|main|the|an?|is|was|has|have|been|and|or|with|by|for|from|to|in|of|on|at|it|too|many|quickly|unstable|unexpectedly|before|after|while|again|now|will|be|exit\w*|code|status|result|signal|shut|shutting|down|stop\w*|terminat\w*|quit\w*|restart\w*|respawn\w*|retr(?:y|ies|ying)|crash\w*|died|dead|kill\w*|gave|given?|giving|up|start\w*|boot\w*|abort\w*|end(?:ed|ing)?|finish\w*|complet\w*|fail\w*|process(?:es)?|worker|child|children|master|parent|app|apps?|application|server|service|script|command|program|container|job|task|daemon|supervisor|attempts?|times?|seconds?|state|entered|waiting|file|changes|gracefully|pid|id|pm2|event|handler)\b/gi

const saysEnd = (text: string): boolean =>
  ENDED_WITH.test(text) ||
  (ENDED.test(text) && !/\bError: /.test(text) && !/\p{L}/u.test(text.replace(WORDS_OF_ENDS, "")))

/** How a program ends is said with words that stand for a cause elsewhere. */
const ENDED_BADLY =
  /\b(?:did ?n[o’']t|not) (?:exit|complete)\w*(?: successfully)?|\bnot expected\b|\b(?:exit|end|terminat|stop|crash|die)\w* unexpectedly|\b(?:Called)?Process(?:Error|Exception)\b|\bfailed with an exception\b/gi

const namesCause = (text: string): boolean => {
  const rest = text.replace(ENDED_BADLY, "")
  return NAMED.test(rest) || CAUSE.test(rest)
}

/**
 * - `cause`: it says why, or may well do so.
 * - `failure`: it says that something went wrong, and not why.
 */
type Says = "cause" | "failure" | undefined

const says = ({ isNamed, level, text }: LogLine): Says => {
  if (text === "" || level === "lower") return undefined
  const said = text.replace(NO_FAILURE, "")
  const tellsWhy = namesCause(said)
  const tellsOf = FAILURE.test(said)
  if (level === "warning") return tellsWhy && tellsOf ? "failure" : undefined
  if (level !== "error" && !tellsWhy && !tellsOf) return undefined
  return tellsWhy || !(isNamed || saysEnd(text)) ? "cause" : "failure"
}

/**
 * Whether a text tells why something has failed, and not only that it has.
 *
 * @internal
 */
export const tellsCause = (text: string): boolean => text.trim() !== "" && (namesCause(text) || !saysEnd(text))

// -----------------------------------------------------------------------------
// What belongs to an error
// -----------------------------------------------------------------------------

const FIELD = /^(?!["']?\d+["']?:)["']?(?:\[?[\w$@.-]+(?:\([\w ]*\))?\]?)["']?\s*(?::|=>?)\s/
const ABOUT_ERROR =
  /^["']?\[?@?(?:err\w*|\w*error\w*|exception|cause|reason|message|msg|detail\w*|description|what\(\)|code|\w*status\w*|errno|syscall|address|port|path|hint|constraint|schema|table|column|field|param\w*|expected|received|type|kind|name|value|argument|host\w*|url|severity|routine|signal|left|right|file|\w*path|at|in|on|step|rule|keyword|parameters?|[A-Z][A-Z\d]*(?:_[A-Z\d]+)+)\]?["']?\s*(?::|=>?)/i
const BRACKET = /^[\s{}()[\],;~^|-]*$/

const isAttached = ({ text }: LogLine): boolean => !BRACKET.test(text) && (!FIELD.test(text) || ABOUT_ERROR.test(text))

/** Whether the message of the error can only stand on the next lines, and on how many. */
const linesOfMessage = ({ text }: LogLine): number => {
  if (/^=+ ?[A-Z ]+ REPORT\b/.test(text)) return MAX_REPORT
  return /:$|\(\S+:\d+\)\.?$/.test(text) ? 1 : 0
}

/** How many lines without a time of their own go on with the message of an entry; none if there are so many that they are something else. */
const goesOn = (lines: ReadonlyArray<LogLine>, at: number): number => {
  if (lines[at]?.isEntry !== true) return 0
  const end = lines.findIndex(({ isEntry, text }, index) => index > at && (isEntry || text === ""))
  const count = (end < 0 ? lines.length : end) - at - 1
  return count <= MAX_GOING_ON ? count : 0
}

/** The indices of the lines below an error that belong to it, and where its object or its list ends. */
const below = (lines: ReadonlyArray<LogLine>, frames: ReadonlyArray<boolean>, at: number) => {
  const attached: Array<number> = []
  let end = at
  const first = lines[at]
  const toCome = first === undefined ? 0 : Math.max(linesOfMessage(first), goesOn(lines, at))
  for (let index = at + 1; first !== undefined && attached.length < MAX_ATTACHED; index++) {
    const line = lines[index]
    // Between a headline and its message may be a blank line, and before what explains the message as well.
    const isGap = linesOfMessage(first) > 0 || (lines[index + 1]?.indent ?? 0) > first.indent
    if (line?.text === "" && index === at + 1 && isGap) continue
    if (line === undefined || line.text === "") break
    if (frames[index] !== true) {
      if (line.level === "lower" || line.level === "warning") break
      const next = lines[index + 1]
      const isDeeper = line.indent > first.indent || BRACKET.test(line.text)
      // A line that heads further ones, as the name of a field heads what is wrong with it.
      const isHead = next !== undefined && next.indent > line.indent && frames[index + 1] !== true
      const isMessage = attached.length < toCome
      if (!isDeeper && !isHead && !isMessage) break
      if (isAttached(line)) attached.push(index)
    }
    end = index
  }
  return { attached, end }
}

/** The index of the line that heads an indented one, such as the name of a file above what is wrong in it. */
const headOf = (lines: ReadonlyArray<LogLine>, frames: ReadonlyArray<boolean>, at: number): number | undefined => {
  const indent = lines[at]?.indent ?? 0
  for (let index = at - 1; indent > 0 && index >= at - MAX_UNDER_HEAD; index--) {
    const line = lines[index]
    if (line === undefined || line.text === "" || line.level === "lower") return undefined
    if (line.indent < indent) return frames[index] === true || BRACKET.test(line.text) ? undefined : index
  }
  return undefined
}

/** The indices of the message above the frames that begin here. */
const above = (lines: ReadonlyArray<LogLine>, frames: ReadonlyArray<boolean>, at: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let index = at - 1; index >= 0 && index >= at - MAX_ABOVE; index--) {
    const line = lines[index]
    if (line === undefined || frames[index] === true || line.level === "lower") break
    if (line.text === "" && found.length === 0) continue
    if (line.text === "" || BRACKET.test(line.text)) break
    found.push(index)
    if (says(line) !== undefined) return found
  }
  return found.slice(0, 1)
}

const HEADS_TRACE = /^Traceback \(most recent call last\):$|^goroutine \d+ /

/** Whether the line is the message below the frames of Python. */
const isBehindPython = (lines: ReadonlyArray<LogLine>, frames: ReadonlyArray<boolean>, at: number): boolean => {
  const [oneUp = "", twoUp = ""] = [lines[at - 1]?.text, lines[at - 2]?.text]
  const isPython = PYTHON_FRAME.test(oneUp) || PYTHON_FRAME.test(twoUp) || PYTHON_MARKS.test(oneUp)
  return isPython && frames[at] !== true && lines[at]?.text !== ""
}

/**
 * What the log tells of errors, a text for each line, in the order in which they were said last. None if it tells of no cause.
 *
 * @internal
 */
export const ofLog = (log: string): ReadonlyArray<string> => {
  const lines = inView(log)
  const frames = framesOf(lines)
  const chosen = new Set<number>()
  // Where the last error ends that tells of its cause.
  let last = -1
  lines.forEach((line, index) => {
    if (frames[index] === true) {
      if (frames[index - 1] === true || HEADS_TRACE.test(line.text)) return
      for (const one of above(lines, frames, index)) {
        chosen.add(one)
        last = Math.max(last, one)
      }
      return
    }
    const said = isBehindPython(lines, frames, index) ? "cause" : says(line)
    if (said === undefined) return
    chosen.add(index)
    const head = headOf(lines, frames, index)
    if (head !== undefined) chosen.add(head)
    const { attached, end } = below(lines, frames, index)
    for (const one of attached) chosen.add(one)
    if (said === "cause") last = Math.max(last, end)
  })
  const isOld =
    lines.slice(last + 1).filter(({ text }, index) => text !== "" && frames[last + 1 + index] !== true).length >=
    MAX_BEHIND
  if (last < 0 || isOld) return []
  return Array.from(chosen)
    .sort((a, b) => a - b)
    .map((index) => lines[index]?.text ?? "")
}

/** The last lines, taken apart. Frames, fields and blank lines come on top of those that count. */
const inView = (log: string): ReadonlyArray<LogLine> => {
  const texts = log.split("\n")
  const without = sharedPrefix(texts.slice(-MAX_SAMPLE))
  const found: Array<LogLine> = []
  let count = 0
  for (let index = texts.length - 1; index >= 0 && count < MAX_LINES; index--) {
    const text = without(texts[index] ?? "")
    const lines = ofJson(text) ?? [ofText(text)]
    for (const line of lines.toReversed()) {
      const behind = found.at(-1)
      found.push(line)
      if (isPart(line, behind)) continue
      // What was counted behind it is the line of source of this frame.
      count += PYTHON_FRAME.test(line.text) ? -1 : isFrameText(line) ? 0 : 1
    }
  }
  return found.reverse()
}

const isPart = (line: LogLine, behind: LogLine | undefined): boolean =>
  line.text === "" ||
  BRACKET.test(line.text) ||
  (line.indent > 0 && FIELD.test(line.text)) ||
  (behind !== undefined && GO_POSITION.test(behind.text) && line.text.endsWith(")"))

/** How many lines are looked at for what all of them begin with. */
const MAX_SAMPLE = 200

/** What may be the name of a service or of a package before each line, with digits that differ. */
const PREFIX = /^\S.{0,80}?[:|>\])] (?=\s*\S)/

/** Takes off what nearly all lines begin with, such as `@acme/api:start: `, unless it tells of an error. */
const sharedPrefix = (lines: ReadonlyArray<string>): ((line: string) => string) => {
  const keyOf = (line: string) => PREFIX.exec(line)?.[0].replace(/\d/g, "0")
  const counts = new Map<string, number>()
  const said = lines.filter((line) => line.trim() !== "")
  for (const line of said) {
    const key = keyOf(line)
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const [shared] = Array.from(counts).find(([, count]) => count >= 4 && count > said.length * 0.8) ?? []
  if (shared === undefined || FAILURE.test(shared) || NAMED.test(shared)) return (line) => line
  return (line) => (keyOf(line) === shared ? line.slice(shared.length) : line)
}
