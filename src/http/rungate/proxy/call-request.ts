/**
 * A request to a model as it comes in: its body, read once and within bounds, and what it asks of governance. Headers win over
 * members of the body, which the provider does not get.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import {
  type CallScan,
  type Format,
  type ScanLimits,
  scanCall,
  UnreadableCall,
} from '../../../adapters/llm/call-scan.ts'
import { joined } from '../../../adapters/llm/joined.ts'
import type { JsonValue } from '../../../adapters/llm/json-value.ts'
import type { RunAsked } from '../../../commands/rungate/desk/interface.ts'
import type { Counted } from '../../../runtime/counted.ts'
import { complaint } from '../../complaints.ts'
import { MalformedJson, parseJson } from '../../json.ts'
import { hasAtMost } from '../../schemas.ts'
import { metadata as metadataSchema } from '../schemas.ts'

/** A request that the proxy cannot take; the client is told in its own format. */
export class CallFault extends Error {
  override name = 'CallFault'
  readonly status: 400 | 413 | 415 | 503
  /** The member at fault. */
  readonly param: string | undefined
  constructor(status: CallFault['status'], message: string, param?: string) {
    super(message)
    this.status = status
    this.param = param
  }
}

/** The client went away before its request was there. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

export interface CallRequest {
  scan: CallScan
  run: RunAsked
  /** The policy that the call chooses, by name or id. */
  policyAsked: string | undefined
}

/** Names of the headers, and of the members of a body, with which a call asks something of governance, begin so. */
const GOVERNANCE = 'x-rungate-'

/** Reads the request. Rejects with CallFault and ClientGone. */
export async function readCall(
  incoming: IncomingMessage,
  format: Format,
  limits: ScanLimits & { bodyMaxBytes: number; metadataMaxBytes: number },
  counted: Counted,
): Promise<CallRequest> {
  const { headers } = incoming
  requireJson(headers)
  const bytes = await bodyOf(incoming, limits.bodyMaxBytes, counted)
  try {
    const scan = await scanCall(bytes, format, { ...limits, ownPrefix: GOVERNANCE }, counted)
    return { scan, ...(await counted(() => askedOf(headers, scan.governance, limits.metadataMaxBytes))) }
  } catch (error) {
    throw error instanceof UnreadableCall ? new CallFault(400, error.message, error.param) : error
  }
}

function requireJson({ 'content-type': type = 'application/json', 'content-encoding': encoding }: IncomingHttpHeaders) {
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new CallFault(415, 'A body must be sent without content encoding.')
  }
  if (type.split(';')[0]?.trim().toLowerCase() === 'application/json') return
  throw new CallFault(415, 'A body must be sent as application/json.')
}

/** All of the body; chunks are put together once, without holding up others. */
export function bodyOf(incoming: IncomingMessage, maxBytes: number, counted?: Counted): Promise<Buffer> {
  const tooLarge = () => new CallFault(413, `A body has at most ${maxBytes} bytes.`)
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length <= maxBytes) chunks.push(chunk)
      else fail(tooLarge())
    }
    const onEnd = () => {
      leave()
      resolve(joined(chunks, counted))
    }
    const onClose = () => fail(new ClientGone('the client left before its request was complete'))
    const fail = (error: Error) => {
      leave()
      incoming.pause()
      reject(error)
    }
    const leave = () => {
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
    }
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

type Given = { text: string } | { value: JsonValue } | undefined

function askedOf(headers: IncomingHttpHeaders, members: CallScan['governance'], metadataMaxBytes: number) {
  const given = (name: string): Given => {
    const header = headers[name]
    if (header !== undefined) return { text: decoded(String(header)) }
    const value = members.get(name)
    return value === undefined || value.isNull ? undefined : { value }
  }
  return {
    run: {
      runId: textOf(given('x-rungate-run-id'), 'x-rungate-run-id') ?? null,
      isNew: flagOf(given('x-rungate-new-run'), 'x-rungate-new-run'),
      name: nameOf(given('x-rungate-run-name')),
      metadata: metadataOf(given('x-rungate-run-metadata'), metadataMaxBytes),
      known: null,
    },
    policyAsked: textOf(given('x-rungate-run-policy'), 'x-rungate-run-policy'),
  }
}

/** Node reads headers as Latin-1, and clients write them in UTF-8. */
function decoded(header: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is ASCII alone needs no decoding
  if (/^[\x00-\x7f]*$/.test(header)) return header
  const text = Buffer.from(header, 'latin1').toString('utf8')
  return text.includes('\uFFFD') ? header : text
}

const TEXT_LENGTH_MAX = 255

function textOf(given: Given, name: string): string | undefined {
  if (given === undefined) return undefined
  const text = 'text' in given ? given.text : given.value.text
  if (text === undefined) throw new CallFault(400, `${name} has to be a text.`, name)
  if (!hasAtMost(TEXT_LENGTH_MAX, text))
    throw new CallFault(400, `${name} has at most ${TEXT_LENGTH_MAX} characters.`, name)
  return text.trim() === '' ? undefined : text.trim()
}

function nameOf(given: Given): string | null {
  const name = textOf(given, 'x-rungate-run-name')
  if (name !== undefined && /\p{Cc}/u.test(name)) {
    throw new CallFault(400, 'x-rungate-run-name must have no control characters.', 'x-rungate-run-name')
  }
  return name?.toWellFormed() ?? null
}

function flagOf(given: Given, name: string): boolean {
  if (given === undefined) return false
  const word = 'text' in given ? given.text : (given.value.text ?? given.value.source)
  if (word === 'true' || word === 'false') return word === 'true'
  throw new CallFault(400, `${name} has to be true or false.`, name)
}

const METADATA = 'x-rungate-run-metadata'
const METADATA_LIMITS = { depthMax: 32, tokensMax: 10_000 }

/** An object, or a text that is one as JSON. */
function metadataOf(given: Given, maxBytes: number): Record<string, unknown> | null {
  if (given === undefined) return null
  const source = 'text' in given ? given.text : (given.value.text ?? given.value.source)
  if (Buffer.byteLength(source) > maxBytes) {
    throw new CallFault(400, `${METADATA} has at most ${maxBytes} bytes.`, METADATA)
  }
  try {
    const read = metadataSchema.safeParse(parseJson(Buffer.from(source), METADATA_LIMITS), { error: complaint })
    if (read.success) return read.data
    throw new CallFault(400, `${METADATA} ${read.error.issues[0]?.message ?? 'has to be a JSON object'}.`, METADATA)
  } catch (error) {
    if (!(error instanceof MalformedJson)) throw error
    throw new CallFault(400, `${METADATA} has to be a JSON object: ${error.message}`, METADATA)
  }
}
