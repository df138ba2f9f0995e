/**
 * A line without what differs from run to run: times, durations, ids, threads, temporary names. What tells two errors apart stays:
 * codes, statuses and the ports of services, of any length.
 *
 * @internal
 */

/** An amount of time, of one unit or of several, as in `6m0s` and `1 hour 5 minutes`; and an amount of space or a share. */
const AMOUNT =
  /(?<![\w.:-])~?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?: ?(?:ns|nanoseconds?|µs|us|microseconds?|ms|msecs?|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|[kmgt]?i?b|bytes?|octets|%)(?![\p{L}_])(?:,? ?(?:and )?\d+(?:\.\d+)?)?|(?:h|m|s|d)(?=\d)(?:\d+(?:\.\d+)?))+(?: ?(?:ms|s|m|h))?(?![\w])/giu

/** The name of a day before a date, the name of a month with its day, and a date of numbers, in any language. */
const DATE = [
  /(?<![\p{L}\d])\p{L}{2,9}\.?,? +(?=(?:\p{L}{3,10}\.? +\d{1,2}|\d{1,2}\.? +\p{L}{3,10}\.?),? +(?:\d{4}|\d\d?:\d\d))/gu,
  /(?<![\p{L}\d])\p{L}{3,10}\.? +\d{1,2},?(?= +(?:\d{4},? +)?\d\d?:\d\d)/gu,
  /(?<![\w.-])(?:\d{1,2}\.? \p{L}{3,10}\.? \d{4}|\d{1,2}([/-])\p{L}{3,4}\1\d{4})(?![\w-])(?:,? \p{L}{3,12}(?= \d\d?:\d\d))?(?::{1,2}(?=\d\d:))?/gu,
  /(?<![\w.-])\d{1,2} de \p{L}{3,10}\.?(?: de \d{4})?,?/gu,
  /(?<![\w-])\d{4}-\d{3}\b(?=[T ])|(?<!\d)\d{1,2}[月월] ?\d{1,2}[日일]?(?= )/gu,
  /(?:오전|오후|午前|午後|上午|下午) ?(?=\d)/gu,
  /(?<![\w.])\d{1,2}\.? \p{L}{3,10}\.?(?= \d\d?:\d\d)/gu,
  /\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +(?=\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/gi,
  /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? +\d{1,2}(?:,? \d{4})?\b|\b\d{1,2} (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?: \d{4})?\b/gi,
  /\d{4}[.年년] ?\d\d?[.月월] ?\d\d?[.日일]/gu,
  // With dots it may be a version as well, unless it has the digits of a date.
  /\b\d{4}(?:([-/])\d\d?\1\d\d?|\.\d\d\.\d\d)(?=T|\b)|\b\d\d?(?:([-/])\d\d?\2(?:\d{4}|\d\d)|\.\d\d?\.\d{4})\b(?!\.)/g,
  /\b\d{8}(?=T\d{6})/g,
  // Stamps in names of files
  /(?<!\d)20\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:[0-2]\d|3[01])(?:[-_T.]?(?:[01]\d|2[0-3])[-_.:]?[0-5]\d(?:[-_.:]?[0-5]\d)?)?(?!\d)/g
]

