// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of shells and templates are what is tested
import { assert, describe, it } from "@effect/vitest"
import { conceal } from "../../src/text/Secrets.js"

const values = ["pa55-Wort9", "Kreide.Tafel2", "qX7vT2mK9pL4wZ8n", "Otter_Fluss8", "Schnee9Eule"]

/** Where `{}` stands, a secret stands in the notation of some program. */
const forms: Readonly<Record<string, ReadonlyArray<string>>> = {
  "aligned columns": [
    '      + master_password                       = "{}"',
    "spring.datasource.password                                        = {}\n",
    "    password                                                            => '{}',",
    "  secret\t\t\t\t:\t\t\t{}",
    "name              | billing\napi_secret        | {}\ncreated_at        | 2026",
    "│ REDIS_HOST     │ cache       │\n│ REDIS_PASSWORD │ {}          │"
  ],
  "traces of PHP": [
    "#0 /x/DB.php(116): PDO->__construct('mysql:host=loca...', 'app_user', '{}', Array)",
    "#0 /srv/db.php(14): mysqli_connect('localhost', 'shop', '{}', 'main', 3306)",
    "#4 /app/Redis.php(91): Redis->auth('{}')",
    "#5 /app/src/User.php(140): App\\Security\\Login::attempt('anna@example.or...', '{}', true)",
    "Driver->connect(Array, 'app_user', '{}', Array)",
    "{\"exception\":\"[stacktrace]\\n#0 /app/C.php(70): A\\\\B->create('x', '{}', Array)\\n#1 {main}\"}",
    "#0 /app/db.php(9): mysqli_connect('db', 'O'Brien', '{}', 'main')"
  ],
  "dumps of PHP": [
    "    [username] => u\n    [password] => {}\n    [charset] => latin1",
    "Array ( [host] => db1 [password] => {} [port] => 3306 )",
    "    [password:App\\Db\\Config:private] => {}",
    "    [smtpPass:protected] => {}\n)",
    "array (size=2)\n  'user' => string 'app' (length=3)\n  'password' => string '{}' (length=12)"
  ],
  "data sources": [
    "error on pinging the mysql database [root:{}@tcp(127.0.0.1:3306)/]: connection refused",
    'sql: open "app:{}@unix(/var/run/mysqld.sock)/app?parseTime=true": bad connection',
    '{"datasource": "root:{}@tcp(db:3306)/x"}',
    "[netdata:{}@(127.0.0.1)/]",
    "+ sqlplus -s scott/{}@ORCLPDB1 @/opt/check.sql",
    "url=jdbc:oracle:thin:billing/{}@db.example.com:1521:PROD",
    "connecting to appUser:{}@cluster0.ab1cd.mongodb.net/test?retryWrites=true",
    "redis dial :{}@redis-master:6379/0: i/o timeout",
    "pika: worker:{}@rabbit.internal:5672/%2F refused"
  ],
  "notations of languages": [
    'DatabaseConfig { host: "db", password: Some("{}"), port: 5432 }',
    'Config {\n    api_key: Some(\n        "{}",\n    ),\n}',
    'Object {"user": String("app"), "password": String("{}")}',
    "DbConfig(user = Some(app), password = Some({}))",
    "Map(user -> etl, password -> {}, fetchsize -> 1000)",
    '[{host,"db"},{password,"{}"},{port,5432}]',
    '{auth,[{user,<<"app">>},{password,<<"{}">>}]}',
    '#{host => "rabbit",password => <<"{}">>}',
    'bad option {:password, "{}"} for MyApp.Repo',
    '{:dbtype "postgresql", :password "{}", :host "db"}',
    'Opts {optUser = Just "app", optPassword = Just "{}"}',
    'Session(accessToken: Optional("{}"), expires: nil)',
    ' Password: (string) (len=12) "{}",'
  ],
  SQL: [
    "LOG:  statement: create role app with login password '{}' VALID UNTIL '2030-01-01';",
    "ALTER USER postgres WITH ENCRYPTED PASSWORD E'{}'",
    "create user test identified by '{}';",
    "CREATE USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY '{}' REQUIRE SSL",
    "ALTER USER hr IDENTIFIED BY {} ACCOUNT UNLOCK;",
    'ALTER USER scott IDENTIFIED BY "old1" REPLACE "{}"',
    "SET PASSWORD FOR 'root'@'localhost' = PASSWORD('{}')",
    "SET PASSWORD FOR 'bob'@'%' = '{}'",
    "INSERT INTO `users` (`email`, `password`, `at`) VALUES ('a@example.org', '{}', '2026-11-01')",
    "INSERT INTO clients (name, active, api_token) VALUES ('a', true, 'x1y2z3w4'), ('b', false, '{}')",
    "OPTIONS (user 'repl', password '{}')"
  ],
  "texts within texts": [
    "GET /cb?redirect=%2Fx%3Ftoken%3D{}%26a%3D1",
    "GET /login?next=%252Fapi%253Faccess_token%253D{}%2526page%253D2",
    "payload=%7B%22user%22%3A%22app%22%2C%22password%22%3A%22{}%22%7D",
    "redirect_to=https%3A%2F%2Fdeploy%3A{}%40git.example.com%2Forg",
    "url=https%3a%2f%2fx.example%2fhook%3fsecret%3d{}&event=push",
    "{\\u0022password\\u0022:\\u0022{}\\u0022}",
    '{"url":"https://api.example.com/v1?api_key\\u003d{}\\u0026lang\\u003dde"}',
    "<pre>{&quot;client_secret&quot;:&quot;{}&quot;}</pre>",
    "&#34;db_password&#34;&#58; &#34;{}&#34;",
    '"{\\x22user\\x22:\\x22anna\\x22,\\x22password\\x22:\\x22{}\\x22}"'
  ],
  "sentences and flags": [
    "The password is {}",
    "root password was set to {}.",
    "using password {} for app",
    "mysql -u root -p {} db",
    "zip -P {} a.zip"
  ],
  records: ['{"password": {"value": "{}"}}', '{"token":{"access":"{}","type":"Bearer"}}'],
  "odd signs around it": [
    "DB_PASSWORD=${}xyz",
    "password=<{}>x3",
    "db.password={{}!}x",
    "userPassword: {SSHA}{}gVK8WC9YyFT1g",
    "db_password=[{}]Sand",
    "token: <{}!>"
  ]
}

