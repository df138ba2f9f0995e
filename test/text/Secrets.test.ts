// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of shells and templates are what is tested
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { placeholder } from "../../src/text/Placeholder.js"
import { conceal } from "../../src/text/Secrets.js"

/** Looks like chance, and is the same each time. */
const chance = (length: number, letters = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAcLfXqo"): string => {
  let state = length * 2654435761 + letters.length
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return letters[Math.floor((state / 2 ** 32) * letters.length)]
  }).join("")
}

const hex = (length: number) => chance(length, "0123456789abcdef6b3d1")
const upper = (length: number) => chance(length, "Q3EGRTYUIOPLKJHG7ZX2C")

// In two parts, so that no scanner takes this file for a leak.
const tokens: Readonly<Record<string, string>> = {
  OpenAI: `${"s"}k-${chance(48)}`,
  "OpenAI of a project": `${"s"}k-proj-${chance(120)}`,
  Anthropic: `${"s"}k-ant-api03-${chance(93)}AA`,
  GitHub: `${"gh"}p_${chance(36)}`,
  "GitHub OAuth": `${"gh"}o_${chance(36)}`,
  "GitHub server": `${"gh"}s_${chance(36)}`,
  "GitHub refresh": `${"gh"}r_${chance(76)}`,
  "GitHub fine-grained": `${"github"}_pat_${chance(22)}_${chance(59)}`,
  GitLab: `${"gl"}pat-${chance(20)}`,
  "GitLab runner": `${"gl"}rt-${chance(20)}`,
  "Slack bot": `${"xo"}xb-123456789012-1234567890123-${chance(24)}`,
  "Slack user": `${"xo"}xp-123456789012-123456789012-123456789012-${hex(32)}`,
  "Slack app": `${"xa"}pp-1-A0123456789-1234567890123-${hex(64)}`,
  "Discord bot": `${"M"}${chance(25)}.${chance(6)}.${chance(38)}`,
  "AWS key": `${"AK"}IA${upper(16)}`,
  "AWS session": `${"AS"}IA${upper(16)}`,
  Google: `${"AI"}za${chance(35)}`,
  "Google OAuth": `${"ya"}29.${chance(80)}`,
  "Google client": `${"GOC"}SPX-${chance(28)}`,
  "Google refresh": `${"1/"}/0${chance(50)}`,
  Stripe: `${"sk"}_live_${chance(24)}`,
  "Stripe restricted": `${"rk"}_live_${chance(24)}`,
  webhook: `${"wh"}sec_${chance(32)}`,
  npm: `${"np"}m_${chance(36)}`,
  PyPI: `${"py"}pi-AgEIcHlwaS5vcmc${chance(80)}`,
  "Hugging Face": `${"h"}f_${chance(34)}`,
  SendGrid: `${"S"}G.${chance(22)}.${chance(43)}`,
  Twilio: `${"S"}K${hex(32)}`,
  Telegram: `${"123456789:"}AA${chance(33)}`,
  DigitalOcean: `${"do"}p_v1_${hex(64)}`,
  Groq: `${"gs"}k_${chance(52)}`,
  xAI: `${"xa"}i-${chance(80)}`,
  Perplexity: `${"pp"}lx-${chance(48)}`,
  Replicate: `${"r"}8_${chance(37)}`,
  JWT: `${"ey"}JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${chance(43)}`,
  "cut JWT": ["ey", "JhbGciOiJIUzI1NiJ9.eyJzdWI"].join(""),
  age: `${"AGE-SECRET"}-KEY-1${upper(58)}`,
  "Azure client": `${chance(3)}8` + `Q~${chance(34)}`,
  Databricks: `${"da"}pi${hex(32)}`,
  Vault: `${"hv"}s.${chance(90)}`,
  Terraform: `${chance(14)}.atl` + `asv1.${chance(60)}`,
  Shopify: `${"shp"}at_${hex(32)}`,
  Linear: `${"lin"}_api_${chance(40)}`,
  Notion: `${"nt"}n_12345678901${chance(35)}`,
  Doppler: `${"dp"}.pt.${chance(43)}`,
  Grafana: `${"gl"}sa_${chance(32)}_${hex(8)}`,
  "New Relic": `${"NR"}AK-${upper(27)}`,
  Atlassian: `${"ATA"}TT3${chance(180)}`,
  Figma: `${"fi"}gd_${chance(40)}`,
  Fly: `${"fm"}2_${chance(100)}`,
  "Sentry user": `${"snt"}ryu_${hex(64)}`,
  Supabase: `${"sb"}p_${hex(40)}`,
  Vercel: `${"vc"}p_${chance(56)}`,
  Docker: `${"dc"}kr_pat_${chance(27)}`,
  RubyGems: `${"ruby"}gems_${hex(48)}`,
  PlanetScale: `${"psc"}ale_tkn_${chance(43)}`,
  Postman: `${"PM"}AK-${hex(24)}-${hex(34)}`,
  Mailgun: `${"ke"}y-${hex(32)}`,
  Mailchimp: `${hex(32)}${"-us"}14`
}

