/**
 * How programs of many languages and their loggers print the same failure twice, and another one; and what those that run or wrap them
 * put before each line and behind it.
 */

/** What differs from run to run. */
export interface RunOf {
  readonly pid: number
  readonly iso: string
  readonly clock: string
  readonly epoch: number
  readonly port: number
  readonly hash: string
  readonly uuid: string
  readonly took: number
  readonly count: number
  readonly month: string
  readonly day: number
}

export const runs: readonly [RunOf, RunOf] = [
  {
    pid: 4711,
    iso: "2026-03-07T07:57:33.120Z",
    clock: "07:57:33",
    epoch: 1772870253120,
    port: 51234,
    hash: "1b6d3586",
    uuid: "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    took: 12,
    count: 2,
    month: "Mar",
    day: 7
  },
  {
    pid: 90123,
    iso: "2026-05-18T19:04:05.009Z",
    clock: "19:04:05",
    epoch: 1779131045009,
    port: 40022,
    hash: "7852e922",
    uuid: "00000000-4f89-41d3-8a0c-0305e82c3302",
    took: 1345,
    count: 17,
    month: "May",
    day: 18
  }
]

const date = ({ iso }: RunOf) => iso.slice(0, 10)

const frames = (count: number, frame: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => frame(i)).join("\n")

export interface Sample {
  readonly name: string
  readonly causes: readonly [string, string]
  readonly print: (cause: string, run: RunOf) => string
}

const network = ["connect ECONNREFUSED 10.0.0.5:5432", "connect ECONNREFUSED 10.0.0.5:6379"] as const
const sentences = ["the price feed is empty", "the ledger does not add up"] as const