describe("a secret goes", () => {
  for (const [name, all] of Object.entries(forms)) {
    it.each(all)(`from ${name}: %s`, (form) => {
      for (const value of values) {
        const text = form.replace("{}", () => value)
        assert.notInclude(conceal(text), value, text)
        assert.strictEqual(conceal(text).slice(0, 4), form.slice(0, 4), "what is around stays")
      }
    })
  }

  it("as long as PHP says that it is, with whatever quotes in it", () => {
    for (const value of ["a", 'Ast"Gabel"Kugel5', "Ufer;Schilf-40", 'x"]=>', "Ärmel_ß9"]) {
      const dump = `array(2) {\n  ["password"]=>\n  string(${Buffer.byteLength(value)}) "${value}"\n  ["user"]=>\n  string(3) "app"\n}`
      assert.strictEqual(conceal(dump), dump.replace(`"${value}"`, '"[secret]"'))
    }
  })
})

describe("a cause stays", () => {
  const causes = [
    "oauth2: cannot fetch token: 401 Unauthorized",
    "get token: context deadline exceeded",
    "jwt: signature is invalid",
    "auth: token expired",
    "refresh token: invalid_grant",
    "csrf token: mismatch",
    "validate jwt: parse claims: unexpected end of JSON input",
    "failed to read secret: permission denied",
    "compare password: crypto/bcrypt: hashedPassword is not the hash of the given password",
    "load api key: open /run/secrets/openai_key: no such file or directory",
    "api key: environment variable OPENAI_API_KEY is not set",
    'fetching token: Post "https://login.example.com/oauth/token": dial tcp: lookup login.example.com: no such host',
    "Error: Failed to renew token: connect ECONNREFUSED 127.0.0.1:8200",
    "failed to get bearer token: 502 Bad Gateway",
    "Failed to verify token: JsonWebTokenError: jwt malformed",
    "jwt: token not valid before 2026-11-02T10:15:30Z",
    "checks:\n  token: not configured\n  password: too weak\n",
    "Passwort: muss mindestens 8 Zeichen lang sein",
    "password: String must contain at least 8 character(s)",
    '{"errors":{"password":["is too short"],"token":["is expired"]}}',
    "{'password': ['This field may not be blank.'], 'token': ['This field is required.']}",
    '{"errors":{"password":"password is a required field","token":"token must be a `string` type"}}',
    "User validation failed: password: Path `password` is required.",
    "SyntaxError: Unexpected token: keyword (const)",
    'SQLITE_ERROR: unrecognized token: "123abc"',
    "syntax error, unexpected token: tIDENTIFIER, expecting end-of-input",
    "print_info: EOS token        = 128009 '<|eot_id|>'",
    "Set pad_token: tokenizer.eos_token",
    "UPDATE users SET password = $1 WHERE id = $2",
    "password: ${DB_PASSWORD:-}\nport: 5432",
    "    [password] => \n    [charset] => utf8mb4",
    "#0 /app/index.php(9): require_once('/app/src/x.php')",
    "pull image:tag@sha256:0123456789abcdef failed",
    "npm:react@18.2.0",
    "the password is wrong",
    "password authentication failed for user app",
    "psql -p 5432 -h db",
    "API token parameter is required",
    "invalid token HS256",
    "mail from mailto:anna@example.com"
  ]
  it.each(causes)("%s", (text) => assert.strictEqual(conceal(text), text))

  it("and a secret behind the same words goes", () => {
    for (const value of values) {
      for (const text of [`password: ${value}`, `new token: ${value}`, `token: "${value}"`, `auth token: ${value}x9`]) {
        assert.notInclude(conceal(text), value, text)
      }
    }
  })
})

describe("a text is looked through", () => {
  it("in time that does not explode, whatever stands in it", () => {
    const parts = [
      "a:",
      "a@",
      "token: ",
      "'",
      "%3D",
      "#0 a(",
      "[a] => ",
      "INSERT INTO a (",
      "PASSWORD '",
      "&quot;",
      "->a(",
      "Some(",
      "x@y",
      "{",
      "|"
    ]
    for (const one of parts) {
      for (const other of parts) assert.isString(conceal(`${one}${other}`.repeat(2000)))
    }
  })
})
