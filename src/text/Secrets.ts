/**
 * Secrets in texts, and how they are taken out.
 *
 * @internal
 */

/**
 * What stands where a secret stood.
 *
 * @internal
 */
export const placeholder = "[secret]"

// Where a short prefix may begin: not within a word, but behind a code of color, `\n` in a string, `%20` in a URL.
const start = "(?:(?<![A-Za-z0-9])|(?<=\\\\[nrt])|(?<=\\u001b\\[[0-9;]{0,12}m)|(?<=%[0-9A-Fa-f]{2}))"

const at = (start: string, rest: RegExp) => new RegExp(start + rest.source, "g")

/**
 * Secrets that show what they are, by the name of who gives them out. Add a line for a new one. Each takes time linear in
 * the text: behind a prefix there is one greedy class, and nothing that could fail after it.
 *
 * Where no source is named, the format is that of the rule of the same name of https://github.com/gitleaks/gitleaks.
 */
const shapes: Readonly<Record<string, RegExp>> = {
  openai: at(start, /sk-[\w-]{20,}/), // Also sk-proj-, sk-svcacct-, sk-ant- (Anthropic), sk-or- (OpenRouter)
  github: /gh[pousr]_\w{20,}/g, // https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats
  githubFineGrained: /github_pat_\w{20,}/g,
  gitlab: /gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|imt|oas)-[\w.-]{20,}/g, // https://docs.gitlab.com/security/tokens
  slack: /xox[a-z](?:\.xox[a-z])?-[\w-]{10,}/g, // https://api.slack.com/concepts/token-types
  slackApp: /xapp-\d-[\w-]{10,}/g,
  slackWebhook: /(?<=hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/)[\w/-]{10,}/g,
  discordWebhook: /(?<=discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks\/)\d{1,30}\/[\w-]{10,}/g,
  discordBot: at(start, /[MNO][A-Za-z\d]{23,27}\.[\w-]{6}\.[\w-]{27,}/),
  teamsWebhook: /(?<=\.webhook\.office\.com\/webhookb2\/)[\w@/-]{20,}/g,
  awsKeyId: at(start, /(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}/),
  google: /AIza[\w-]{35,}/g, // https://cloud.google.com/docs/authentication/api-keys
  googleOAuth: /ya29\.[\w.-]{20,}/g,
  googleClient: /GOCSPX-[\w-]{20,}/g,
  googleRefresh: at(start, /1\/\/0[\w-]{20,}/),
  stripe: at(start, /[sr]k_(?:live|test)_\w{10,}/), // https://docs.stripe.com/keys
  webhookSecret: /whsec_[\w+/=]{16,}/g, // Of Stripe, and of https://www.standardwebhooks.com
  npm: /npm_[A-Za-z\d]{30,}/g, // https://github.blog/2021-09-23-announcing-npms-new-access-token-format
  pypi: /pypi-[\w-]{30,}/g, // https://pypi.org/help/#apitoken
  huggingFace: /hf_[A-Za-z\d]{30,}|api_org_[A-Za-z\d]{30,}/g, // https://huggingface.co/docs/hub/security-tokens
  sendGrid: /SG\.[\w-]{16,}\.[\w-]{16,}/g,
  twilio: at(start, /SK[\da-f]{32}/), // https://www.twilio.com/docs/iam/api-keys
  telegram: at("(?:(?<!\\d)|(?<=%[0-9A-F]{2}))", /\d{8,10}:[\w-]{35,}/), // https://core.telegram.org/bots/api
  digitalOcean: /do[opr]_v1_[\da-f]{40,}/g,
  groq: /gsk_[A-Za-z\d]{30,}/g,
  xai: /xai-[\w-]{30,}/g, // https://docs.x.ai
  perplexity: /pplx-[A-Za-z\d]{30,}/g,
  replicate: /r8_[A-Za-z\d]{30,}/g,
  jwt: at(start, /eyJ[\w+/-]{14,}={0,2}(?:\.[\w+/=-]*)*/), // Also one that is cut: https://www.rfc-editor.org/rfc/rfc7519
  age: /AGE-SECRET-KEY-[\dA-Z-]{20,}/gi, // https://age-encryption.org/v1
  azureClient: /[\w.~-]{3}\dQ~[\w.~-]{31,}/g,
  databricks: at(start, /dapi[\da-f]{32}(?:-\d)?/),
  vault: at(start, /hv[sbr]\.[\w-]{20,}/), // https://developer.hashicorp.com/vault/docs/concepts/tokens
  terraform: /[A-Za-z\d]{14}\.atlasv1\.[\w=-]{40,}/g,
  shopify: /shp(?:at|ca|pa|ss|ua)_[\da-fA-F]{32,}/g,
  linear: /lin_(?:api|oauth)_[A-Za-z\d]{30,}/g,
  notion: /ntn_[A-Za-z\d]{30,}/g,
  doppler: /dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}/g,
  grafana: /gl(?:sa|c)_[\w+/=]{30,}/g,
  newRelic: /NRAK-[A-Z\d]{20,}/g,
  atlassian: /ATATT3[\w=-]{30,}/g,
  figma: /figd_[\w-]{30,}/g,
  fly: /fo1_[\w-]{30,}|fm[12][ar]?_[\w+/=-]{50,}/g,
  sentry: /sntry[su]_[\w+/=-]{30,}/g,
  supabase: /sbp_[\da-f]{40,}|sb_secret_[\w-]{20,}/g,
  vercel: at(start, /vc[piark]_[A-Za-z\d]{20,}/),
  docker: /dckr_[op]at_[\w-]{20,}/g,
  rubyGems: /rubygems_[\da-f]{40,}/g,
  planetScale: /pscale_(?:tkn|pw|oauth)_[\w.=-]{30,}/g,
  postman: /PMAK-[\da-f]{24}-[\da-f]{30,}/g,
  mailgun: at(start, /key-[\da-f]{32}/),
  mailchimp: at(start, /[\da-f]{32}-us\d{1,2}(?!\w)/),
  netrc: /(?<=\blogin\s{1,20}\S{1,200}\s{1,20}(?:account\s{1,20}\S{1,200}\s{1,20})?password\s{1,20})[^\s"'\\]+/g,
  // RFC 6750 and 7617; in prose a word of letters only follows
  bearer: /(?<=\bBearer(?:[ \t]|%20|\+){1,3})(?=[\w.~+/-]{0,64}\d)[\w.~+/-]{8,}=*/gi,
  basic: /(?<=\bBasic(?:[ \t]|%20|\+){1,3})(?=[\w+/]{1,64}[\dA-Z=])[\w+/]{8,}={0,2}/g,
  // Signatures and keys in the queries of URLs, whose names are too common elsewhere
  query:
    /(?<=[?&;](?:X-[\w-]{1,20}-Signature|sig|signature|code|key|hmac|session|sid|auth|jwt|pass)=)[^\s&#"'`<>\\;)]{8,}/gi
}

// The rest of the word is taken too, so that what follows begins no other word than before.
const wholeShapes = Object.values(shapes).map((shape) => new RegExp(`(?:${shape.source})[\\w-]*`, shape.flags))

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

/** The lines of a private key in PEM, RFC 7468: between its borders, and from or up to one of them if the text is cut. */
const withoutKeys = (text: string): string => {
  const borders = Array.from(text.matchAll(/-----(BEGIN|END) [A-Z\d ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g))
  const parts: Array<string> = []
  let done = 0
  const conceal = (from: number, to: number) => {
    if (!/[^\s\\nr]/.test(text.slice(from, to))) return
    parts.push(text.slice(done, from), placeholder)
    done = to
  }
  borders.forEach((border, index) => {
    const next = borders[index + 1]
    const end = border.index + border[0].length
    if (border[1] === "END") {
      // The body that a beginning has already taken with it is not looked at again.
      let from = border.index
      while (from > done && /[\w+/=\s\\]/.test(text.charAt(from - 1))) from--
      if (borders[index - 1]?.[1] !== "BEGIN") conceal(from, border.index)
    } else if (next?.[1] === "END") {
      conceal(end, next.index)
    } else {
      conceal(end, endOf(/(?:(?:[ \t]*\\+[nr]|[ \t]*[\r\n])+[ \t|>]*(?:[\w-]{4,12}: [^\n\\]*|[\w+/=]*))*/y, text, end))
    }
  })
  return parts.join("") + text.slice(done)
}

// A lump of base64 that stands alone, such as a line from within a private key; hexadecimal and words are none.
const lump = /(?<=^|[\s"'`|]|\\[nr])[A-Za-z\d+/]{40,}={0,2}(?=$|[\s"'`|\\])/g
const withoutLumps = (text: string): string =>
  text.replace(lump, (found) =>
    /[\d+]/.test(found) && /[A-Z]/.test(found) && /[g-z]/.test(found) && found.split("/").length < found.length / 8
      ? placeholder
      : found
  )

/** Where a match that begins here ends; here if there is none. */
const endOf = (sticky: RegExp, text: string, index: number): number => {
  sticky.lastIndex = index
  return sticky.test(text) ? sticky.lastIndex : index
}

/** What is after `://`: the password in it, also one with an unescaped `/`, and a long name of a user without one. */
const withoutUserInfo = (text: string): string =>
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

const secretNames =
  /passw(?:or)?d|passwort|pass_?phrase|pass_?code|secret|token|credential|authorization|(?:sess|session)_?id|connection_?str|conn_?str|x_amz_signature|(?:api|access|account|admin|app|application|auth|client|deploy|encrypt|encryption|hmac|jwt|license|master|private|root|service|session|shared|signing|ssh|storage|webhook)_?key/
// Names that are common as parts of others
const wholeNames =
  /(?:^|_)(?:auth|pass|pwd|pw|creds?|cookies?|dsn|pat|otp|jwt|salt|pepper|bearer|pgpass)(?:_?\d+|_(?:v\d+|prod\w*|dev\w*|staging|test|old|new|value))?$/
// What is said about a secret, and is none
const aboutSecrets =
  /(?:^|_)(?:counts?|limits?|lengths?|sizes?|max|min|budget|usage|used|left|remaining|ur[il]s?|endpoints?|hosts?|types?|kinds?|names?|fields?|headers?|params?|columns?|(?<!sess_|session_|secret_)ids?|files?|paths?|dirs?|expir\w+|in|at|ttl|age|day|hour|minute|second|secs?|ms|polic(?:y|ies)|patterns?|regex|hints?|length|strength|method|mode|provider|status|state|enabled|disabled|required|valid|invalid|missing|ref|refs|label|prefix|suffix|version|algorithm|alg|format|issuer|audience|scopes?|stdin|errors?|exceptions?)$|^no_|tokeniz|passwordless|public_key|secretary/
// Of files and hosts, and of classes
const otherNames =
  /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|json|ya?ml|toml|ini|conf|md|php|cs?|cpp|h|sh|sql|html?|s?css|txt|lock|log|test|com|org|io|net)$|^[A-Z][a-z]\w*(?:Manager|Service|Handler|Controller|Client|Store|Factory|Module|Middleware|Plugin|Validator|Parser|Generator)$/
const screamingKey =
  /^(?!.*(?:CACHE|PRIMARY|FOREIGN|PUBLIC|SORT|PARTITION|IDEMPOTENCY|GROUP|HOST|LOCK|ROUTING)_KEY)[A-Z\d_]+_KEY$/

const isSecretName = (name: string, lead: string): boolean => {
  const words = name
    .replace(/([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$3_$2")
    .replace(/[^A-Za-z\d]+/g, "_")
    .replace(/^_|_$/g, "")
    .toLowerCase()
  if (aboutSecrets.test(words) || otherNames.test(name)) return false
  // `test:auth` is the name of a script
  return secretNames.test(words) || screamingKey.test(name) || (wholeNames.test(words) && !/\w:$/.test(lead))
}

// Names of something else: of a variable, of a place in a template or a format; and what others have put over a secret
const references =
  /\[secret\]|\$\{(?!\w*:?[-=+])[^{}\n]{1,200}\}|\$\{\{[^{}\n]{1,200}\}\}|\{\{[^{}\n]{1,200}\}\}|\{[\w.!:]{0,60}\}|\$\([^()\n]{1,200}\)|(?<![\w$])\$(?:env:)?[A-Za-z_]\w*(?![\w$])|<[A-Za-z][^<>\n]{0,80}>|%[sdvr]|%\(\w{1,60}\)s|%\w{1,60}%|[*•]{2,}|\.{3}|…/gi
const words =
  "true|false|null|undefined|none|nil|yes|no|on|off|n/a|(?:un)?set|not set|empty|missing|required|optional|expired|invalid|incorrect|denied|ok|failed|x{3,}|\\W?(?:redacted|hidden|masked|filtered|removed)\\W?|str|string|number|boolean|bool|int|bytes|any|unknown|never|void|object|basic|bearer|digest|oauth2?|inherit"
const harmless = new RegExp(
  `^(?:(?:${words})(?:\\[\\])?(?:\\s?[|&]\\s?(?:${words}))*|(?:env|file|vault|arn|ssm|keyring):[\\w./:@-]+|op://.*|workspace:\\S*|[\\^~>=<v]*\\d+\\.\\d+\\.\\d+(?:-[\\w.]{1,30})?|(?:!|@\\w)[\\w.]+[ (].*)$`,
  "i"
)

const isHarmless = (value: string): boolean => {
  const rest = value.replace(references, "")
  return harmless.test(value.trim()) || /^(?:\s*(?:Bearer|Basic|Token|Bot)\s)?[\s:;,.@|/\\"'`()[\]{}+-]*$/i.test(rest)
}

const hint = /pass|pw|secret|token|cred|auth|cookie|dsn|pat|otp|jwt|salt|pepper|bearer|key|sess|conn|signature/i
const names =
  /(?:\b(?:api|access|private|secret|session|connection|signing|encryption) (?=(?:key|id|string)\b))?[\w$.-]+/gi

const annotation = "&?(?:'static )?(?:string|str|String|bytes|unknown|any|Optional\\[str\\])(?:\\s?\\|\\s?\\w{1,20})?"
const end = "(?:\\\\{0,15}[\"'`])?\\]?"
/** What may be between a name and its value; `assigns` after any name, the others where the name stands so. */
const separators = {
  assigns: new RegExp(
    `${end}[?!]?[ \\t]{0,20}(?::[ \\t]{0,9}${annotation}[ \\t]{0,9}=(?![=>])|[!=]==?(?=[ \\t]{0,9}\\\\*["'])|=>(?=[ \\t]{0,9}\\\\*["'])|[?+:]?=(?![=>~])|:(?!:|\\\\?/\\\\?/))[ \\t]*`,
    "y"
  ),
  // { "name": "TOKEN", "value": "..." }
  isNameOf: /\\{0,15}["']?\s{0,9},?\s{0,99}\\{0,15}["']?value\\{0,15}["']?\s{0,9}[:=]\s{0,9}/iy,
  // set("token", "..."), ["--token", "..."], ["Authorization", "..."]
  isBefore: /\\{0,15}["'`]\s{0,9},\s{0,99}(?=\\*["'`])/y,
  // - --token
  // - ...
  isItemBefore: /["']?[ \t]{0,9}\r?\n[ \t]{0,99}-[ \t]{1,9}/y,
  isFollowed: /[ \t]{1,20}(?=[^\s-]|-\w)/y,
  isElement: />\s{0,99}(?=[^<]{1,300}<\/)/y
}

const headers = /^(?:(?:proxy-)?authorization|(?:set-)?cookie2?|x-[\w-]{0,40}(?:key|token|auth|secret))$/i
const scheme =
  /(?:Bearer|Basic|Token|Bot|Digest|Negotiate|OAuth|ApiKey|DPoP|GenieKey|SSWS|AWS4-HMAC-SHA256)(?: |%20)+/iy

/** Where the value of the name begins; `undefined` if it has none here. */
const beginOfValue = (text: string, to: number, name: string, lead: string): number | undefined => {
  const after = (separator: RegExp) => endOf(separator, text, to)
  const flag = /^-{1,2}[A-Za-z]/.test(name)
  const quoted = /["'`]$/.test(lead)
  const found = [
    after(separators.isNameOf),
    after(separators.assigns),
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
const structure = /[{([]\s{0,9}(?:$|[\n"'{}\][()\\]|[\w$-]{1,60}\s{0,9}[:=,})\]]|\.\.\.)/y
const block = /[|>][-+\d]{0,2}[ \t]*(?:#[^\n]*)?\r?\n/y
const bare =
  /(?:\[secret\]|\$?\{\{[^{}\n]{1,200}\}\}|\$\{[^{}\n]{1,200}\}|\$\([^()\n]{1,200}\)|[^\s"'`,;&|)\]}<>\\]+|\\(?![nrt"'`\\])|<(?![/a-z])|["'`,;&|)\]}>](?!$|[\s"'`,;&|)\]}<>\\:.]|[\w.-]{1,40}\s{0,3}[=:]))+/iy
const code =
  /^(?:(?:await|return|throw|typeof|async|function|yield|new(?= [A-Z]))\b|[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*(?:\((?:[^\n]*\)|\s*$)|\[(?:[^\n]*\]|\s*$)|<(?:[^\n]*>|\s*$))|[A-Z][A-Za-z]+\.[A-Z][A-Za-z]+(?![\w.])|(?:process|import|os|env|this|self|config|cfg|settings|options|opts|args|req|request|res|response|props|params|ctx|context|data|body|input|inputs|user|session|secrets|vars?|local|github|Deno|Bun|Redacted|Config|Schema)(?:\??\.[A-Za-z_$]+)+[!;,)}]*(?:\s|$))/
const variable = /^[A-Za-z_$]+$/

type Range = readonly [from: number, to: number]

/** Whether a quote of this kind is open at the end of the line. */
const isOpen = (lead: string, sign: string) => lead.slice(lead.lastIndexOf("\n") + 1).split(sign).length % 2 === 0

/** What is to be taken out of the value that begins here. */
const rangesOf = (text: string, to: number, at: number, name: string, lead: string): ReadonlyArray<Range> => {
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
    return isHarmless(text.slice(from, end)) ? [] : [[from, end]]
  }
  if (endOf(structure, text, at) > at) {
    const ranges: Array<Range> = []
    for (let next = at + 1; text[at] === "["; ) {
      const item = endOf(opening, text, endOf(/[\s,]{0,99}/y, text, next))
      if (item === next || !/["'`]/.test(text.charAt(item - 1))) break
      const slashes = /\\*(?=.$)/.exec(text.slice(Math.max(next, item - 20), item))?.[0].length ?? 0
      const to = closing(text, item, text.charAt(item - 1), slashes)
      if (!isHarmless(text.slice(item, to))) ranges.push([item, to])
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
  const next = text.slice(to, to + 20)
  const rest = text.slice(at, at + 300).split("\n", 1)[0] ?? ""
  const isCode =
    /\b(?:const|let|var|val|final|static)[ \t]{1,9}(?:\w{1,60}[ \t]{1,9})?$/.test(lead) ||
    ((spaced || rest.includes(")")) && code.test(rest)) ||
    (variable.test(found) && ((hint.test(found) && /^[,;)}]/.test(next)) || (spaced && name.endsWith(found))))
  // `"secrets:check": ` is a name itself
  const isName = /["']$/.test(lead) && /^[\w.-]+$/.test(found) && /^\\*["']\s*:/.test(next)
  const isCount = /s$|^pass$/i.test(name) && /^[\d.,_]+[kKM%]?(?:\s|$)/.test(found)
  const isDirectory = /^(?:old)?pwd$/i.test(name) && /^(?:[~/]|[A-Z]:)/.test(found)
  if (found === "" || isCode || isName || isCount || isDirectory || name === "PASS" || isHarmless(found)) return []
  return [[from, to]]
}

const withoutNamed = (text: string): string => {
  const parts: Array<string> = []
  let done = 0
  let tail = ""
  names.lastIndex = 0
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const to = names.lastIndex
    const name = found[0].slice(-100)
    if (!hint.test(name) || name.includes("-----") || text.startsWith(placeholder, found.index - 1)) continue
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
  let result = withoutLumps(withoutKeys(text))
  for (const shape of wholeShapes) result = result.replace(shape, placeholder)
  result = withoutUserInfo(result)
  for (const [line, password] of commands) {
    result = result.replace(line, (call) =>
      call.replace(password, (found) => (isHarmless(found) ? found : placeholder))
    )
  }
  // Once more, for borders that were in a value
  return withoutKeys(withoutNamed(result))
}