/** The programs. */
export const programs: ReadonlyArray<Sample> = [
  {
    name: "Node.js, uncaught",
    causes: [
      "TypeError: Cannot read properties of undefined (reading 'id')",
      "TypeError: Cannot read properties of undefined (reading 'name')"
    ],
    print: (cause) =>
      `/app/x.js:3\n  const y = order.id\n                  ^\n\n${cause}\n    at Object.<anonymous> (/app/x.js:3:19)\n    at node:internal/main/run_main_module:28:49\n\nNode.js v24.1.0`
  },
  {
    name: "Node.js, an error event",
    causes: network,
    print: (cause, { port }) =>
      `node:events:502\n      throw er; // Unhandled 'error' event\n      ^\n\nError: ${cause}\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)\nEmitted 'error' event on Socket instance at:\n    at emitErrorNT (node:internal/streams/destroy:170:8) {\n  errno: -111,\n  syscall: 'connect',\n  localPort: ${port},\n  address: '10.0.0.5'\n}\n\nNode.js v24.1.0`
  },
  {
    name: "Node.js, an object with nested causes",
    causes: ["getaddrinfo ENOTFOUND db.internal", 'password authentication failed for user "app"'],
    print: (cause, run) =>
      `JobError: job failed\n    at run (/app/job.js:9:9) {\n  jobId: '${run.uuid}',\n  startedAt: ${run.iso},\n  attempts: ${run.count},\n  [cause]: Error: ${cause}\n      at connect (/app/db.js:4:3) {\n    timer: ${run.epoch},\n    fatal: true\n  }\n}`
  },
  {
    name: "Node.js, AggregateError",
    causes: ["connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED 127.0.0.1:6379"],
    print: (cause) =>
      `AggregateError [ECONNREFUSED]: \n    at internalConnectMultiple (node:net:1118:18) {\n  code: 'ECONNREFUSED',\n  [errors]: [\n    Error: ${cause.replace("127.0.0.1", "::1")}\n        at createConnectionError (node:net:1652:14),\n    Error: ${cause}\n        at createConnectionError (node:net:1652:14)\n  ]\n}`
  },
  {
    name: "Node.js, axios",
    causes: ["Request failed with status code 404", "Request failed with status code 503"],
    print: (cause, run) =>
      `AxiosError: ${cause}\n    at settle (/app/node_modules/axios/lib/core/settle.js:19:12) {\n  code: 'ERR_BAD_RESPONSE',\n  config: {\n    timeout: 0,\n    headers: Object [AxiosHeaders] {\n      'User-Agent': 'axios/1.7.2'\n    }\n  },\n  response: {\n    headers: {\n      date: 'Sat, 0${run.count % 9} ${run.month} 2026 ${run.clock} GMT',\n      'x-request-id': '${run.uuid}'\n    }\n  }\n}`
  },
  {
    name: "Zod",
    causes: ["DB_URL", "SMTP_HOST"],
    print: (cause) =>
      `ZodError: [\n  {\n    "code": "invalid_type",\n    "expected": "string",\n    "received": "undefined",\n    "path": [\n      "${cause}"\n    ],\n    "message": "Required"\n  }\n]\n    at get error (/app/node_modules/zod/lib/types.js:39:31)`
  },
  {
    name: "Effect",
    causes: sentences,
    print: (cause, run) =>
      `timestamp=${run.iso} level=ERROR fiber=#${run.count} message="Error: ${cause}" cause="Error: ${cause}\n    at run (/app/main.ts:5:9)"`
  },
  {
    name: "Python",
    causes: ["ModuleNotFoundError: No module named 'shop'", "ModuleNotFoundError: No module named 'bank'"],
    print: (cause) =>
      `Traceback (most recent call last):\n  File "/app/main.py", line 3, in <module>\n    import pieces\n  File "/app/pieces.py", line 1, in <module>\n    import one_of_them\n${cause}`
  },
  {
    name: "Python, an exception of one's own",
    causes: ["acme.NotReady: warm-up of the cache", "acme.NotReady: warm-up of the index"],
    print: (cause) =>
      `Traceback (most recent call last):\n  File "/app/x.py", line 9, in <module>\n    raise build_error("bad") from error\n    ~~~~~~^^^^^^^^^^^^\n${cause}`
  },
  {
    name: "Python, chained",
    causes: ["KeyError: 'price'", "KeyError: 'volume'"],
    print: (cause) =>
      `Traceback (most recent call last):\n  File "/app/a.py", line 4, in load\n    return row[name]\n${cause}\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "/app/x.py", line 9, in <module>\n    main()\n  File "/app/x.py", line 6, in main\n    raise RuntimeError("load failed")\nRuntimeError: load failed`
  },
  {
    name: "Python, pydantic",
    causes: ["db_url", "smtp_host"],
    print: (cause) =>
      `Traceback (most recent call last):\n  File "/app/x.py", line 9, in <module>\n    Settings()\npydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\n${cause}\n  Field required [type=missing, input_value={}, input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.7/v/missing`
  },
  {
    name: "Python, SQLAlchemy",
    causes: ["table users already exists", "no such column: age"],
    print: (cause) =>
      `Traceback (most recent call last):\n  File "/app/x.py", line 9, in <module>\n    main()\nsqlalchemy.exc.OperationalError: (sqlite3.OperationalError) ${cause}\n[SQL: SELECT 1]\n(Background on this error at: https://sqlalche.me/e/20/e3q8)`
  },
  {
    name: "Python, logging",
    causes: sentences,
    print: (cause, run) =>
      `${date(run)} ${run.clock},123 - app.prices - INFO - run ${run.count} begins\n${date(run)} ${run.clock},987 - app.prices - ERROR - ${cause}\n${date(run)} ${run.clock},990 - app.prices - INFO - ${run.count} rows, 0 errors kept`
  },
  {
    name: "Go, panic",
    causes: ["panic: assignment to entry in nil map", "panic: runtime error: index out of range [5] with length 3"],
    print: (cause, run) =>
      `${cause}\n\ngoroutine ${run.count} [running]:\napp/config.Connect(0xc000${run.hash}, {0x5, 0x1})\n\t/src/config/app.go:16 +0x1d\nmain.main()\n\t/src/main.go:19 +0xe5\nexit status 2`
  },
  {
    name: "Go, log.Fatal",
    causes: ["dial tcp 127.0.0.1:9010: connect: connection refused", "dial tcp: lookup db.internal: no such host"],
    print: (cause, run) =>
      `${date(run).replaceAll("-", "/")} ${run.clock} starting\n${date(run).replaceAll("-", "/")} ${run.clock} ${cause}\nexit status 1`
  },
  {
    name: "Go, a broken connection",
    causes: ["connection reset by peer", "i/o timeout"],
    print: (cause, run) =>
      `${date(run).replaceAll("-", "/")} ${run.clock} read tcp 10.0.0.5:${run.port}->10.0.0.9:443: read: ${cause}\nexit status 1`
  },
  {
    name: "Go, klog",
    causes: [
      "failed to list *v1.Pod: Unauthorized",
      "failed to list *v1.Pod: the server could not find the requested resource"
    ],
    print: (cause, run) =>
      `I0307 ${run.clock}.120345   ${run.pid} main.go:10] starting\nE0307 ${run.clock}.120345   ${run.pid} reflector.go:138] k8s.io/client-go: ${cause}\nF0307 ${run.clock}.130345   ${run.pid} main.go:33] giving up`
  },
  {
    name: "Go, zap",
    causes: sentences,
    print: (cause, run) =>
      `{"level":"info","ts":${run.epoch / 1000},"caller":"app/main.go:9","msg":"started"}\n{"level":"error","ts":${run.epoch / 1000},"caller":"app/main.go:12","msg":"job failed","error":"${cause}","stacktrace":"main.main\\n\\t/src/app/main.go:12"}`
  },
  {
    name: "Rust, panic",
    causes: ["index out of bounds: the len is 3 but the index is 99", "threads should not end unexpectedly"],
    print: (cause, run) =>
      `\nthread 'main' (${run.pid}) panicked at src/main.rs:4:5:\n${cause}\nstack backtrace:\n   0: std::panicking::begin_panic_handler\n             at /rustc/abc/library/std/src/panicking.rs:5:5\n   1: app::main\n             at ./src/main.rs:4:5\nnote: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace`
  },
  {
    name: "Rust, an older panic",
    causes: sentences,
    print: (cause) =>
      `thread 'tokio-runtime-worker' panicked at '${cause}', src/main.rs:4:5\nnote: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace`
  },
  {
    name: "Rust, tracing",
    causes: ["No such file or directory (os error 2)", "Permission denied (os error 13)"],
    print: (cause, run) =>
      `  ${run.iso}  INFO app: started in ${run.took}ms\n  ${run.iso} ERROR app::load: could not load: ${cause}\n    at src/load.rs:12`
  },
  {
    name: "Rust, anyhow",
    causes: ["connection refused (os error 111)", "invalid peer certificate: Expired"],
    print: (cause) => `Error: could not fetch prices\n\nCaused by:\n    0: request failed\n    1: ${cause}`
  },
  {
    name: "Java, uncaught",
    causes: ["java.lang.IllegalStateException: no feed", "java.lang.IllegalStateException: no ledger"],
    print: (cause, run) =>
      `Exception in thread "pool-${run.count}-thread-${run.took}" ${cause}\n${frames(90, (i) => `\tat org.acme.context.Service${i}.invoke(Service${i}.java:${i})`)}`
  },
  {
    name: "Java, causes",
    causes: [
      "java.net.ConnectException: Connection refused: db/10.0.0.5:5432",
      'org.postgresql.util.PSQLException: FATAL: role "app" does not exist'
    ],
    print: (cause, run) =>
      `${date(run)} ${run.clock}.123  INFO ${run.pid} --- [main] o.a.App : Starting\n${date(run)} ${run.clock}.456 ERROR ${run.pid} --- [nio-8080-exec-${run.count}] o.a.App : Application run failed\n\norg.springframework.beans.factory.BeanCreationException: Error creating bean with name 'db'\n\tat org.acme.A.a(A.java:1)\nCaused by: ${cause}\n\tat org.acme.B.b(B.java:2)\n\t... 25 common frames omitted`
  },
  {
    name: "Java, an exception with the identity of an object",
    causes: sentences,
    print: (cause, run) =>
      `org.acme.Stuck: ${cause} in org.acme.Pool@${run.hash}\n\tat org.acme.A.a(A.java:1)\n\tat org.acme.B.b(B.java:2)`
  },
  {
    name: "Java, java.util.logging",
    causes: sentences,
    print: (cause, run) => `${run.month} 0${run.count % 9}, 2026 7:57:33 AM org.acme.App main\nSEVERE: ${cause}`
  },
  {
    name: "Kotlin, logback",
    causes: sentences,
    print: (cause, run) =>
      `${run.clock}.123 [DefaultDispatcher-worker-${run.count}] INFO  c.a.Main - started\n${run.clock}.125 [DefaultDispatcher-worker-${run.count}] ERROR c.a.Main - ${cause}`
  },
  {
    name: ".NET",
    causes: [
      "System.IO.FileNotFoundException: Could not find file '/app/a.json'.",
      "System.IO.FileNotFoundException: Could not find file '/app/b.json'."
    ],
    print: (cause) =>
      `Unhandled exception. System.InvalidOperationException: start\n ---> ${cause}\n   at System.IO.Load() in /src/A.cs:line 5\n   --- End of inner exception stack trace ---\n   at Program.Main() in /src/B.cs:line 9`
  },
  {
    name: ".NET, Serilog as JSON",
    causes: sentences,
    print: (cause, run) =>
      `{"@t":"${run.iso}","@mt":"Job {Id} failed","@l":"Error","@x":"Acme.Stuck: ${cause}\\n   at Acme.Run() in /src/A.cs:line 5","Id":"${run.uuid}"}`
  },
  {
    name: ".NET, the console's logger",
    causes: sentences,
    print: (cause) => `info: Acme.App[0]\n      Started\nfail: Acme.App[14]\n      ${cause}`
  },
  {
    name: "Ruby",
    causes: ["undefined method `price' for nil (NoMethodError)", "undefined method `volume' for nil (NoMethodError)"],
    print: (cause) => `app.rb:3:in 'Object#run': ${cause}\n\tfrom app.rb:9:in '<main>'`
  },
  {
    name: "Ruby, a class of one's own",
    causes: ["the feed (Acme::NotReady)", "the ledger (Acme::NotReady)"],
    print: (cause) => `/app/lib/x.rb:3:in 'Acme.run': ${cause}\n\tfrom /app/x.rb:9:in '<main>'`
  },
  {
    name: "Ruby, Logger",
    causes: sentences,
    print: (cause, run) =>
      `I, [${run.iso.slice(0, 19)}.123456 #${run.pid}]  INFO -- : started\nF, [${run.iso.slice(0, 19)}.123456 #${run.pid}] FATAL -- : ${cause}`
  },
  {
    name: "PHP",
    causes: ["SQLSTATE[HY000] [2002] Connection refused", "SQLSTATE[HY000] [1045] Access denied for user 'app'@'db'"],
    print: (cause, run) =>
      `[0${run.count % 9}-${run.month}-2026 ${run.clock} UTC] PHP Fatal error:  Uncaught PDOException: ${cause} in /app/x.php:3\nStack trace:\n#0 /app/x.php(3): PDO->__construct()\n#1 {main}\n  thrown in /app/x.php on line 3`
  },
  {
    name: "PHP, Monolog",
    causes: sentences,
    print: (cause, run) =>
      `[${run.iso}] prod.INFO: started [] []\n[${run.iso}] prod.ERROR: ${cause} {"exception":"[object] (Acme\\\\Stuck(code: 0): ${cause} at /app/x.php:3)"} []`
  },
  {
    name: "Elixir",
    causes: ["(Acme.NotReady) the feed", "(Acme.NotReady) the ledger"],
    print: (cause, run) =>
      `${run.clock}.123 [error] GenServer #PID<0.${run.count}.0> terminating\n** ${cause}\n    (app 0.1.0) lib/x.ex:12: Acme.run/2\n    (stdlib 5.2) gen_server.erl:1095: :gen_server.try_handle_call/4`
  },
  {
    name: "C++",
    causes: ["the feed is empty", "the ledger is empty"],
    print: (cause, run) =>
      `terminate called after throwing an instance of 'std::runtime_error'\n  what():  ${cause}\n/app/run.sh: line 3: ${run.pid} Aborted                 (core dumped) ./app`
  },
  {
    name: "C, sanitizer",
    causes: ["heap-buffer-overflow", "heap-use-after-free"],
    print: (cause, run) =>
      `=================================================================\n==${run.pid}==ERROR: AddressSanitizer: ${cause} on address 0x60200000${run.hash.slice(0, 4)} at pc 0x55d0${run.hash} bp 0x7ffd${run.hash} sp 0x7ffc${run.hash}\nREAD of size 4 at 0x60200000${run.hash.slice(0, 4)} thread T0\n    #0 0x55d0${run.hash} in main /src/a.c:5\n    #1 0x7f${run.hash}  (/lib/libc.so.6+0x29d8f)`
  },
  {
    name: "a shell",
    causes: ["jq: command not found", "curl: command not found"],
    print: (cause) => `+ set -e\n./job.sh: line 7: ${cause}`
  },
  {
    name: "Perl",
    causes: ["no feed at job.pl line 3.", "no ledger at job.pl line 3."],
    print: (cause) => `starting\n${cause}`
  },
  {
    name: "Lua",
    causes: ["lua: job.lua:3: no feed", "lua: job.lua:3: no ledger"],
    print: (cause) => `${cause}\nstack traceback:\n\t[C]: in function 'error'\n\tjob.lua:3: in main chunk`
  },
  {
    name: "Haskell",
    causes: ["job: no feed", "job: no ledger"],
    print: (cause) => `${cause}\nCallStack (from HasCallStack):\n  error, called at job.hs:3:8 in main:Main`
  },
  {
    name: "Dart",
    causes: ["no feed", "no ledger"],
    print: (cause) =>
      `Unhandled exception:\n${cause}\n#0      main (file:///app/x.dart:3:5)\n#1      _delayEntrypointInvocation (dart:isolate-patch/isolate_patch.dart:296:19)`
  },
  {
    name: "Swift",
    causes: ["no feed", "no ledger"],
    print: (cause) => `Fatal error: ${cause}: file job/main.swift, line 3\nIllegal instruction`
  },
  {
    name: "Clojure",
    causes: ["the feed", "the ledger"],
    print: (cause, run) =>
      `Execution error (ExceptionInfo) at user/eval${run.pid} (x.clj:1).\n${cause}\n\nFull report at:\n/tmp/clojure-${run.uuid}.edn`
  },
  {
    name: "pino",
    causes: sentences,
    print: (cause, run) =>
      `{"level":30,"time":${run.epoch},"pid":${run.pid},"hostname":"h","msg":"started"}\n{"level":50,"time":${run.epoch},"pid":${run.pid},"hostname":"h","reqId":"req-${run.count}","err":{"type":"Error","message":"${cause}","stack":"Error: ${cause}\\n    at run (/app/x.js:1:2)"},"msg":"job failed"}`
  },
  {
    name: "winston",
    causes: sentences,
    print: (cause, run) =>
      `info: started {"timestamp":"${run.iso}"}\nerror: ${cause} {"timestamp":"${run.iso}","durationMs":${run.took}}`
  },
  {
    name: "bunyan with a long request",
    causes: sentences,
    print: (cause, run) =>
      `{"name":"app","hostname":"h","pid":${run.pid},"level":50,"req":{"method":"GET","url":"/prices","headers":{"user-agent":"${"x".repeat(2000)}","x-request-id":"${run.uuid}"}},"err":{"message":"${cause}","name":"Error"},"msg":"request failed","time":"${run.iso}","v":0}`
  },
  {
    name: "structlog",
    causes: sentences,
    print: (cause, run) =>
      `{"event": "job failed", "exception": "Traceback (most recent call last):\\n  File \\"x.py\\", line 1, in f\\n    g()\\nacme.Stuck: ${cause}", "level": "error", "timestamp": "${run.iso}"}`
  },
  {
    name: "logfmt",
    causes: sentences,
    print: (cause, run) =>
      `time=${run.iso} level=info msg=started pid=${run.pid}\ntime=${run.iso} level=error msg="job failed" err="${cause}" took=${run.took}ms request_id=${run.uuid.slice(0, 8)}`
  },
  {
    name: "OpenAI",
    causes: ["You exceeded your current quota", "The model `gpt-9` does not exist"],
    print: (cause, run) =>
      `openai.APIError: Error code: 429 - {'error': {'message': '${cause}. Please try again in ${run.count}m${run.count}s.', 'code': 'x'}, 'request_id': 'req_${run.uuid.replaceAll("-", "")}'}`
  },
  {
    name: "PostgreSQL",
    causes: [
      'duplicate key value violates unique constraint "users_pkey"',
      'null value in column "age" violates not-null constraint'
    ],
    print: (cause, run) =>
      `${date(run)} ${run.clock}.123 UTC [${run.pid}] ERROR:  ${cause}\n${date(run)} ${run.clock}.123 UTC [${run.pid}] STATEMENT:  INSERT INTO users VALUES (1)`
  },
  {
    name: "env_logger",
    causes: sentences,
    print: (cause, run) => `[${run.iso} INFO  app] started\n[${run.iso} ERROR app::load] ${cause}`
  },
  {
    name: "loguru",
    causes: sentences,
    print: (cause, run) =>
      `${date(run)} ${run.clock}.123 | INFO     | app:main:3 - started\n${date(run)} ${run.clock}.123 | ERROR    | app:main:9 - ${cause}`
  },
  {
    name: "logrus",
    causes: sentences,
    print: (cause, run) => `INFO[0000] started\nFATA[${String(run.count).padStart(4, "0")}] ${cause}`
  },
  {
    name: "NestJS",
    causes: sentences,
    print: (cause, run) =>
      `[Nest] ${run.pid}  - 03/0${run.count % 9}/2026, 3:01:53 PM     LOG [App] started\n[Nest] ${run.pid}  - 03/0${run.count % 9}/2026, 3:01:53 PM   ERROR [App] ${cause}`
  },
  {
    name: "pino-pretty",
    causes: sentences,
    print: (cause, run) =>
      `[${run.clock}.120] INFO (${run.pid}): started\n[${run.clock}.120] ERROR (${run.pid}): ${cause}`
  },
  {
    name: "nginx",
    causes: ['host not found in upstream "prices"', 'unknown directive "sever"'],
    print: (cause, run) =>
      `${date(run).replaceAll("-", "/")} ${run.clock} [emerg] ${run.pid}#${run.pid}: ${cause} in /etc/nginx/nginx.conf:4`
  },
  {
    name: "color-eyre",
    causes: sentences,
    print: (cause) => `Error: \n   0: could not run\n   1: ${cause}\n\nLocation:\n   src/main.rs:9`
  },
  {
    name: "miette",
    causes: sentences,
    print: (cause) => `  × ${cause}\n   ╭─[a.kdl:1:1]\n 1 │ feed\n   · ──┬─\n   ╰────`
  },
  {
    name: "Node.js without memory",
    causes: ["Reached heap limit Allocation failed", "invalid table size Allocation failed"],
    print: (cause, run) =>
      `\n<--- Last few GCs --->\n\n[${run.pid}:0x${run.hash}a0]    ${run.took}34 ms: Mark-Compact 2047.9 (2083.1) -> 2047.0 (2083.4) MB, ${run.took}.41 / 0.00 ms  (average mu = 0.${run.count}, current mu = 0.051) allocation failure\n\n<--- JS stacktrace --->\n\nFATAL ERROR: ${cause} - JavaScript heap out of memory\n----- Native stack trace -----\n\n 1: 0x${run.hash}a0 node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]`
  },
  {
    name: "Erlang",
    causes: sentences,
    print: (cause, run) => `=ERROR REPORT==== ${run.day}-${run.month}-2026::${run.clock}.412345 ===\n${cause}\n`
  },
  {
    name: "MySQL's client",
    causes: [
      "ERROR 1045 (28000): Access denied for user 'app'@'db' (using password: YES)",
      "ERROR 1049 (42000): Unknown database 'app'"
    ],
    print: (cause) => cause
  }
]

