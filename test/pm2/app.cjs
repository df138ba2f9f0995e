// A job of the tests: it says that it lives, and does as the file beside that says, once: `exit 7`, `throw boom`, `flood 50`.
const { existsSync, readFileSync, renameSync, unlinkSync, writeFileSync } = require("node:fs")

const [folder, job, first] = process.argv.slice(2)
writeFileSync(`${folder}/alive-${job}-${process.pid}`, "")

const line = "x".repeat(1000)

const act = (what, argument) => {
  if (what === "exit") process.exit(Number(argument))
  if (what === "throw") throw new Error(argument)
  if (what === "kill") process.kill(process.pid, argument)
  if (what === "flood") {
    for (let index = 0; index < Number(argument); index++) console.log(line)
    writeFileSync(`${folder}/flooded-${job}`, "")
  }
}

if (first !== undefined) act(...first.split(" "))
setInterval(() => {
  const file = `${folder}/do-${job}`
  if (!existsSync(file)) return
  // One of several takes it.
  const mine = `${file}-${process.pid}`
  try {
    renameSync(file, mine)
  } catch {
    return
  }
  const [what, argument] = readFileSync(mine, "utf8").split(" ")
  unlinkSync(mine)
  act(what, argument)
}, 10)
