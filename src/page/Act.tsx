/**
 * A button that does something by the API, says what has come of it, and takes a reason where one is written down.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { ComponentChildren, VNode } from "preact"
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks"
import type { Right } from "../http/Rights.js"
import { problemOf } from "./Api.js"
import { useMay } from "./Page.js"
import { Problem } from "./Words.js"

/** What the API takes. */
const MAX_REASON = 1000

/**
 * - `right`: without it, there is no button.
 * - `act`: does it; it gets the reason, if one was given.
 * - `sure`: what is said before it is done. Without it, it is done at once.
 * - `asksWhy` (with `sure`): whether there is a field for a reason.
 * - `meanwhile`: what is said while it is being done.
 * - `done`: what is said when it is done.
 * - `isOffered` (true): where it is not, only what has come of it before is shown.
 *
 * @internal
 */
export interface ActProps<A> {
  readonly label: string
  readonly right: Right
  readonly act: (why: Why) => Effect.Effect<A, Failure>
  readonly sure?: ComponentChildren
  readonly asksWhy?: boolean
  readonly meanwhile?: string
  readonly done?: (answer: A) => ComponentChildren
  readonly isOffered?: boolean
}

interface Why {
  readonly reason?: string
}

interface Failure {
  readonly _tag: string
  readonly message: string
}

/** Without an answer, nobody knows what has come of it. */
const unsure = ({ _tag }: Failure): string =>
  _tag === "RequestError" || _tag === "ResponseError"
    ? " It may have been done, or not: look before you try again."
    : ""

type Phase<A> =
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Asking" }
  | { readonly _tag: "Acting" }
  | { readonly _tag: "Done"; readonly answer: A }
  | { readonly _tag: "Failed"; readonly problem: string }

/** @internal */
export const Act = <A,>(props: ActProps<A>): VNode | null => (useMay(props.right) ? <Button {...props} /> : null)

const Button = <A,>({
  act,
  asksWhy = true,
  done = () => "It is done.",
  isOffered = true,
  label,
  meanwhile = "It is being done…",
  sure
}: ActProps<A>): VNode | null => {
  const [phase, setPhase] = useState<Phase<A>>({ _tag: "Idle" })
  const opener = useRef<HTMLButtonElement>(null)
  // The form is gone in which the keyboard was.
  useEffect(() => {
    if (document.activeElement === document.body && (phase._tag === "Failed" || phase._tag === "Done"))
      opener.current?.focus()
  }, [phase._tag])
  // What nobody can do any more is not asked for when it is offered again.
  useEffect(() => {
    if (!isOffered) setPhase((phase) => (phase._tag === "Asking" ? { _tag: "Idle" } : phase))
  }, [isOffered])
  const start = (why: Why) => {
    setPhase({ _tag: "Acting" })
    Effect.runFork(
      Effect.match(act(why), {
        onFailure: (error) => setPhase({ _tag: "Failed", problem: `${problemOf(error)}${unsure(error)}` }),
        onSuccess: (answer) => setPhase({ _tag: "Done", answer })
      })
    )
  }
  const open = () => {
    if (phase._tag === "Acting") return
    if (sure === undefined) start({})
    else setPhase({ _tag: "Asking" })
  }
  const close = () => {
    setPhase({ _tag: "Idle" })
    opener.current?.focus()
  }
  // It is still there, with what it knows.
  if (!isOffered && (phase._tag === "Idle" || phase._tag === "Asking")) return null
  return (
    <div class="act">
      {isOffered ? (
        <button
          ref={opener}
          type="button"
          // It keeps the keyboard meanwhile.
          aria-disabled={phase._tag === "Acting"}
          aria-expanded={sure === undefined ? undefined : phase._tag === "Asking"}
          onClick={open}
        >
          {label}
          {sure === undefined ? "" : "…"}
        </button>
      ) : null}
      {isOffered && phase._tag === "Asking" ? (
        <Sure label={label} asksWhy={asksWhy} onClose={close} onSure={start}>
          {sure}
        </Sure>
      ) : null}
      <div role="status">
        {phase._tag === "Acting" ? meanwhile : null}
        {phase._tag === "Done" ? done(phase.answer) : null}
      </div>
      {phase._tag === "Failed" ? (
        <Problem>
          {isOffered ? "" : `${label}: `}
          {phase.problem}
        </Problem>
      ) : null}
    </div>
  )
}

const Sure = ({
  asksWhy,
  children,
  label,
  onClose,
  onSure
}: {
  readonly asksWhy: boolean
  readonly children: ComponentChildren
  readonly label: string
  readonly onClose: () => void
  readonly onSure: (why: Why) => void
}): VNode => {
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  const reason = useRef<HTMLInputElement>(null)
  // Before anything else is typed.
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>("input, button")?.focus(), [])
  return (
    <form
      ref={form}
      class="sure"
      onSubmit={(event) => {
        event.preventDefault()
        const why = reason.current?.value.trim() ?? ""
        onSure(why === "" ? {} : { reason: why })
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose()
      }}
    >
      <div>{children}</div>
      {asksWhy ? (
        <>
          <label for={id}>Why (it is written down)</label>
          <input ref={reason} id={id} type="text" maxLength={MAX_REASON} autocomplete="off" />
        </>
      ) : null}
      <div class="row">
        <button type="submit" class="main">
          {label}
        </button>
        <button type="button" onClick={onClose}>
          Leave it
        </button>
      </div>
    </form>
  )
}
