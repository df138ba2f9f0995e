/**
 * Names of secrets.
 *
 * @internal
 */

const secretNames =
  /passw(?:or)?d|passwort|pass_?phrase|pass_?code|secret|token|credential|authorization|(?:sess|session)_?id|connection_?str|conn_?str|x_amz_signature|(?:api|access|account|admin|app|application|auth|client|deploy|encrypt|encryption|hmac|jwt|license|master|private|root|service|session|shared|signing|ssh|storage|webhook)_?key/
// Names that are common as parts of others
const wholeNames =
  /(?:^|_)(?:auth|pass|pwd|pw|creds?|cookies?|dsn|pat|otp|jwt|salt|pepper|bearer|pgpass)(?:_?\d+|_(?:v\d+|prod\w*|dev\w*|staging|test|old|new|value))?$/
// What is said about a secret, and is none
const aboutSecrets =
  /(?:^|_)(?:counts?|limits?|lengths?|sizes?|max|min|budget|usage|used|left|remaining|ur[il]s?|endpoints?|hosts?|types?|kinds?|names?|fields?|headers?|params?|columns?|(?<!sess_|session_|secret_)ids?|files?|paths?|dirs?|expir\w+|in|at|ttl|age|day|hour|minute|second|secs?|ms|polic(?:y|ies)|patterns?|regex|hints?|length|strength|method|mode|provider|status|state|enabled|disabled|required|valid|invalid|missing|ref|refs|label|prefix|suffix|version|algorithm|alg|format|issuer|audience|scopes?|stdin|errors?|exceptions?)$|^no_|^(?:eos|bos|pad|unk|mask|sep|cls|eot|fim\w*|padding|special|added|input|output|image|next|unexpected|unrecognized)_tokens?(?:_id)?$|tokeniz|passwordless|public_key|secretary/
// Of files and hosts, and of classes
const otherNames =
  /\.(?:[cm]?[jt]sx?|py|rb|go|rs|java|kt|json|ya?ml|toml|ini|conf|md|php|cs?|cpp|h|sh|sql|html?|s?css|txt|lock|log|test|com|org|io|net)$|^[A-Z][a-z]\w*(?:Manager|Service|Handler|Controller|Client|Store|Factory|Module|Middleware|Plugin|Validator|Parser|Generator)$/
/** What stands before a token in the sense of syntax, or of text. */
const ofSyntax =
  /\b(?:unexpected|unrecogni[sz]ed|illegal|expect(?:ed|ing)|bad|offending|mismatched|found|stray|missing|eo[st]|bos|pad(?:ding)?|unk|mask|sep|cls|special|stop|next|current|last|lookahead|fim \w+|(?:transfer|kind|type) of)[ :`'"]{1,3}$/i
const screamingKey =
  /^(?!.*(?:CACHE|PRIMARY|FOREIGN|PUBLIC|SORT|PARTITION|IDEMPOTENCY|GROUP|HOST|LOCK|ROUTING)_KEY)[A-Z\d_]+_KEY$/

/**
 * Whether what stands behind this name is a secret.
 *
 * - `lead`: what stands before it.
 *
 * @internal
 */
export const isSecretName = (name: string, lead: string): boolean => {
  const words = name
    .replace(/([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$3_$2")
    .replace(/[^A-Za-z\d]+/g, "_")
    .replace(/^_|_$/g, "")
    .toLowerCase()
  if (aboutSecrets.test(words) || otherNames.test(name)) return false
  if (/^tokens?$/.test(words) && ofSyntax.test(lead)) return false
  // `test:auth` is the name of a script
  return secretNames.test(words) || screamingKey.test(name) || (wholeNames.test(words) && !/\w:$/.test(lead))
}

const hint = /pass|pw|secret|token|cred|auth|cookie|dsn|pat|otp|jwt|salt|pepper|bearer|key|sess|conn|signature/i

/**
 * Whether a word may be one at all, which is quick to see.
 *
 * @internal
 */
export const mayBeSecretName = (name: string): boolean => hint.test(name)
