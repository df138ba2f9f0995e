/**
 * How OpenClaw tells that the provider of the model limits the rate of its requests.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import { head } from "../text/Excerpt.js"
import { OpenClawRateLimited } from "./OpenClawError.js"
import { retryAt } from "./RetryAt.js"

/**
 * A shorter one is the pause that OpenClaw makes between its own tries, and not what the provider has named.
 */
const SHORTEST = Duration.toMillis("1 minute")

/** The queue waits for no longer anyway. */
const LONGEST = Duration.toMillis("1 day")

/**
 * Looks for it in what OpenClaw writes to its standard error while it still goes on trying, such as
 * `transient same-model retry 1/9 for openai/gpt-5 reason=rate_limit: delayMs=3600000`.
 *
 * - `hasFallback`: whether it goes on to another model by itself, so that only a long delay is worth a stop.
 *
 * @internal
 */
export const inDiagnostics = (stderr: string, now: number, hasFallback: boolean): OpenClawRateLimited | undefined => {
  // The end of its line is needed: without it the delay may be cut.
  const pattern = /transient same-model retry \d+\/\d+ for \S+ reason=rate_limit: delayMs=(\d+)(?=[^\n]*\n)/
  const [detail, millis] = pattern.exec(stderr) ?? []
  if (detail === undefined) return undefined
  const delay = Number(millis)
  return hasFallback && delay < SHORTEST ? undefined : rateLimited(detail, delay, now)
}

/**
 * Looks for it in the message of a failure: in the words of a provider, or in those that OpenClaw 2026.9.6 puts in their place, such as
 * `⚠️ Rate-limited — ready in ~5 min. Please try again shortly.` A plan that is used up and an account without money are limits as
 * well: no review can be had before somebody does something, or a day is over.
 *
 * @internal
 */
export const inMessage = (message: string, now: number): OpenClawRateLimited | undefined => {
  const text = message.slice(0, MAX_MESSAGE)
  if (!isLimit(text)) return undefined
  return rateLimited(message, (retryAt(text, now) ?? now) - now, now)
}

/** How much of a message is looked at, in characters. */
const MAX_MESSAGE = 20_000

/** How providers say it: what OpenClaw 2026.9.6 takes for a limit (`rate_limit` and `billing`), and names of exceptions. */
const LIMITS: ReadonlyArray<RegExp> = [
  /rate[ _-]?limit|too many (?:concurrent )?requests|ratelimit(?:ed|error|exceeded)/i,
  /\bthrottl(?:ing|ed)(?:[_ ]?(?:exception|error))?\b|ThrottlingException|ThrottledException|TooManyRequests|RequestLimitExceeded|RESOURCE_EXHAUSTED|resource (?:has been )?exhausted/i,
  /(?:current|api|token|request|daily|weekly|monthly|your|account|free[- ]tier|billing) quota|quota[ _-]?(?:has been |is |was )?(?:exceeded|exhausted|depleted|reached|used up)|(?:exceed\w*|exhausted|insufficient|out of|used up|no)[ _-](?:\w+[ _-])?(?:\w+[ _-])?quota/i,
  /usage[ _-]?limit|(?:daily|hourly|weekly|monthly|\d+-hour|session|plan|message|token|request|credit)s?(?:\/\w+)* (?:\w+ )?limits? (?:has been |was |is |will )?(?:exhausted|reached|exceeded|hit|reset)|(?:reached|hit|exceeded|over) (?:your|the|its|our|a)(?: \w+){0,4} limits?\b/i,
  /spend(?:ing)?[ _-](?:limit|cap)|(?:budget|credits?|balance)\b.{0,40}\b(?:exceeded|exhausted|reached|depleted|used up|too low|insufficient)|(?:exceeded|insufficient|out of|not enough|run out of|no (?:more|remaining)|used all(?: available)?|requires? more)[ _-](?:\w+[ _-])?(?:budget|credits?|balance|funds)/i,
  /\bcredit balance\b|payment required|billing (?:error|hard limit)|billing_(?:error|hard_limit_reached|not_active)|insufficient_(?:quota|balance|funds|credits)/i,
  /\b(?:tokens|requests) per (?:minute|day|hour|second)\b|\b[TR]P[MDS]\b.{0,40}\blimit|model_cooldown|concurrency limit\b.{0,40}\b(?:breached|reached)/i,
  /\bmax (?:RPM|TPM|RPD|TPD)\b|out of extra usage|exceeded your [\w ]{0,40}usage|used all (?:of )?(?:your|the) [\w ]{1,40}|too_many_requests|(?:queue|capacity)_exceeded|limited to \d+ [\w ]{0,20}(?:calls|requests)|per (?:minute|hour|day|month) (?:request|token|usage) limit|included credits|limit_burst_rate|burst rate|ExceededBudget|over budget/i,
  /速率限制|并发数过高|使用上限|请求过于频繁|调用频率|频率限制|配额不足|配额已用尽|额度不足|额度已用尽|余额不足|欠费/
]

