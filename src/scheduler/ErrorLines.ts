/**
 * The lines of a log that tell of an error: all of them in view, since none of them can be known to be the one that matters. What
 * runs a program says more behind its error, and a program says more of an error than its message.
 *
 * Frames of traces are left out, and so are lines of information. Fields of a printed object count if their names say that they are about
 * the error.
 *
 * @internal
 */
import { type LogLine, ofJson, ofText } from "./LogLine.js"

/** How many lines are looked at, without frames and blank ones. */
const MAX_LINES = 150

/**
 * How many lines may stand behind the last one that tells of an error: what is further up may be of a run before, or of an error that
 * the program has got over.
 */
const MAX_BEHIND = 40

/** How many lines may belong to one error: to its message, its object, its list of what is wrong. */
const MAX_ATTACHED = 40

/** How far above its frames the message of an error may begin. */
const MAX_ABOVE = 10

// -----------------------------------------------------------------------------
// Frames
// -----------------------------------------------------------------------------

/** The frames of traces, and what stands between them. */
const FRAMES = [
  // JavaScript, Java, Kotlin, .NET
  /^at (?:async |new )?[\w$.<>[\]`/@ -]+ ?\(.*\)(?: ?\{| in .*)?$|^at \S+:\d+(?::\d+)?\)?(?: ?\{)?$|^at .* in \S+:line \d+/,
  /^\.\.\. \d+ (?:more|common frames omitted|lines matching)|^<\d+ (?:internal|more)|^Suppressed:$/,
  /^--- End of (?:inner exception )?stack trace/,
  // Python
  /^File ".*", line \d+|^Traceback \(most recent call last\):$|^[~^ ]+$|^\[Previous line repeated/,
  // Go
  /^goroutine \d+ .*\[.*\]:$|^\/?\S+\.go:\d+(?: \+0x[0-9a-f]+)?$|^created by \S+/,
  // Ruby, Perl, Lua, Elixir
  /^(?:\d+: )?from \S+:\d+|^(?:\d+: )?\S+:\d+:in [`'].*'$|^\S+\(.*\) called at \S+ line \d+|^\S+:\d*:? in (?:function|main|upvalue|local|method)/,
  /^\([\w.]+ [\d.]+[^)]*\) \S+:\d+: |^\S+\.exs?:\d+: \S+\/\d+$/,
  // PHP, Dart, native programs
  /^#\d+\s+\S|^thrown in \S+ on line \d+|^Stack trace:$|^stack traceback:$|^stack backtrace:$|^Backtrace:$|^Call stack:$|^CallStack \(from HasCallStack\):$/i,
  /^\d+: +(?:0x[0-9a-f]+ - )?\S+(?:::\S+|$)|^\d+ +\S+ +0x[0-9a-f]{6,}|^\S*\((?:\S+)?\+0x[0-9a-f]+\) ?\[0x|^\[0x[0-9a-f]+\]|^\[\d+\] .* @ /,
  /^Node\.js v\d|^Emitted '.*' event/
]

const isFrameText = ({ indent, text }: LogLine): boolean =>
  FRAMES.some((form) => form.test(text)) || (indent > 0 && /^at \S/.test(text))

const PYTHON_FRAME = /^File ".*", line \d+/
const GO_POSITION = /^\/?\S+\.go:\d+(?: \+0x[0-9a-f]+)?$/

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
    "\\bERR_\\w+|\\b[A-Z]{2,}(?:_[A-Z]+)*[-_]?\\d{3,}\\b|\\bSQLSTATE|\\bSIG[A-Z]{3,4}\\b",
    "^(?:Caused by|Cause|\\[cause\\]|--->?|\\*\\*) ?[:(]?",
    // A type with its package, and the message behind it.
    "^(?:[a-z_][\\w$]*(?:\\.|::))+[A-Z][\\w$]*(?::|$)|\\((?:[A-Z]\\w*(?:::)?)+\\)$",
    "\\b(?:status|code|http)\\W{0,3}(?:code )?[45]\\d\\d\\b|\\b[45]\\d\\d [A-Z][a-z]+",
    " at \\S+ line \\d+\\.?$"
  ].join("|")
)

