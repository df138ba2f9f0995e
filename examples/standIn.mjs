#!/usr/bin/env node
/**
 * A stand-in for the OpenClaw CLI: no AI, and free of charge. It speaks as much of it as a review needs, reads the evidence
 * in the prompt, and answers with the last error in there.
 */
import { readFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"

const args = process.argv.slice(2)

if (args.includes("--help")) {
  console.log("Usage: openclaw agent exec [options] [message]\n\n  (a stand-in for the examples of effect-healing)")
} else if (args[0] === "config" && args[1] === "file") {
  console.log(JSON.stringify({ path: "/nobody/openclaw.json" }))
} else if (args[0] === "config" && args[1] === "get") {
  console.log(JSON.stringify({ model: "nobody/stand-in" }))
} else if (args[0] === "agent" && args[1] === "exec") {
  await setTimeout(1000)
  const prompt = readFileSync(args[args.indexOf("--message-file") + 1] ?? "", "utf8")
  const evidence = prompt.slice(prompt.indexOf("# Evidence"))
  const error = evidence.match(/^(?!A stand-in).*\bError: .*$/gm)?.at(-1) ?? "none"
  const answer = {
    summary: `A stand-in, and no AI, has read this last error: ${error}`,
    rootCause: null,
    suggestions: [
      {
        category: "reliability",
        severity: "low",
        title: "Ask OpenClaw itself",
        description: "A stand-in knows nothing but the last error.",
        change: "npm start -- --openclaw"
      }
    ]
  }
  const text = JSON.stringify(answer)
  console.log(JSON.stringify({ ok: true, status: "ok", final: text, payloads: [{ text }], model: "stand-in" }))
} else {
  process.exitCode = 1
}