/** Like base64: each line of it has digits, and letters of both cases. */
const lines = Array.from({ length: 12 }, (_, index) =>
  chance(64, `aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAcLfXqo+${"/"}MI`.slice(index % 3))
)
const body = `${lines.join("\n")}\n${chance(22)}==`
const pem = (kind: string, border = "-----") =>
  `${border}BEGIN ${kind}${border}\n${body}\n${border}END ${kind}${border}`

const password = "hunter2-Xq9"
const opaque = chance(40)
const quoted = JSON.stringify({ password, next: "stays" })

type Gone = readonly [text: string, secret: string, stays?: string]

const inText: ReadonlyArray<Gone> = [
  // .env and shells
  [`DB_PASSWORD=${password}\nDB_HOST=db.internal`, password, "DB_HOST=db.internal"],
  [`export API_TOKEN=${opaque}`, opaque, "export API_TOKEN="],
  [`export SECRET_KEY_BASE="${opaque}" # of rails`, opaque, "# of rails"],
  [`PGPASSWORD=${password} psql -h db -c 'select 1'`, password, "psql -h db -c 'select 1'"],
  [`MYSQL_PWD='${password}'`, password, "MYSQL_PWD="],
  [`STRIPE_KEY=${opaque}`, opaque, "STRIPE_KEY="],
  [`set -x; TOKEN=${opaque}; run --all`, opaque, "; run --all"],
  [`$env:GH_TOKEN = "${opaque}"`, opaque, "GH_TOKEN"],
  [`PASSWORD=ab"cd${password}`, password],
  [`PASSWORD=(x${password}`, password],
  [`DB_PASSWORD=\${DB_PASSWORD:-${password}}`, password, "DB_PASSWORD="],
  [`ENV API_TOKEN ${opaque}`, opaque, "ENV API_TOKEN "],
  [`AWS_SECRET_ACCESS_KEY=${opaque}`, opaque],
  // YAML, TOML, INI, XML
  [`database:\n  password: ${password}\n  port: 5432`, password, "  port: 5432"],
  ["password: correct horse battery staple\nuser: bob", "battery staple", "user: bob"],
  ["password: not my password1\nuser: bob", "my password1", "user: bob"],
  [`  apiKey: '${opaque}'`, opaque, "apiKey: '"],
  [`- clientSecret: "${opaque}"`, opaque, "clientSecret"],
  [`token: |\n  ${opaque}\n  ${password}\nnext: 1`, password, "next: 1"],
  [`secret: >-\n    ${password}`, password, "secret: >-"],
  [`env:\n  - name: DB_PASSWORD\n    value: ${password}\n  - name: PORT`, password, "  - name: PORT"],
  [`args:\n  - --token\n  - ${password}\n  - --all`, password, "- --all"],
  [`access_token = "${opaque}"\nname = "x"`, opaque, 'name = "x"'],
  [`[db]\npassword = ${password}\nhost = x`, password, "host = x"],
  ["[db]\npassword = correct horse\nhost = x", "horse", "host = x"],
  [`spring.datasource.password=${password}`, password, "spring.datasource.password="],
  [`<password>${password}</password>`, password, "</password>"],
  [`<add key="ApiKey" value="${opaque}" />`, opaque, "/>"],
  // JSON, and JSON in JSON
  [quoted, password, '"next":"stays"'],
  [JSON.stringify(quoted), password, "stays"],
  [JSON.stringify(JSON.stringify(quoted)), password, "stays"],
  [JSON.stringify({ password: `a"b\\${password}` }), password],
  [JSON.stringify(JSON.stringify({ password: `a"b${password}` })), password],
  [`{"auth":{"user":"bob","pass":"${password}"}}`, password, '"user":"bob"'],
  [`{ "tokens": ["${opaque}", "${password}"], "n": 1 }`, password, '"n": 1'],
  [`{"name":"Authorization","value":"Token ${opaque}"}`, opaque, '"name":"Authorization"'],
  [
    `{"private_key_id": "x", "private_key": ${JSON.stringify(pem("PRIVATE KEY"))}, "type": "service_account"}`,
    lines[3] ?? "",
    "service_account"
  ],
  [`{"msg":"token=${opaque}\\nuser=bob"}`, opaque, "\\nuser=bob"],
  [`bc","password":"${password}"}`, password],
  [`{"password":"${password}`, password],
  // Code
  [`const apiKey = "${opaque}"`, opaque, "const apiKey = "],
  [`const token: string = '${opaque}'`, opaque, "const token: string = "],
  [`const token = \`${opaque}\``, opaque],
  [`{ user, password: "${password}" }`, password, "{ user, password: "],
  [`client = Client(api_key="${opaque}", timeout=3)`, opaque, "timeout=3"],
  [`os.environ["API_TOKEN"] = "${opaque}"`, opaque, 'os.environ["API_TOKEN"] = '],
  [`password = b'${password}'`, password],
  [`SECRET = """${password}\nmore of it${opaque}"""\nx = 1`, opaque, "x = 1"],
  [`'password' => '${password}',`, password, "=>"],
  [`if (password === "${password}") {`, password, "if (password === "],
  [`headers.set("Authorization", "Bearer ${opaque}")`, opaque, "Bearer "],
  [`["cookie", "sid=${opaque}"]`, opaque, "cookie"],
  [`spawn("run", ["--token", "${opaque}", "--all"])`, opaque, '"--all"'],
  // HTTP
  [`Authorization: Bearer ${opaque}\nAccept: */*`, opaque, "Authorization: Bearer "],
  ["Authorization: Basic Ym9iOmh1bnRlcjI=", "Ym9iOmh1bnRlcjI", "Basic "],
  [`authorization: ${opaque}`, opaque],
  [`curl -H 'Authorization: Bearer ${opaque}' https://api.x.io/v1`, opaque, "https://api.x.io/v1"],
  [`curl -H "X-Api-Key: ${opaque}" https://api.x.io/v1`, opaque, "https://api.x.io/v1"],
  [`sent Bearer ${chance(24)} to it`, chance(24), "to it"],
  [`sent Basic ${chance(24)} to it`, chance(24), "to it"],
  [`Cookie: sid=${opaque}; theme=${password}\nHost: x`, password, "Host: x"],
  [`Set-Cookie: session=${opaque}; HttpOnly`, opaque, "Set-Cookie: "],
  [`> Authorization: Digest username="bob", response="${hex(32)}"`, hex(32)],
  [`Proxy-Authorization: Basic ${opaque}`, opaque],
  // Commands
  [`deploy --token ${opaque} --env prod`, opaque, "--env prod"],
  [`deploy --token=${opaque} --env prod`, opaque, "--env prod"],
  [`deploy --db-password '${password} x' --env prod`, password, "--env prod"],
  [`java -Dpassword=${password} -jar x.jar`, password, "-jar x.jar"],
  [`curl -u bob:${password} https://x.io`, password, "https://x.io"],
  [`curl -s --user 'bob:${password}' https://x.io`, password, "bob:"],
  [`mysql -uroot -p${password} db`, password, "mysql -uroot -p"],
  [`mysqldump -p'${password}' db`, password],
  [`sshpass -p ${password} ssh bob@x`, password, "ssh bob@x"],
  [`redis-cli -a ${password} ping`, password, "ping"],
  [`{"cmd":"deploy --token ${opaque}","n":1}`, opaque, '"n":1'],
  // Logs and errors
  [`2026-01-02 INFO password: ${password}, user: bob`, password, "user: bob"],
  [`login failed (user=bob, password=${password}) at 12:00`, password, "at 12:00"],
  [`Config{user=bob, apiKey=${opaque}, port=1}`, opaque, "port=1"],
  [`API key: ${opaque}`, opaque, "API key: "],
  [`session id = ${opaque}`, opaque],
  [`sessionId=${opaque} path=/x`, opaque, "path=/x"],
  [`OTP=123456 sent`, "123456", "sent"],
  [`\u001b[32mtoken\u001b[0m s\u001b[1m${tokens.OpenAI}\u001b[0m`, tokens.OpenAI ?? ""],
  // URLs
  [`postgres://bob:${password}@db:5432/x`, password, "postgres://bob:"],
  [`redis://:${password}@cache:6379/0`, password, "@cache:6379/0"],
  [`mongodb+srv://bob:${password}@a.x,b.x/y?w=1`, password, "/y?w=1"],
  [`mongodb://a:${password}@h1,mongodb://b:${opaque}@h2`, opaque, "@h2"],
  [`amqp://bob:p/w${password}@mq/`, password, "@mq/"],
  [`postgres://bob:p@ss${password}@db/x`, password, "@db/x"],
  [`"postgres:\\/\\/bob:${password}@db"`, password],
  [`jdbc:postgresql://db/x?user=bob&password=${password}`, password, "user=bob"],
  [`https://${hex(32)}@o1.ingest.sentry.io/2`, hex(32), "@o1.ingest.sentry.io/2"],
  [`GET /v1?token=${opaque}&page=2`, opaque, "&page=2"],
  [`GET /v1?api_key=${opaque} 200`, opaque, " 200"],
  [`https://b.s3.amazonaws.com/x?X-Amz-Credential=a&X-Amz-Signature=${hex(64)}&x=1`, hex(64), "&x=1"],
  [`https://a.blob.core.windows.net/c?sv=2020&sig=${opaque}%3D&se=1`, opaque, "&se=1"],
  [`https://maps.x.io/?key=${opaque}`, opaque],
  [`https://hooks.sl${"ack.com/services/T0ABCDEF1/B0ABCDEF2/"}${chance(24)}`, chance(24), "hooks.slack.com"],
  [`https://disc${"ord.com/api/webhooks/123456789012345678/"}${chance(68)}`, chance(68), "discord.com/api/webhooks/"],
  [`https://x.webhook.off${"ice.com/webhookb2/"}${hex(8)}-${hex(4)}@${hex(36)}/IncomingWebhook/${hex(32)}`, hex(32)],
  [`https://api.telegram.org/bot${tokens.Telegram}/getMe`, tokens.Telegram ?? "", "/getMe"],
  // Connection strings
  [`Server=db;User Id=bob;Password=${password};Encrypt=true`, password, ";Encrypt=true"],
  [
    `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${chance(86)}==;EndpointSuffix=y`,
    chance(86),
    "EndpointSuffix=y"
  ],
  [`Endpoint=sb://x/;SharedAccessKeyName=y;SharedAccessKey=${opaque}=`, opaque, "SharedAccessKeyName=y"],
  [`connectionString: "Server=db;Pwd=${password}"`, password],
  [`SENTRY_DSN="https://${hex(32)}@x.io/1"`, hex(32)],
  // Files
  [`machine x.io login bob password ${password}`, password, "machine x.io login bob password "],
  [`machine x.io\n  login bob\n  password ${password}\n`, password],
  [`//registry.npmjs.org/:_authToken=${opaque}`, opaque, "//registry.npmjs.org/:_authToken="],
  [`//registry.npmjs.org/:_password="${opaque}"`, opaque],
  [`npm config set //x.io/:_authToken ${opaque}`, opaque],
  [`PRIVATE="first\n${pem("RSA PRIVATE KEY")}"\nNEXT=1`, lines[0] ?? "", "NEXT=1"],
  [`PASSPHRASE="one\ntwo ${password}\n"\nNEXT=1`, password, "NEXT=1"],
  [pem("PRIVATE KEY"), lines[5] ?? "", "-----END PRIVATE KEY-----"],
  [pem("OPENSSH PRIVATE KEY"), chance(22), "-----BEGIN OPENSSH PRIVATE KEY-----"],
  [pem("ENCRYPTED PRIVATE KEY").slice(0, 200), lines[1] ?? ""],
  [pem("EC PRIVATE KEY").slice(200), lines[8] ?? ""],
  [pem("EC PRIVATE KEY").slice(-60), chance(22), "-----END EC PRIVATE KEY-----"],
  [pem("EC PRIVATE KEY").slice(100, 400), lines[4] ?? ""],
  [
    `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${hex(32)}\n\n${lines[0]}\n${chance(12)}`,
    chance(12)
  ],
  [`-----BEGIN RSA PRIVATE KEY-----\n${chance(30)}`, chance(30)],
  [`-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${body}\n=ab1C\n-----END PGP PRIVATE KEY BLOCK-----`, lines[7] ?? ""]
]