/** What stands before each line, and behind the last one. */
export interface Surrounding {
  readonly name: string
  readonly wrap: (log: string, run: RunOf) => string
}

const each = (log: string, before: string, after = "") =>
  log
    .split("\n")
    .map((line) => `${before}${line}${after}`)
    .join("\n")

export const surroundings: ReadonlyArray<Surrounding> = [
  { name: "nothing", wrap: (log) => log },
  { name: "PM2's time", wrap: (log, run) => each(log, `${date(run)} ${run.clock.slice(0, 5)} +01:00: `) },
  { name: "another time of PM2", wrap: (log, run) => each(log, `${run.month} ${run.day} ${run.clock} AM  `) },
  { name: "compose", wrap: (log) => `${each(log, "web-1  | ")}\nweb-1 exited with code 1` },
  {
    name: "journald",
    wrap: (log, run) =>
      `${each(log, `${run.month} 0${run.count % 9} ${run.clock} host app[${run.pid}]: `)}\n${run.month} 0${run.count % 9} ${run.clock} host systemd[1]: app.service: Main process exited, code=exited, status=1/FAILURE\n${run.month} 0${run.count % 9} ${run.clock} host systemd[1]: app.service: Failed with result 'exit-code'.\n${run.month} 0${run.count % 9} ${run.clock} host systemd[1]: app.service: Scheduled restart job, restart counter is at ${run.count}.`
  },
  {
    name: "journald in German",
    wrap: (log, run) =>
      each(
        log,
        `${run.month === "Mar" ? "Mär" : "Mai"} ${String(run.day).padStart(2, "0")} ${run.clock} host app[${run.pid}]: `
      )
  },
  { name: "Kubernetes", wrap: (log, run) => each(log, `${run.iso.slice(0, 19)}.123456789Z stderr F `) },
  {
    name: "Docker's JSON",
    wrap: (log, run) =>
      log
        .split("\n")
        .map((line) => JSON.stringify({ log: `${line}\n`, stream: "stderr", time: run.iso }))
        .join("\n")
  },
  {
    name: "npm",
    wrap: (log, run) =>
      `\n> app@1.0.0 start\n> node x.js\n\n${log}\nnpm error Lifecycle script \`start\` failed with error:\nnpm error code 1\nnpm error path /app\nnpm error workspace app@1.0.0\nnpm error command failed\nnpm error command sh -c node x.js\nnpm error A complete log of this run can be found in: /root/.npm/_logs/${run.iso.replaceAll(":", "_")}-debug-0.log`
  },
  { name: "pnpm", wrap: (log) => `${log}\n ELIFECYCLE  Command failed with exit code 1.` },
  {
    name: "yarn",
    wrap: (log) =>
      `yarn run v1.22.22\n$ node x.js\n${log}\nerror Command failed with exit code 1.\ninfo Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command.`
  },
  {
    name: "gunicorn",
    wrap: (log, run) =>
      `[${date(run)} ${run.clock} +0000] [${run.pid}] [INFO] Booting worker with pid: ${run.pid}\n${log}\n[${date(run)} ${run.clock} +0000] [${run.pid}] [INFO] Worker exiting (pid: ${run.pid})\n[${date(run)} ${run.clock} +0000] [1] [ERROR] Worker (pid:${run.pid}) exited with code 3\n[${date(run)} ${run.clock} +0000] [1] [ERROR] Shutting down: Master\n[${date(run)} ${run.clock} +0000] [1] [ERROR] Reason: Worker failed to boot.`
  },
  {
    name: "uvicorn",
    wrap: (log, run) =>
      `INFO:     Started server process [${run.pid}]\nINFO:     Waiting for application startup.\n${log}\n\nERROR:    Application startup failed. Exiting.`
  },
  {
    name: "make",
    wrap: (log) => `node x.js\n${log}\nmake[1]: *** [Makefile:2: run] Error 1\nmake: *** [Makefile:9: all] Error 2`
  },
  {
    name: "cargo",
    wrap: (log, run) =>
      `    Finished \`dev\` profile [unoptimized + debuginfo] target(s) in ${run.took / 100}s\n     Running \`target/debug/app\`\n${log}\nerror: process didn't exit successfully: \`target/debug/app\` (exit status: 101)`
  },
  {
    name: "gradle",
    wrap: (log, run) =>
      `> Task :run FAILED\n${log}\n\nFAILURE: Build failed with an exception.\n\n* What went wrong:\nExecution failed for task ':run'.\n> Process 'command '/usr/bin/java'' finished with non-zero exit value 1\n\n* Try:\n> Run with --stacktrace option to get the stack trace.\n\nBUILD FAILED in ${run.count}s\n2 actionable tasks: 1 executed`
  },
  {
    name: "nodemon",
    wrap: (log) =>
      `[nodemon] starting \`node x.js\`\n${log}\n[nodemon] app crashed - waiting for file changes before starting...`
  },
  {
    name: "supervisord",
    wrap: (log, run) =>
      `${log}\n${date(run)} ${run.clock},123 INFO exited: app (exit status 1; not expected)\n${date(run)} ${run.clock},124 INFO gave up: app entered FATAL state, too many start retries too quickly`
  },
  {
    name: "GitHub Actions",
    wrap: (log, run) =>
      `${each(log, `${run.iso.slice(0, 19)}.1234567Z `)}\n${run.iso.slice(0, 19)}.1234567Z ##[error]Process completed with exit code 1.`
  },
  {
    name: "a clean shutdown",
    wrap: (log, run) => `${log}\n${frames(30, (i) => `closing connection ${i} of ${run.count}`)}\nbye`
  }
]
