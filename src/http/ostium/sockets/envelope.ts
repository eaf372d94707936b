/** What a client sends over the trade socket: an action with headers, and what it is to do. */
import { Problem } from '../../errors.ts'
import { MalformedJson, parseJsonText } from '../../json.ts'
import type { OstiumCode } from '../errors.ts'
import { kinds } from '../exchange/exchanging.ts'

export type SocketAction = keyof typeof kinds | 'health'

export interface Envelope {
  id: string | undefined
  action: SocketAction
  /** By their names in lower case. */
  headers: ReadonlyMap<string, string>
  payload: unknown
}

/** A refusal with the id that it is of, as far as that could be read. */
export class EnvelopeRefused extends Error {
  override name = 'EnvelopeRefused'
  readonly id: string | undefined
  constructor(id: string | undefined, cause: Problem<string> | MalformedJson) {
    super(cause.message, { cause })
    this.id = id
  }
}

const JSON_LIMITS = { depthMax: 64, tokensMax: 20_000 }
const ID_LENGTH_MAX = 128

const invalid = (detail: string) => new Problem('malformed_request', detail)

/** Throws EnvelopeRefused. */
export function readEnvelope(data: string | ArrayBuffer): Envelope {
  let id: string | undefined
  try {
    if (typeof data !== 'string') throw invalid('A message is text, not bytes.')
    const given = parseJsonText(data, JSON_LIMITS)
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw invalid('A message is a JSON object.')
    const message = given as Record<string, unknown>
    id = idOf(message.id)
    const action = actionOf(message.action)
    if (action === 'health') return { id, action, headers: new Map(), payload: undefined }
    if (!('payload' in message)) throw invalid('A message needs its payload.')
    return { id, action, headers: headersOf(message.headers), payload: message.payload }
  } catch (error) {
    if (error instanceof Problem || error instanceof MalformedJson) throw new EnvelopeRefused(id, error)
    throw error
  }
}

function idOf(given: unknown): string | undefined {
  if (given === undefined || (typeof given === 'string' && given.length <= ID_LENGTH_MAX)) return given
  throw invalid(`The id of a message is text of at most ${ID_LENGTH_MAX} characters.`)
}

function actionOf(given: unknown): SocketAction {
  if (given === 'health' || (typeof given === 'string' && Object.hasOwn(kinds, given))) return given as SocketAction
  const detail = `The actions are ${Object.keys(kinds).join(', ')} and health.`
  throw new Problem<OstiumCode>('socket_action_unknown', detail)
}

function headersOf(given: unknown): Map<string, string> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid('A message needs its headers.')
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(given)) {
    const at = name.toLowerCase()
    if (typeof value !== 'string') throw invalid(`The header ${name} is to be text.`)
    if (headers.has(at)) throw invalid(`The header ${name} must be sent once.`)
    headers.set(at, value)
  }
  return headers
}