/** What is said of one cause and not of another. */
const CAUSE =
  /\b(?:denied|refused|reset|aborted by|unauthori[sz]ed|unauthenticated|forbidden|invalid|illegal|missing|not found|no such|cannot|can ?not|can[’']t|could ?n[o’']t|could not|unable|unknown|undefined|unexpected|unsupported|unresolved|unreachable|unavailable|unreadable|timed? ?-?out|time-?out|too (?:many|large|long|big|few|short|old)|quota|exceed(?:s|ed)?|exhausted|insufficient|no space|out of|memory|overflow|underflow|segmentation|corrupt(?:ed)?|conflict|duplicate|already|in use|expired|rejected|required|mismatch|malformed|deadlock|locked|read-?only|broken|bad|permission|disconnected|lost|dropped|violat\w+|assert\w*|uncaught|unhandled|throw(?:n|s|ing)?|raised|null pointer|nil|divi(?:de|sion)|doesn[’']t|don[’']t|isn[’']t|didn[’']t|wasn[’']t|won[’']t|not|must|should|no \w+ (?:found|available|specified|provided|given|left|configured|set)|syntax|parse|deprecat\w+|incompatible|ambiguous|oom)\b/i

/** What is said of any failure, also in the other languages of which a program speaks. */
const FAILURE =
  /\b(?:errors?|err|fatal|panic(?:ked)?|fail(?:s|ed|ure|ures|ing)?|crash(?:ed|es)?|abort(?:ed|s)?|killed|died|severe|critical|exception|violation|fault)\b|(?<!\p{L})(?:fehler\w*|fehlgeschlagen|gescheitert|erreur|échec|échoué|error(?:es)?|fallo|falló|falha|falhou|erro|errore|fallit[oa]|fout|mislukt|fel|misslyckades|fejl|feil|virhe|błąd|chyba|hiba|ошибка|помилка|hata)(?!\p{L})|エラー|失敗|错误|錯誤|失败|오류|실패/iu