/** Names of secrets, in the ways of writing them. */
const secretNames = [
  ..."password DB_PASSWD passwort pass-phrase passCode clientSecret AUTH_TOKEN credential sessionId sess_id".split(" "),
  ..."connectionString conn_str X-Amz-Signature apikey APIKey X_API_KEY access-key accountKey admin_key app_key".split(
    " "
  ),
  ..."applicationKey authKey client-key deployKey encrypt_key encryptionKey hmac-key jwt_key licenseKey".split(" "),
  ..."masterKey private_key rootKey service_key sharedKey signing-key sshKey storage_key webhook_key OPENAI_KEY".split(
    " "
  ),
  ..."db_pass PWD2 pw cred creds dsn GH_PAT otp jwt salt pepper bearer cookie pgpass smtp_auth dbPassword".split(" "),
  ..."API_TOKEN_TEST TOKEN_CLIENT pass_prod PASS_DEV pass_staging pass_test pass_old pass_new pass_value PASS_2 pass_v2".split(
    " "
  )
]

const gone: ReadonlyArray<Gone> = [
  ...Object.values(tokens).flatMap(
    (token): ReadonlyArray<Gone> => [
      [`before ${token} after`, token, "before [secret] after"],
      [`\u001b[31m${token}\u001b[0m`, token, "\u001b[31m[secret]\u001b[0m"],
      [JSON.stringify({ log: `a\n${token}\nb` }), token, '"log"']
    ]
  ),
  ...inText,
  ...secretNames.map((name): Gone => [`run ${name}=${password} --all`, password, `run ${name}=`])
]

