/** Faults on order: which calls they befall, and what goes wrong with them. */
import { z } from 'zod'

const milliseconds = z.int().min(0).max(600_000)
const frames = z.int().min(0).max(100_000)

/** How many frames are sent before something goes wrong; 0: none. */
const afterFrames = z.strictObject({ afterFrames: frames.default(0) })

const faultSchema = z.strictObject({
  /** An error of this status instead of an answer. */
  status: z.int().min(400).max(599).optional(),
  /** Seconds or a date, as the header `retry-after`. */
  retryAfter: z.string().max(100).optional(),
  /** The error's message. */
  message: z.string().max(10_000).optional(),
  /** Before the first byte. */
  delayMs: milliseconds.optional(),
  /** Before each frame. */
  frameDelayMs: milliseconds.optional(),
  /** No answer at all, as long as the client waits. */
  hang: z.boolean().optional(),
  /** Silence after so many frames, or after the headers and half of a whole answer. */
  stall: afterFrames.optional(),
  /** The connection is reset; without frames before it, before the headers. */
  reset: afterFrames.optional(),
  /** The answer ends as if it were complete, but without what ends it. */
  cut: afterFrames.optional(),
  /** The provider's own error event in a stream. */
  errorEvent: afterFrames.optional(),
  /** A frame, or the whole answer, that is no JSON. */
  brokenJson: afterFrames.optional(),
  /** A stream, or a whole answer, with nothing in it. */
  empty: z.boolean().optional(),
  /** Pieces of so many bytes, wherever that cuts. */
  pieceBytes: z.int().min(1).max(65_536).optional(),
  /** Wait between those pieces: a trickle. */
  pieceDelayMs: milliseconds.optional(),
  /** `missing`, or members that stand in its place. */
  usage: z.union([z.literal('missing'), z.record(z.string(), z.unknown())]).optional(),
})

const answerSchema = z.strictObject({
  text: z.string().max(1_000_000).optional(),
  /** An answer of so many words. */
  words: z.int().min(0).max(100_000).optional(),
  /** `arguments` is sent as it is, whatever it is. */
  toolCalls: z
    .array(z.strictObject({ name: z.string(), arguments: z.string() }))
    .max(100)
    .optional(),
  /** The pieces of several tool calls come in turn. */
  interleaved: z.boolean().optional(),
  finishReason: z.string().max(100).optional(),
})

const ruleSchema = z.strictObject({
  match: z
    .strictObject({
      model: z.string().optional(),
      key: z.string().optional(),
      /** `/v1/messages` */
      path: z.string().optional(),
      /** The n-th call that the rest of the match fits, from 1. */
      nth: z.int().positive().optional(),
    })
    .default({}),
  /** How often it applies; default: as long as it stands. */
  times: z.int().positive().optional(),
  fault: faultSchema.default({}),
  answer: answerSchema.default({}),
})

export const orderSchema = z.strictObject({
  /** Forget earlier rules, the log and what is cached, before the rules of this order. */
  reset: z.boolean().default(false),
  rules: z.array(ruleSchema).max(100).default([]),
})

export type Fault = z.output<typeof faultSchema>
export type AnswerOrder = z.output<typeof answerSchema>
export type Rule = z.output<typeof ruleSchema>
/** As `POST /control` takes it. */
export type Order = z.input<typeof orderSchema>

export interface Call {
  model: string
  key: string
  path: string
}

const RULES_MAX = 1_000

export interface Control {
  order(order: z.output<typeof orderSchema>): void
  /** The first rule that befalls the call. */
  take(call: Call): { fault: Fault; answer: AnswerOrder }
}

export function createControl(): Control {
  let rules: { rule: Rule; seen: number; left: number }[] = []
  return {
    order({ reset, rules: added }) {
      const before = reset ? [] : rules
      rules = [...before, ...added.map((rule) => ({ rule, seen: 0, left: rule.times ?? Number.POSITIVE_INFINITY }))]
      rules = rules.slice(-RULES_MAX)
    },
    take(call) {
      for (const known of rules) {
        const { match } = known.rule
        const fits = (['model', 'key', 'path'] as const).every(
          (part) => match[part] === undefined || match[part] === call[part],
        )
        if (!fits || known.left <= 0) continue
        known.seen += 1
        if (match.nth !== undefined && match.nth !== known.seen) continue
        known.left -= 1
        return known.rule
      }
      return { fault: {}, answer: {} }
    },
  }
}