const NO_FAILURE =
  /\b(?:0|no|without|zero) (?:\w+ )?(?:errors?|failures?|exceptions?|failed)\b|\b(?:errors?|failures?|failed)["']?\s*[:=]\s*0\b/i

/** That something has ended, with which code, and how it goes on. */
const ENDING =
  /\b(?:exit(?:ed|ing|s)?|exit_?code|shut(?:ting)? ?down|stopp(?:ed|ing)|terminat\w+|quit(?:ting)?|restart\w*|respawn\w*|retrying|crashed|died|killed|gave up|given up|giving up|failed to boot|start-?up|command failed|build failed|task .{1,60} failed|failed with (?:result|an exception)|execution failed|returned|non-?zero|lifecycle|elifecycle|aborted|ended|finished|completed|code \d+|status \d+)\b|\berror \d+\s*$/i

/** How a program ends is said with words that stand for a cause elsewhere. */
const ENDED_BADLY =
  /\b(?:did ?n[o’']t|not) exit\w*(?: successfully)?|\bnot expected\b|\bunexpected(?:ly)? (?:exit|end|terminat|stop)\w*|\bunexpectedly\b/gi

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
  const isNoFailure = NO_FAILURE.test(text)
  const tellsWhy = namesCause(text)
  const tellsOf = !isNoFailure && FAILURE.test(text)
  if (level === "warning") return tellsWhy && tellsOf ? "failure" : undefined
  const isError = level === "error" || tellsWhy || tellsOf
  if (!isError || (isNoFailure && level !== "error")) return undefined
  if (isNamed) return tellsWhy ? "cause" : "failure"
  return ENDING.test(text) && !tellsWhy ? "failure" : "cause"
}

/**
 * Whether a text tells why something has failed, and not only that it has.
 *
 * @internal
 */
export const tellsCause = (text: string): boolean => text.trim() !== "" && !(ENDING.test(text) && !namesCause(text))

// -----------------------------------------------------------------------------
// What belongs to an error
// -----------------------------------------------------------------------------

const FIELD = /^["']?(?:\[?[\w$@.-]+(?:\([\w ]*\))?\]?)["']?\s*(?::|=>?)\s/
const ABOUT_ERROR =
  /^["']?\[?@?(?:err\w*|\w*error\w*|exception|cause|reason|message|msg|detail\w*|description|what\(\)|code|\w*status\w*|errno|syscall|address|port|path|hint|constraint|schema|table|column|field|param\w*|expected|received|type|kind|name|value|argument|host\w*|url|severity|routine|signal)\]?["']?\s*(?::|=>?)/i
const BRACKET = /^[\s{}()[\],;~^|-]*$/

const isAttached = ({ text }: LogLine): boolean => !BRACKET.test(text) && (!FIELD.test(text) || ABOUT_ERROR.test(text))

/** Whether the message of the error can only stand on the next line. */
const isHeadline = ({ text }: LogLine): boolean => /:$|\(\S+:\d+\)\.?$/.test(text)

/** The indices of the lines below an error that belong to it, and where its object or its list ends. */
const below = (lines: ReadonlyArray<LogLine>, frames: ReadonlyArray<boolean>, at: number) => {
  const attached: Array<number> = []
  let end = at
  const first = lines[at]
  for (let index = at + 1; first !== undefined && attached.length < MAX_ATTACHED; index++) {
    const line = lines[index]
    if (line === undefined || line.text === "") break
    if (frames[index] !== true) {
      if (line.level === "lower" || line.level === "warning") break
      const next = lines[index + 1]
      const isDeeper = line.indent > first.indent || BRACKET.test(line.text)
      // A line that heads further ones, as the name of a field heads what is wrong with it.
      const isHead = next !== undefined && next.indent > line.indent && frames[index + 1] !== true
      const isMessage = index === at + 1 && isHeadline(first)
      if (!isDeeper && !isHead && !isMessage) break
      if (isAttached(line)) attached.push(index)
    }
    end = index
  }
  return { attached, end }
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

/** The index of the message below the frames of Python, which end here. */
const behindPython = (
  lines: ReadonlyArray<LogLine>,
  frames: ReadonlyArray<boolean>,
  at: number
): number | undefined => {
  const isPython =
    PYTHON_FRAME.test(lines[at - 1]?.text ?? "") ||
    PYTHON_FRAME.test(lines[at - 2]?.text ?? "") ||
    /^[~^ ]+$/.test(lines[at - 1]?.text ?? "")
  return isPython && frames[at] !== true && lines[at]?.text !== "" ? at : undefined
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
  let isKnown = false
  let last = -1
  const choose = (index: number, isCause: boolean) => {
    chosen.add(index)
    if (!isCause) return
    isKnown = true
    last = Math.max(last, index)
  }
  lines.forEach((line, index) => {
    if (frames[index] === true) {
      if (frames[index - 1] === true || HEADS_TRACE.test(line.text)) return
      for (const one of above(lines, frames, index)) choose(one, true)
      return
    }
    const message = behindPython(lines, frames, index) ?? -1
    const said = message === index ? "cause" : says(line)
    if (said === undefined) return
    choose(index, said === "cause")
    const { attached, end } = below(lines, frames, index)
    for (const one of attached) chosen.add(one)
    if (said === "cause") last = Math.max(last, end)
  })
  const isOld =
    lines.slice(last + 1).filter(({ text }, index) => text !== "" && frames[last + 1 + index] !== true).length >=
    MAX_BEHIND
  if (!isKnown || isOld) return []
  return Array.from(chosen)
    .sort((a, b) => a - b)
    .map((index) => lines[index]?.text ?? "")
}

/** The last lines, taken apart. Frames and blank lines come on top of those that count. */
const inView = (log: string): ReadonlyArray<LogLine> => {
  const texts = log.split("\n")
  const found: Array<LogLine> = []
  let count = 0
  for (let index = texts.length - 1; index >= 0 && count < MAX_LINES; index--) {
    const text = texts[index] ?? ""
    const lines = ofJson(text) ?? [ofText(text)]
    for (const line of lines.toReversed()) {
      found.push(line)
      if (line.text !== "" && !isFrameText(line)) count++
    }
  }
  return found.reverse()
}