const kept: ReadonlyArray<string> = [
  // References, and what stands for nothing
  "token: ${TOKEN}",
  "TOKEN=$TOKEN npm run x",
  'curl -H "Authorization: Bearer $TOKEN" https://x.io',
  'curl -H "Authorization: Bearer ${TOKEN}" https://x.io',
  "const password = process.env.PASSWORD",
  "const { token, secret } = config",
  'password = os.environ["PASSWORD"]',
  'token = os.getenv("TOKEN")',
  "  token: ${{ secrets.GITHUB_TOKEN }}",
  "password: {{ vault_password }}",
  "  secret: env:MY_SECRET",
  "token = getToken()",
  "const token = await getToken(user)",
  "apiKey: <your token>",
  "--token <token>",
  "--token $TOKEN --all",
  "password=",
  'password: ""',
  "password: ''",
  "token: null",
  "password=None, token=None",
  '"secret": true, "token": false',
  "auth: none",
  "token: undefined",
  "postgres://${USER}:${PASSWORD}@db/x",
  "postgres://bob:***@db/x",
  "password: ********",
  "password: [secret]",
  "Authorization: Bearer [secret]",
  "connection.execute('... password = %s', (value,))",
  // Counts, and what is about secrets
  "max_tokens: 4096",
  "tokens: 1234",
  "total_tokens=99",
  '{"input_tokens": 5, "output_tokens":7, "cache_read_input_tokens": 0}',
  "tokens used: 12,345",
  "maxTokens: 1024,",
  "token_type: bearer",
  "token_count=17",
  "secretName: my-tls",
  "TOKEN_URL=https://x.io/oauth",
  "password_file: /run/secrets/db",
  "tokenizer: gpt2",
  "author: Bob",
  "authority: x.io",
  "PWD=/home/bob",
  "OLDPWD=/home",
  "pass: 12 fail: 0",
  "PASS: test/a.test.ts",
  "AuthError: could not connect",
  "TokenService: started",
  "auth.py: no such file",
  "CACHE_KEY=users:all",
  // Prose
  "the token has expired",
  "Error: invalid password",
  "Unexpected token } in JSON at position 4",
  "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
  "a secret is what nobody knows, and a password, too",
  "KeyError: 'password'",
  "Bearer authentication is needed; Basic authentication is not",
  // What else is long
  "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  "id 123e4567-e89b-12d3-a456-426614174000",
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  '"integrity": "sha512-GFyRPoTFCFxj0G8aJk/ZWdN8yW5vEgZ5ZCmLlHfLX7fH2Tsmu+kFgJ6pIWz8wC2aWfMrOO+vDoaHjF1n9U7Q9w=="',
  "2026-01-02T03:04:05.678Z",
  "/home/bob/projects/app/node_modules/.pnpm/effect@3.22.0/node_modules/effect/dist/esm/internal/core.js",
  "shouldReturnNotFoundWhenTheUserDoesNotExistAnyMore",
  "https://registry.npmjs.org:443/@scope/pkg",
  "http://localhost:3000/users/@me",
  "git@github.com:org/repo.git",
  "ssh://git@github.com/org/repo.git",
  "docker run -u 1000:1000 -p 8080:80 x",
  "ssh -p 2222 bob@x",
  "    at TokenStore.get (/app/src/token.ts:44:12)\n    at secrets.js:12:3",
  "disk-usage-of-the-production-cluster risk-assessment-of-everything",
  // Whole files
  JSON.stringify(
    {
      name: "token-service",
      version: "1.2.3",
      scripts: { test: "vitest run", "test:auth": "tsx scripts/auth.ts", "secrets:check": "secretlint '**/*'" },
      dependencies: { "cookie-parser": "^1.4.6", jsonwebtoken: "^9.0.2", "js-tokens": "^4.0.0", passport: "^0.7.0" }
    },
    null,
    2
  ),
  `FROM node:20-slim@sha256:${hex(64)}
ARG NPM_TOKEN
ENV NODE_ENV=production PORT=8080
WORKDIR /app
RUN --mount=type=secret,id=npm_token NPM_TOKEN="$(cat /run/secrets/npm_token)" npm ci
HEALTHCHECK CMD curl -f http://localhost:8080/health || exit 1
USER 1000:1000
CMD ["node", "dist/main.js"]`,
  `Traceback (most recent call last):
  File "/app/jobs/digest.py", line 42, in <module>
    client = Client(api_key=os.environ["API_KEY"])
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/os.py", line 680, in __getitem__
    raise KeyError(key) from None
KeyError: 'API_KEY'`,
  `import { Config, Effect, Redacted } from "effect"

export interface Session {
  readonly token: string
  readonly refreshToken?: string | undefined
  password: Redacted.Redacted<string>
}

// The token is read anew each time: it may have been rotated.
export const authenticate = (session: Session, maxTokens = 100) =>
  Effect.gen(function* () {
    const secret = yield* Config.redacted("API_SECRET")
    const headers = { Authorization: \`Bearer \${session.token}\`, "X-Api-Key": Redacted.value(secret) }
    if (session.token === undefined) throw new Error("token: missing")
    const password = session.password
    console.log("token: " + session.token.length)
    return { ...session, headers, token: session.token, secret }
  })
`,
  `10.0.0.1 - bob [02/Jan/2026:03:04:05 +0000] "GET /auth/login?next=%2Fhome HTTP/1.1" 302 154 "-" "Mozilla/5.0 (X11; Linux x86_64)"
10.0.0.2 - - [02/Jan/2026:03:04:06 +0000] "POST /api/tokens HTTP/2.0" 201 87 "https://x.io/settings/tokens" "curl/8.5.0"`
]