/** A status, and not a port, a line or an amount that is the same number. */
const STATUSES: ReadonlyArray<RegExp> = [
  // An amount is of several things, or of a unit.
  /^\W*(?:\w*[Ee]rror\W{1,3})?(?:429|402)(?![\w./%])(?!:\d)(?!\s*(?:[kKMG]?B|[mµn]?s|of|in|out|rows?)\b)(?!\s+(?!status|access|process|requests? (?:too|per)|resets|exceeds|limits|needs|this|was|is)[a-z]+s\b)/,
  /\b(?:https?|http\/\d(?:\.\d)?|status(?:[ _-]?code)?(?: of)?|response(?:[ _-]?code)?|(?<!exit[ _-]?)code|error(?:[ _-]?code)?|got|returned|received|with)["']?[\s:=#"'(]{1,6}(?:a |an |http )?(?:429|402)\b(?![./\w]|:\d|\s+(?!status|is|was|this)[a-z]+s\b)/i,
  /\((?:429|402)\)(?!\s+[a-z]+s\b)|\b(?:429|402)\b[\s:)\].,-]*(?:rate[ _-]?limit|too many requests|quota|payment required|resource)/i
]

/** What has the name of a limit and is an option, a module or a value of the program that failed. */
const NAME_ONLY = [
  /\b(?:x-|anthropic-)?ratelimit-[\w-]+/gi,
  /\b(?:max_?tokens?|context(?: length| window)?|output(?: token)?|size|memory|time|recursion|depth) limit[^.;\n]*/gi,
  /\b(?:not|no|without) rate[ -]?limit\w*|\brate[ _-]?limits?\s*[:=]\s*(?:ok|off|none|false|disabled|\d+)/gi,
  /\brate[ _-]?limit\w* (?:option|setting|parameter|property|plugin|middleware|module|package|config\w*)\b/gi,
  /\bat [^\n]*rate_?-?limit[^\n]*:\d+\)?|\w*rate_?limit\w*\.\w+(?: is not|\()/gi,
  /\bEDQUOT\b|\b(?:disk|storage|file ?system|file|mailbox|memory|inode|drive|cpu) quota(?: (?:has been |is )?exceeded)?/gi,
  /--[\w-]*rate[_-]?limit[\w-]*/gi,
  /(?:unknown|invalid|unrecogni[sz]ed|unexpected|missing|reading|setting|option|argument|property|key|field|parameter|flag|module|package|import|plugin|middleware)s?:? *["'`(]+[\w./@-]*(?:rate[ _-]?limit|throttl)[\w./-]*["'`)]/gi,
  /["'`]?[\w./-]*(?:rate[_-]?limit|usage[_-]?limit|throttl)[\w-]*["'`]? (?:must|should|is not (?:a|an|defined|set)|is (?:a|an|required|invalid|missing|undefined|deprecated)|option|setting|parameter|property|cannot be|has to be)\b/gi,
  /[\w./@-]*\/[\w.-]*(?:rate[_-]?limit|throttl)[\w./-]*/gi,
  /\b[\w-]*(?:rate[_-]?limit|throttl)\w*\.(?:[cm]?[jt]sx?|md|py|json)\b|\b[\w$]+\.\w*rateLimit\w*|\b(?:max)?_?rate_?limit(?:er|ing)? ?= ?\d+/gi
]

const isLimit = (message: string): boolean => {
  if (STATUSES.some((status) => status.test(message))) return true
  const said = NAME_ONLY.reduce((text, name) => text.replace(name, " "), message)
  return LIMITS.some((limit) => limit.test(said))
}

const rateLimited = (detail: string, delay: number, now: number): OpenClawRateLimited =>
  new OpenClawRateLimited({
    detail: head(detail, MAX_DETAIL).text,
    ...(delay >= SHORTEST && { until: now + Math.min(delay, LONGEST) })
  })

const MAX_DETAIL = 500
