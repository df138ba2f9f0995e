/**
 * What stands behind the name of a secret and is none.
 *
 * @internal
 */

// Names of something else: of a variable, of a place in a template or a format; and what others have put over a secret
const references =
  /\[secret\]|\$\{(?!\w*:?[-=+][^}])[^{}\n]{1,200}\}|\$\{\{[^{}\n]{1,200}\}\}|\{\{[^{}\n]{1,200}\}\}|\{[A-Za-z_.!:]{0,60}\d{0,2}\}|\$\([^()\n]{1,200}\)|(?<![\w$])\$(?:env:)?(?:[A-Z_][A-Z\d_]*|[a-z]+(?:_[a-z]+|[A-Z][a-z]+)*\d{0,2}|\d{1,2})(?![\w$])|(?<=^\s*)(?:\?|[:@]\w{1,40})(?=\s*$)|<[A-Za-z][A-Za-z_ .-]{0,80}>|%[sdvr]|%\(\w{1,60}\)s|%\w{1,60}%|[*•]{2,}|\.{3}|…/g
const words =
  "true|false|null|undefined|none|nil|yes|no|on|off|n/a|(?:un)?set|not set|empty|missing|required|optional|expired|invalid|incorrect|denied|ok|failed|x{3,}|\\W?(?:redacted|hidden|masked|filtered|removed)\\W?|str|string|number|boolean|bool|int|bytes|any|unknown|never|void|object|basic|bearer|digest|oauth2?|inherit"
const harmless = new RegExp(
  `^(?:(?:${words})(?:\\[\\])?(?:\\s?[|&]\\s?(?:${words}))*|(?:env|file|vault|arn|ssm|keyring):[\\w./:@-]+|op://.*|workspace:\\S*|[\\^~>=<v]*\\d+\\.\\d+\\.\\d+(?:-[\\w.]{1,30})?|(?:!|@\\w)[\\w.]+[ (].*)$`,
  "i"
)

/**
 * Whether a value is none: a reference to one, a type, or what others have put over it.
 *
 * @internal
 */
export const isHarmless = (value: string): boolean => {
  const rest = value.replace(references, "")
  return harmless.test(value.trim()) || /^(?:\s*(?:Bearer|Basic|Token|Bot)\s)?[\s:;,.@|/\\"'`()[\]{}+-]*$/i.test(rest)
}

/** Words that say what is wrong with something, in the languages in which validators say it. */
const CUE =
  /\b(?:is|are|was|were|be|been|has|have|must|should|shall|may|can(?:not|['’]t)?|could|does|did|do|doesn['’]t|not|no|none|un\w+ed|invalid|illegal|expired?|missing|required|exceed(?:s|ed)?|denied|refused|reset|closed|fail(?:s|ed|ure)?|errors?|unauthorized|unauthenticated|forbidden|unavailable|mismatch(?:ed)?|malformed|too|unexpected|expected|unknown|unsupported|unable|contains?|characters?|length|least|deadline|timeout|timed out|revoked|rejected|disabled|blank|empty|exist|found|deprecated|EOF|permission|certificate|verification|signature|unset|given|want|got|wrong|incorrect|bad|weak|blacklisted|corrupt(?:ed)?|ignored|muss|darf|ist|sind|nicht|kein|fehlt|ungültig|falsch|abgelaufen|est|doit|invalide|manquant|es|debe|inválid[oa]|falta|deve|non valido|mancante|вернул|неверн\w+)\b|\b[45]\d\d\b|[a-z](?:Error|Exception|Signature)\b|\bE[A-Z]{4,}\b/i

/** A word that stands alone and says it. */
const CUE_WORD =
  /^(?:mismatch(?:ed)?|revoked|expired|missing|malformed|invalid|required|rejected|unauthorized|forbidden|denied|unknown|unset|empty|EOF|absent|disabled|blank|unavailable|unsupported|deprecated|wrong|incorrect|[45]\d\d|(?:invalid|expired|missing|unknown|unauthorized|access|unsupported|insufficient|temporarily|server)_[a-z_]+|\w*(?:Error|Exception|Expired|Signature|Invalid|Denied|Failed))[.,;:!)\]]*$/i

/** How much of a word with capitals are words: `ExpiredSignature` has two, of at least three letters each on average. */
const MIN_LETTERS_OF_WORDS = 2.6

/**
 * Whether a word looks like chance, or like a password, and not like one of a language, a name of a program, a number or an address.
 *
 * @internal
 */
export const looksRandom = (found: string): boolean => {
  const word = found.replace(/^[("'`[{<]+|[.,;:!?)"'`\]}>]+$/g, "")
  if (/^\d+$/.test(word)) return word.length > 4
  if (/^[A-Za-z'’-]+$/.test(word)) {
    const parts = word.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? []
    return word.length >= 12 && word.length / parts.length < MIN_LETTERS_OF_WORDS
  }
  // Addresses, paths, codes, dates, types of fields, and calls.
  if (
    /^(?:https?:|wss?:|\/|\.\.?\/|~\/)|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?::\d+)?(?:\/\S*)?$|^[\d.:]+$|^\[?[\da-f:]+\]?:\d+$/i.test(
      word
    )
  )
    return /[!#$%^&*]/.test(word)
  if (
    /^[A-Z]{1,12}[-_]?\d{1,8}$|^\d{4}-\d\d-\d\d|^[A-Za-z_]+[(=:/][\w.'"`<>:/-]*\)?$|^[A-Za-z]+(?:[-_/:.][A-Za-z]+)+$|^\w{0,30}\(s\)$|^U\+[\dA-F]+$|^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$|^x509$/.test(
      word
    )
  ) {
    return false
  }
  return word.length >= 6 && (/\d/.test(word) ? /[A-Za-z]/.test(word) : /[!@#$%^&*+=~]/.test(word))
}

/**
 * Whether a text says what is wrong with a secret: words, none of which may be the secret itself.
 *
 * @internal
 */
export const isCause = (value: string): boolean => {
  const all = value.trim().split(/\s+/)
  const [first = ""] = all
  if (all.length === 1) return CUE_WORD.test(first)
  return CUE.test(value) && !all.some(looksRandom)
}
