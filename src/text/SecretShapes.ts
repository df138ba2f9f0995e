/**
 * Secrets that show what they are.
 *
 * @internal
 */
import { endOf, placeholder } from "./Placeholder.js"

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
  // Those of OpenClaw's providers that its own log leaves out (2026.9.6), and others of the same kinds
  fireworks: at(start, /(?:fw|fpk)_[A-Za-z\d]{20,}|fw-[A-Za-z\d]{30,}/),
  nvidia: /nvapi-[\w-]{20,}/g, // https://docs.api.nvidia.com
  tencent: at(start, /AKID[A-Za-z\d]{16,}/),
  alibaba: at(start, /LTAI[A-Za-z\d]{12,}/),
  baidu: /bce-v3\/[\w-]{10,}\/[\da-f]{20,}/g,
  volcengine: at(start, /AKLT[\w-]{20,}/),
  yandex: at(start, /AQVN[\w-]{30,}|y0_[\w-]{30,}/),
  cerebras: at(start, /csk-[a-z\d]{30,}/),
  together: /tgp_v1_[\w-]{20,}/g,
  voyage: at(start, /pa-[\w-]{40,}/),
  langSmith: /lsv2_(?:pt|sk)_[\da-f_]{20,}/g,
  langfuse: at(start, /[ps]k-lf-[\w-]{20,}/),
  zhipu: at(start, /[\da-f]{32}\.[A-Za-z\d]{16}(?![A-Za-z\d])/),
  underscored: at(start, /sk_[A-Za-z\d]{2,10}_[A-Za-z\d]{16,}|sk_[A-Za-z\d]{20,}/), // ElevenLabs, Cartesia, and others
  tavily: /tvly-[\w-]{16,}/g,
  exa: at(start, /exa_[A-Za-z\d]{16,}/),
  firecrawl: at(start, /fc-[\da-f]{32}/),
  jina: /jina_[\w-]{30,}/g,
  brave: at(start, /BSA[\w-]{24,}/),
  apify: /apify_api_[\w-]{20,}/g,
  browserbase: at(start, /bb_(?:live|test)_[\w-]{10,}/),
  e2b: at(start, /e2b_[\da-f]{30,}/),
  runPod: at(start, /rpa_[A-Z\d]{30,}/),
  pinecone: /pcsk_[\w]{30,}/g,
  fal: at(start, /fal_[\w-]{20,}/),
  fernet: at(start, /gAAAA[\w=-]{40,}/),
  memory: at(start, /(?:mem0|brv|retaindb|syt)_[A-Za-z\d]{10,}[\w]*|hsk-[A-Za-z\d]{20,}|am_[\w-]{24,}/),
  resend: at(start, /re_[A-Za-z\d]{6,12}_[A-Za-z\d]{16,}/),
  brevo: /x(?:key|smtp)sib-[\da-f]{40,}-[A-Za-z\d]{10,}/g,
  mailerSend: /mlsn\.[\da-f]{40,}/g,
  netlify: at(start, /nfp_[A-Za-z\d]{30,}/),
  pulumi: at(start, /pul-[\da-f]{40}/),
  tailscale: /tskey-[a-z]{2,12}-[\w-]{16,}/g,
  heroku: /HRKU-[\w-]{20,}/g,
  square: at(start, /EAAA[\w-]{40,}|sq0[a-z]{3}-[\w-]{20,}/),
  razorpay: /rzp_(?:live|test)_[A-Za-z\d]{10,}/g,
  flutterwave: /FLW(?:SEC|PUB)K(?:_TEST)?-[\w-]{20,}/g,
  bitbucket: at(start, /ATBB[\w=.-]{20,}|ATCTT3[\w+/=-]{30,}|BBDC-[\w+/@-]{40,}/),
  crates: at(start, /cio[A-Za-z\d]{32}(?![A-Za-z\d])/),
  nuGet: at(start, /oy2[a-z\d]{43}(?![A-Za-z\d])/),
  dynatrace: /dt0[a-z]\d\d\.[A-Z\d]{24}\.[A-Z\d]{40,}/g,
  logfire: /pylf_v\d_[a-z]{2}_[A-Za-z\d]{30,}/g,
  postHog: at(start, /ph[cx]_[A-Za-z\d]{30,}/),
  axiom: /xa[ap]t-[\da-f-]{30,}/g,
  launchDarkly: at(start, /(?:sdk|mob|api)-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/),
  honeycomb: at(start, /hca?[aimx][ik][a-z]?_[a-z\d]{40,}/),
  airtable: at(start, /pat[A-Za-z\d]{14}\.[\da-f]{40,}/),
  hubSpot: /pat-(?:na|eu|ap)\d-[\da-f-]{30,}/g,
  prefect: at(start, /pn[ub]_[a-z\d]{30,}/),
  buildkite: /bkua_[a-z\d]{30,}/g,
  circleCi: /CCIPAT_[A-Za-z\d]{20,}_[\da-f]{30,}/g,
  adafruit: at(start, /aio_[A-Za-z\d]{26,}/),
  sonar: at(start, /sq[apu]_[\da-f]{40}/),
  neon: at(start, /napi_[a-z\d]{40,}/),
  datadog: at(start, /dd[pw]_[A-Za-z\d]{34,}/),
  contentful: /CFPAT-[\w-]{30,}/g,
  shippo: /shippo_(?:live|test)_[\da-f]{30,}/g,
  duffel: /duffel_(?:live|test)_[\w-]{30,}/g,
  frameIo: /fio-u-[\w-]{40,}/g,
  typeform: at(start, /tfp_[\w-]{40,}/),
  gitlabOther: /GR1348941[\w-]{20,}|gl(?:agent|ffct|wt|rtr)-[\w.-]{20,}|(?<=_gitlab_session=)[\w%.-]{20,}/g,
  // RFC 6750 and 7617; in prose a word of letters only follows
  bearer: /(?<=\bBearer(?:[ \t]|%20|\+){1,3})(?=[\w.~+/-]{0,64}\d)[\w.~+/-]{8,}=*/gi,
  basic: /(?<=\bBasic(?:[ \t]|%20|\+){1,3})(?=[\w+/]{1,64}[\dA-Z=])[\w+/]{8,}={0,2}/g,
  // Signatures and keys in the queries of URLs, whose names are too common elsewhere
  query:
    /(?<=[?&;](?:X-[\w-]{1,20}-Signature|sig|signature|code|key|hmac|session|sid|auth|jwt|pass)=)[^\s&#"'`<>\\;)]{8,}/gi
}

// The rest of the word is taken too, so that what follows begins no other word than before.
const wholeShapes = Object.values(shapes).map((shape) => new RegExp(`(?:${shape.source})[\\w-]*`, shape.flags))

/** @internal */
export const withoutShapes = (text: string): string =>
  wholeShapes.reduce((result, shape) => result.replace(shape, placeholder), text)

// A lump of base64 that stands alone, such as a line from within a private key; hexadecimal and words are none.
const lump = /(?<=^|[\s"'`|]|\\[nr])[A-Za-z\d+/]{40,}={0,2}(?=$|[\s"'`|\\])/g
/** @internal */
export const withoutLumps = (text: string): string =>
  text.replace(lump, (found) =>
    /[\d+]/.test(found) && /[A-Z]/.test(found) && /[g-z]/.test(found) && found.split("/").length < found.length / 8
      ? placeholder
      : found
  )

/**
 * The lines of a private key in PEM, RFC 7468: between its borders, and from or up to one of them if the text is cut.
 *
 * @internal
 */
export const withoutKeys = (text: string): string => {
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
