import { assert, describe, it } from "@effect/vitest"
import * as Proc from "../../src/internal/Proc.js"
import * as Orphans from "../../src/pm2/Orphans.js"

describe("a process that PM2 does not know any more", () => {
  it("counts until it ends, even if another one gets its pid", () => {
    const starts = new Map([
      [1, "100"],
      [2, "200"]
    ])
    const orphans = Orphans.make((pid) => starts.get(pid))
    const both = [
      { job: "a", pid: 1 },
      { job: "b", pid: 2 }
    ]
    assert.deepStrictEqual(orphans.update(both), [])
    assert.deepStrictEqual(orphans.update([]), both)
    starts.set(1, "300")
    assert.deepStrictEqual(orphans.update([]), both.slice(1))
    starts.delete(2)
    assert.deepStrictEqual(orphans.update([]), [])
    assert.deepStrictEqual(orphans.update([{ job: "gone", pid: 3 }]), [])
    assert.deepStrictEqual(orphans.update([]), [])
  })

  it("is told by when it was started", () => {
    assert.isDefined(Proc.startOf(process.pid))
    assert.strictEqual(Proc.startOf(process.pid), Proc.startOf(process.pid))
    assert.isUndefined(Proc.startOf(4_194_304))
  })
})