describe("Secrets", () => {
  for (const [text, secret, stays = ""] of gone) {
    it(`takes the secret out of ${JSON.stringify(text).slice(0, 90)}`, () => {
      const result = conceal(text)
      assert.include(text, secret)
      assert.notInclude(result, secret)
      assert.include(result, placeholder)
      assert.include(result, stays)
      assert.strictEqual(conceal(result), result)
    })
  }

  for (const text of kept) {
    it(`keeps ${JSON.stringify(text).slice(0, 90)}`, () => {
      assert.strictEqual(conceal(text), text)
    })
  }

  const token = FastCheck.constantFrom(...Object.values(tokens))
  const text = FastCheck.oneof(
    FastCheck.string({ unit: "binary", maxLength: 40 }),
    FastCheck.string({ unit: FastCheck.constantFrom(..."\"'`\\\n =:,;&|{}[]()<>@/-_$ab1"), maxLength: 40 }),
    FastCheck.array(
      FastCheck.constantFrom(
        ...[
          'password="',
          "token: ",
          "secret=",
          "'",
          '"',
          '\\"',
          "\n",
          "://",
          "a:b@",
          "Cookie: ",
          "[secret]",
          "Bearer ",
          "--token ",
          ", ",
          "x",
          " ",
          "|\n  ",
          "-----BEGIN PRIVATE KEY-----",
          "-----END PRIVATE KEY-----",
          "${",
          "}",
          "\ud800",
          "?sig="
        ]
      ),
      { maxLength: 12 }
    ).map((parts) => parts.join("")),
    FastCheck.constantFrom(...kept, ...gone.map(([text]) => text))
  )
  const between = FastCheck.constantFrom(" ", "\n", '"', "'", "=", "(", ",", "\u001b[31m", "\\n", "%20")

  it("leaves no token, whatever is around it", () => {
    FastCheck.assert(
      FastCheck.property(
        text,
        between,
        token,
        FastCheck.constantFrom(" ", "\n", '"', "'", ")", ","),
        text,
        (before, separator, token, end, after) => {
          assert.notInclude(conceal(before + separator + token + end + after), token)
        }
      ),
      { numRuns: 2000, seed: 1 }
    )
  })

  it("leaves no value of a secret-looking name, whatever is around it", () => {
    const planted = `planted-${chance(9)}`
    const named = FastCheck.constantFrom(
      (value: string) => `DB_PASSWORD=${value}\n`,
      (value: string) => `"clientSecret": "${value}"`,
      (value: string) => `api-key: ${value}\n`,
      (value: string) => `--token ${value} `,
      (value: string) => `postgres://bob:${value}@db/x`,
      (value: string) => `{\\"access_token\\":\\"${value}\\"}`
    )
    FastCheck.assert(
      FastCheck.property(text, named, text, (before, name, after) => {
        assert.notInclude(conceal(`${before}\n${name(planted)} ${after}`), planted)
      }),
      { numRuns: 2000, seed: 1 }
    )
  })

  it("changes nothing the second time", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.oneof(text, token), { maxLength: 6 }), (parts) => {
        const once = conceal(parts.join(""))
        assert.strictEqual(conceal(once), once)
      }),
      { numRuns: 3000, seed: 1 }
    )
  })

  it("leaves less than a line of a private key, wherever the text is cut", () => {
    const key = `before\n${pem("RSA PRIVATE KEY")}\nafter`
    const escaped = JSON.stringify({ private_key: key })
    FastCheck.assert(
      FastCheck.property(
        FastCheck.constantFrom(key, escaped, JSON.stringify(escaped)),
        FastCheck.nat(1200),
        FastCheck.nat(1200),
        (text, one, other) => {
          const result = conceal(text.slice(Math.min(one, other), Math.max(one, other)))
          for (const line of lines) {
            for (let from = 0; from + 40 <= line.length; from++) {
              // Not by an assertion each, of which there would be a million.
              if (result.includes(line.slice(from, from + 40))) assert.fail(result)
            }
          }
        }
      ),
      { numRuns: 1000, seed: 1 }
    )
  })

  it("keeps words", () => {
    const word = FastCheck.string({
      unit: FastCheck.constantFrom(...Array.from("aebcdiotlmnéß漢😀")),
      minLength: 1,
      maxLength: 12
    })
    const words = FastCheck.array(
      FastCheck.tuple(word, FastCheck.constantFrom(" ", ", ", ". ", ": ", "=", "\n", " (", ") ", '"', "\ud800")),
      { maxLength: 60 }
    )
    FastCheck.assert(
      FastCheck.property(words, (words) => {
        const text = words.flat().join("")
        assert.strictEqual(conceal(text), text)
      }),
      { numRuns: 500, seed: 1 }
    )
  })
})
