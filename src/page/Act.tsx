/**
 * A button that does something by the API, says whether it was done, and takes a reason where one is written down.
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
 * - `sure`: what is said before it is done, beside a field for the reason. Without it, it is done at once.
 * - `meanwhile`: what is said while it is being done.
 *
 * @internal
 */
export interface ActProps {
  readonly label: string
  readonly right: Right
  readonly act: (why: {
    readonly reason?: string
  }) => Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>
  readonly sure?: ComponentChildren
  readonly meanwhile?: string
}

/** Without an answer, nobody knows what has come of it. */
const unsure = ({ _tag }: { readonly _tag: string }): string =>
  _tag === "RequestError" || _tag === "ResponseError"
    ? " It may have been done, or not: look before you try again."
    : ""

type Phase =
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Asking" }
  | { readonly _tag: "Acting" }
  | { readonly _tag: "Failed"; readonly problem: string }

/** @internal */
export const Act = (props: ActProps): VNode | null => (useMay(props.right) ? <Button {...props} /> : null)

const Button = ({ act, label, meanwhile, sure }: ActProps): VNode => {
  const [phase, setPhase] = useState<Phase>({ _tag: "Idle" })
  const opener = useRef<HTMLButtonElement>(null)
  // The form is gone in which the keyboard was.
  useEffect(() => {
    if (phase._tag === "Failed" && document.activeElement === document.body) opener.current?.focus()
  }, [phase._tag])
  const start = (why: { readonly reason?: string }) => {
    setPhase({ _tag: "Acting" })
    Effect.runFork(
      Effect.match(act(why), {
        onFailure: (error) => setPhase({ _tag: "Failed", problem: `${problemOf(error)}${unsure(error)}` }),
        onSuccess: () => setPhase({ _tag: "Idle" })
      })
    )
  }
  const close = () => {
    setPhase({ _tag: "Idle" })
    opener.current?.focus()
  }
  return (
    <div class="act">
      <button
        ref={opener}
        type="button"
        disabled={phase._tag === "Acting"}
        aria-expanded={sure === undefined ? undefined : phase._tag === "Asking"}
        onClick={() => (sure === undefined ? start({}) : setPhase({ _tag: "Asking" }))}
      >
        {label}
        {sure === undefined ? "" : "…"}
      </button>
      {phase._tag === "Asking" ? (
        <Reason label={label} onClose={close} onGiven={start}>
          {sure}
        </Reason>
      ) : null}
      {phase._tag === "Acting" ? <p role="status">{meanwhile ?? "It is being done…"}</p> : null}
      {phase._tag === "Failed" ? <Problem>{phase.problem}</Problem> : null}
    </div>
  )
}

const Reason = ({
  children,
  label,
  onClose,
  onGiven
}: {
  readonly children: ComponentChildren
  readonly label: string
  readonly onClose: () => void
  readonly onGiven: (why: { readonly reason?: string }) => void
}): VNode => {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  // Before anything else is typed.
  useLayoutEffect(() => field.current?.focus(), [])
  return (
    <form
      class="sure"
      onSubmit={(event) => {
        event.preventDefault()
        const reason = field.current?.value.trim() ?? ""
        onGiven(reason === "" ? {} : { reason })
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose()
      }}
    >
      <div>{children}</div>
      <label for={id}>Why (it is written down)</label>
      <input ref={field} id={id} type="text" maxLength={MAX_REASON} autocomplete="off" />
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