const TIME =
  /(?:(?<![\w.:])|(?<=\d)T|(?<=#)T)\d\d?:\d\d(?!\d)(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]\.?m\b\.?)?(?: ?(?:Z\b|UTC|GMT|[CEMPW]E?[SD]?T\b|BST\b|JST\b|IST\b))?(?: ?[+-]\d\d:?\d\d\b)?|\d\d?時\d\d?分(?:\d\d?秒)?|(?<=[\d#])[T_]\d\d[_-]\d\d[_-]\d\d(?:[._-]\d+)?Z?|T\d{6}(?:\.\d+)?Z?\b/gi

/** Words behind which a number names one of many of the same kind, and those behind which only a long one does. */
const ONE_OF_MANY =
  "pid|ppid|tid|thread|goroutine|fiber|worker|process|child|request|req|trace|span|session|correlation|transaction|txn?|container|instance|connection|conn|client|socket|fd|attempt|retry|retries|restart|iteration|offset|invocation|seq|uptime|elapsed|took|timestamp|ts|used|requested|remaining"
const MAYBE_ONE_OF_MANY =
  "in|job|task|run|build|user|account|customer|order|row|record|batch|chunk|partition|id|count|counter|total|size|length|time|epoch|generation"

const idNumber = (words: string, digits: string) =>
  new RegExp(
    `\\b((?:${words})s?(?:[ _-]?(?:id|no|nr|number|#))?["'\`]?\\s*(?:[:=]\\s*)?["'\`(\\[]?#?)(?<![A-Za-z])${digits}(?:\\.\\d+)?(?![\\w.:-]*\\p{L})`,
    "giu"
  )
const ID_NUMBER = idNumber(ONE_OF_MANY, "\\d+")
const LONG_ID_NUMBER = idNumber(MAYBE_ONE_OF_MANY, "\\d{4,}")

/** Amounts of time whose unit stands in their name. */
const AMOUNT_FIELD =
  /\b(\w*(?:duration|elapsed|latency|took|uptime|response_?time|_ms|_sec|seconds|millis|Ms)["']?\s*[:=]\s*)\d+(?:\.\d+)?/gi

/** What the kernel and pools count when something is full. */
const COUNTER =
  /\b((?:[\w-]*(?:vm|rss|pgtables|oom_score_adj)|(?:total|active|idle|waiting|pending|queued|completed|pool size|(?:active|queued|completed) \w+))\s*[:=]\s*)-?\d+(?:[kMG]?B)?/gi

const ID_TEXT =
  /\b((?:request|req|trace|span|session|correlation|transaction|txn?|invocation|u?id)(?:[ _-]?id)?["'`]?\s*(?:[:=#]\s*)?["'`([]?)(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{5,}/gi

const ID_FIELD =
  /\b((?:x[-_])?(?:amzn?[-_])?(?:request|req|trace|span|session|correlation|transaction|invocation|host|cf[-_]ray|ray|run|job|task|event|message)[-_ ]?id["'`]?\s*[:=]\s*["'`]?)(?=[\w./+=-]*\d)[\w./+=-]+/gi

/** A prefix that services put before their ids, as in `req_011CSHoEeqs5C35K2UUq`. */
const ID_PREFIXED =
  /\b(req|request|msg|run|resp|response|chatcmpl|cmpl|trace|sess|session|evt|event|call|toolu|thread|asst|batch|job|task|tx|txn|ord|order|cus|sub|pi|ch|in)[_-](?=[A-Za-z]*\d+[A-Za-z])[A-Za-z0-9]{8,}\b/g

/** A word behind which a number is what tells two errors apart. */
const CODE_BEFORE =
  /(?:code|subcode|status|errno|error|err|sqlstate|sqlcode|state|http|signal|exit|version|exception|warning|hresult|nt_?status|result|kind|type|port|line|column)["'`]?\)?\s*(?:[:=#([]|is|was|of)?\s*["'`-]?$/i

/** The first port that systems give to the near end of a connection. Source: Linux `ip_local_port_range`; IANA's begins at 49152. */
const FIRST_EPHEMERAL_PORT = 32_768

/** A port behind its host, unless that is what was to be reached or listened at. */
const EPHEMERAL =
  /(?<!\b(?:connect|connect(?:ing|ion) to|dial|dialing|listen|listening|bind|reach|ECONN[A-Z]+|EADDRINUSE|ETIMEDOUT|EHOSTUNREACH)\b[^\n]{0,60})(?<=[\w.\])]:)\d{5}\b/g

/** Numbers of so many digits are sizes, ids or instants, unless what stands before them says that they are codes. */
const LONG_NUMBER = 6

const longNumber = (found: string, at: number, text: string): string => {
  if (found.replace(/\D/g, "").length < LONG_NUMBER) return found
  const before = text.slice(Math.max(0, at - 30), at)
  const isInBrackets = /[A-Za-z]\w*[[(]-?$/.test(before)
  return isInBrackets || CODE_BEFORE.test(before) ? found : "#"
}

/** In names of threads, and of what else there are several of. */
const OF_THREADS = /pool|thread|exec|worker|dispatcher|loop|fiber|task|producer|consumer|listener/i

/** A longer run of signs without a blank is parted at what separates its values; of a value the beginning is kept. */
const MAX_WORD = 200

const inWords = (line: string): string =>
  line.replace(/\S{200,}/g, (found) =>
    found
      .split(/(?<=[,;&?{}()[\]|"'])/)
      .map((word) => word.slice(0, MAX_WORD))
      .join(" ")
  )

/**
 * The same text for two lines that say the same of two runs.
 *
 * @internal
 */
export const stableText = (line: string): string => {
  let text = inWords(line)
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "#")
    .replace(/(?<![\w.])(?:\/private)?\/(?:var\/folders|(?:var\/)?tmp|dev\/shm)\/[^\s"'`)\]},]+/g, "/tmp/#")
    .replace(/[A-Z]:\\[^\s"']*\\Temp\\[^\s"']+/gi, "/tmp/#")
  for (const date of DATE) text = text.replace(date, "#")
  return (
    text
      .replace(TIME, "#")
      // The near end of a connection, whose port is new each time.
      .replace(/\S+:\d+(?= ?(?:->|→|=>) ?\S+:\d)/g, "#")
      .replace(EPHEMERAL, (port) => (Number(port) >= FIRST_EPHEMERAL_PORT ? "#" : port))
      .replace(/(?<=\bat |\baddr(?:ess)?[ =]|\bpointer |@ ?|#<[\w:]+[: ])0x[0-9a-f]+\b|\b0x[0-9a-f]{9,}\b/gi, "#")
      .replace(/(?<=[\w$\])>}#]@)[0-9a-f]{5,16}\b/g, "#")
      .replace(/\bthread (["'])[^"'\n]{1,100}\1(?: ?\(\d+\))?/gi, (name) => name.replace(/\d+/g, "#"))
      .replace(/\b[\w.-]{1,100}[-_#]\d{1,20}\b/g, (name) => (OF_THREADS.test(name) ? name.replace(/\d+/g, "#") : name))
      .replace(/\b(pid"?[ :=(]+)\d+/gi, "$1#")
      .replace(/(?:#?PID)?<\d+\.[\d.]+>|==\d+==|\beval\d+\b/gi, "#")
      .replace(/\$\$Lambda[$/]\S*|\beyJ[\w-]{10,}\.[\w.-]+|\b0H[A-Z0-9]{10,}(?::[0-9A-F]{8})?/g, "#")
      .replace(/\bP(?:\d+D)?T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?\b/g, "#")
      .replace(/(?<=\bline \d{1,6}: )\d+(?= +[A-Z])/g, "#")
      .replace(AMOUNT_FIELD, "$1#")
      .replace(COUNTER, "$1#")
      .replace(ID_FIELD, "$1#")
      .replace(/<(HostId|RequestId)>[^<]{1,200}</gi, "<$1>#<")
      .replace(/([?&](?:cursor|page_token|next|state|nonce)=)[^&\s"'`<>]+/gi, "$1#")
      .replace(/\b(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{7,11}(?=\.{3})/g, "#")
      .replace(ID_PREFIXED, "$1_#")
      .replace(ID_TEXT, "$1#")
      .replace(ID_NUMBER, "$1#")
      .replace(LONG_ID_NUMBER, "$1#")
      .replace(/\b([a-z0-9]+(?:-[a-z0-9]+)*)-[0-9a-f]{8,10}-[a-z0-9]{5}\b/g, "$1-#")
      // Hashes, and the names that programs make up.
      .replace(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b/gi, "#")
      .replace(/\b(?=[a-z]*\d+[a-z]+\d)[0-9a-z]{12,}\b/gi, "#")
      .replace(/(?<![\w-])#?\d+(?:\/| of )\d+(?![\w/])/g, "#")
      .replace(AMOUNT, "#")
      .replace(/(?<![\w.:-]|\d[-/])-?\d+(?:\.\d+)?(?![\w-])/g, longNumber)
      .replace(/#(?:[ #,.:T~-]*#)+/g, "#")
      .replace(/\s+/g, " ")
      .trim()
      .toLowerCase()
  )
}
