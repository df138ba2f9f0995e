/**
 * The JSON objects of an answer that may be the report: all but those that a model has only thought of.
 *
 * @internal
 */
import * as Option from "effect/Option"
import { isJson, type JsonObject, objectAt, walk } from "./JsonObjects.js"

/**
 * - `objects`: their texts, the likeliest first: the last one, and then those within it; and where they begin.
 * - `cutAt`: where a report begins that does not end, the last one: one before it is no answer.
 * - `isRepaired`: whether they stood in the notation of a string.
 *
 * @internal
 */
export interface Answers {
  readonly objects: ReadonlyArray<{ readonly text: string; readonly begin: number }>
  readonly cutAt: number
  readonly isRepaired: boolean
}

/** @internal */
export const answersIn = (text: string): Answers => {
  const found = outerOf(text)
  if (found.objects.length > 0 || !ESCAPED.test(text)) return { ...found, isRepaired: false }
  // A report in the notation of a string, with all its quotes escaped. Its lines end as they did.
  return { ...outerOf(Option.getOrElse(unescaped(text), () => "")), isRepaired: true }
}

const MAX_OBJECTS = 200

const withInner = (text: string, object: JsonObject): Answers["objects"] =>
  [
    object,
    ...object.inner
      .slice(-MAX_OBJECTS)
      .flatMap((at) => objectAt(text, at, false) ?? [])
      .reverse()
  ].map(({ begin, end }) => ({ begin, text: text.slice(begin, end) }))

const ESCAPED = /\{\s*(?:\\n\s*)?\\+"/

const unescaped = Option.liftThrowable((text: string): string => {
  const inOneLine = text.trim().replace(/^"|"$/g, "").replaceAll(/\r?\n/g, "\\n").replaceAll("\t", "\\t")
  return String(JSON.parse(`"${inOneLine}"`))
})

/** How a report begins. */
const REPORT = /^\{\s*\\*["'“]?(?:summary|rootCause|suggestions)\b/

/** The names of the tags around what a model thinks, also with a prefix of their own. */
const TAG =
  "(?:[\\w-]+:)?(?:think(?:ing)?|thoughts?|reasoning|reflections?|scratch_?pad|analysis|draft|inner_monologue)"

/** The marks of what a model thinks, by which open models part it from what they say. Each has its own end. */
const THOUGHTS: ReadonlyArray<readonly [begin: RegExp, end: (begin: RegExpExecArray) => RegExp]> = [
  [new RegExp(`<(${TAG})(?:\\s[^<>]{0,100})?>`, "i"), ([, tag = ""]) => new RegExp(`</${tag}\\s*>`, "gi")],
  [/\[(THINK|REASONING|THOUGHTS?)\]/, ([, tag]) => new RegExp(`\\[/${tag}\\]`, "g")],
  [/◁think▷/, () => /◁\/think▷/g],
  [/<\|(START_THINKING|think)\|>/, ([, word]) => (word === "think" ? /<\|\/think\|>/g : /<\|END_THINKING\|>/g)],
  [/<\|channel>thought\b/, () => /<channel\|>/g],
  [/<unused94>(?:thought\b)?/, () => /<unused95>/g],
  [/&lt;(think(?:ing)?)&gt;/, ([, tag]) => new RegExp(`&lt;/${tag}&gt;`, "g")],
  [/<\|begin_of_thought\|>/, () => /<\|end_of_thought\|>/g],
  [/<\|channel\|>(?:analysis|commentary)\b/, () => /<\|channel\|>final(?:<\|[^|<>]{1,40}\|>)?/g]
]

const THOUGHT_END = new RegExp(
  `</${TAG}\\s*>|${/\[\/(?:THINK|REASONING|THOUGHTS?)\]|◁\/think▷|<\|end_of_thought\|>|<\|channel\|>final|<\|END_THINKING\|>|<\|\/think\|>|<channel\|>|<unused95>|&lt;\/think(?:ing)?&gt;/.source}`
)

/** Where the turn of the model ends, in the templates of open models: what it goes on to make up is said by nobody. */
const TURN_END = /<\|(?:im_end|eot_id|end_of_turn|endoftext|end_of_text)\|>|<end_of_turn>|<\/s>/

const MARK = new RegExp(
  [...THOUGHTS.map(([begin]) => begin), THOUGHT_END, TURN_END].map(({ source }) => source).join("|"),
  "gi"
)

/**
 * Where what is thought ends. One that does not end has no answer behind it, unless it stands within a line: then it is only spoken of.
 */
const endOfThought = (text: string, mark: string, at: number): number | undefined => {
  for (const [begin, endOf] of THOUGHTS) {
    const found = begin.exec(mark)
    if (found === null) continue
    const end = endOf(found)
    end.lastIndex = at + mark.length
    if (end.exec(text) !== null) return end.lastIndex
    return /(?:^|\n|>)[ \t]*$/.test(text.slice(Math.max(0, at - 100), at)) ? text.length : at + mark.length
  }
  return undefined
}

/** Whether a mark is only quoted. */
const isQuoted = (text: string, mark: string, at: number): boolean =>
  /[`"']/.test(text.charAt(at - 1)) && /[`"']/.test(text.charAt(at + mark.length))

/** The last one first. */
const outerOf = (text: string): Omit<Answers, "isRepaired"> => {
  let objects: Array<JsonObject> = []
  let cutAt = -1
  walk(text, false, MARK, (met) => {
    if ("unclosed" in met) {
      if (REPORT.test(text.slice(met.unclosed, met.unclosed + 200))) cutAt = met.unclosed
      return undefined
    }
    if ("begin" in met) {
      objects.push(met)
      // A brace in prose may seem to begin an object that ends with the next one.
      return isJson(text.slice(met.begin, met.end)) ? undefined : met.begin + 1
    }
    const [mark] = met
    if (isQuoted(text, mark, met.index)) return undefined
    if (TURN_END.test(mark)) return objects.length > 0 ? text.length : undefined
    const end = endOfThought(text, mark, met.index)
    if (end !== undefined) return end
    // What was thought has begun without a mark, as where a template has printed it into the question.
    objects = []
    cutAt = -1
    return undefined
  })
  const last = objects.slice(-MAX_OBJECTS).reverse()
  return { cutAt, objects: last.flatMap((object) => withInner(text, object)) }
}
