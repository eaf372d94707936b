/**
 * The one guard of what goes out: public https addresses, every address that a name resolves to, each redirect anew. In development
 * loopback may be reached, or the one origin at which the sandbox's stand-ins listen.
 */
import { createWriteStream } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { isCode } from '../../../adapters/object-store/disk-files.ts'
import { ObjectStoreUnavailable } from '../../../adapters/object-store/object-store.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import { webhookUrl } from '../../../webhooks/address.ts'
import { pinned, type Resolve, refuseIfPrivate, vetted } from '../../../webhooks/request.ts'

export interface Outbound {
  /** Development alone. */
  allowsLoopback: boolean
  /** The origin of the sandbox's stand-ins, where there are any. */
  sandboxOrigin: () => string | undefined
  resolve: Resolve
}

const REDIRECTS_MAX = 3

export const mayLoopback = ({ allowsLoopback, sandboxOrigin }: Outbound, url: string): boolean =>
  allowsLoopback || (URL.canParse(url) && new URL(url).origin === sandboxOrigin())

/** Throws Rejected (url_not_allowed) that names the member. A name that does not resolve now is looked at when it is called. */
export async function vetAddress(outbound: Outbound, text: string, pointer: string): Promise<URL> {
  const rules = { allowLoopback: mayLoopback(outbound, text) }
  try {
    const url = webhookUrl(text, rules, Rejected as never)
    await refuseIfPrivate(url, rules, outbound.resolve, Rejected as never)
    return url
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    throw new Rejected(
      'url_not_allowed',
      'Send an https address of the public internet, without user and fragment.',
      pointer,
    )
  }
}

/** An input could not be had; the message may be shown. */
export class NotFetched extends Error {
  override name = 'NotFetched'
}

export interface Fetch {
  url: string
  to: string
  bytesMax: number
  timeoutMs: number
  signal?: AbortSignal
}

/** Fetches what is at the address into a file. Throws NotFetched; ObjectStoreUnavailable where there is no room for it here. */
export async function fetchFile(outbound: Outbound, { url, to, bytesMax, timeoutMs, signal }: Fetch): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const ended = signal ? AbortSignal.any([deadline, signal]) : deadline
  try {
    let at = url
    for (let hops = 0; ; hops++) {
      const response = await get(outbound, at, ended)
      const next = redirectOf(response, at)
      if (next === undefined) return await keep(response, to, bytesMax, ended)
      response.destroy()
      if (hops >= REDIRECTS_MAX) throw new NotFetched(`The address led on more than ${REDIRECTS_MAX} times.`)
      at = next
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof NotFetched || error instanceof ObjectStoreUnavailable) throw error
    throw new NotFetched('The input could not be fetched.', { cause: error })
  }
}

async function get(outbound: Outbound, text: string, signal: AbortSignal): Promise<IncomingMessage> {
  const allowLoopback = mayLoopback(outbound, text)
  const url = webhookUrl(text, { allowLoopback }, Rejected as never)
  const addresses = await vetted(url, allowLoopback, outbound.resolve)
  const options = { agent: false as const, lookup: pinned(addresses), signal, headers: { accept: '*/*' } }
  return new Promise((resolve, reject) => {
    const sent = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
    sent.on('response', resolve).on('error', reject).end()
  })
}

function redirectOf({ statusCode = 0, headers: { location } }: IncomingMessage, from: string): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  if (!URL.canParse(location, from)) throw new NotFetched('The address leads nowhere.')
  return new URL(location, from).href
}

async function keep(response: IncomingMessage, to: string, bytesMax: number, signal: AbortSignal): Promise<void> {
  const { statusCode = 0, headers } = response
  if (statusCode !== 200) {
    response.destroy()
    throw new NotFetched(`The input’s address answered with ${statusCode}.`)
  }
  const tooLarge = () => new NotFetched(`The input has more than ${bytesMax} bytes.`)
  if (Number(headers['content-length'] ?? 0) > bytesMax) {
    response.destroy()
    throw tooLarge()
  }
  let size = 0
  async function* bounded(source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      size += chunk.length
      if (size > bytesMax) throw tooLarge()
      yield chunk
    }
  }
  const isFull = (error: unknown) => isCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')
  await pipeline(response, bounded, createWriteStream(to), { signal }).catch((error: unknown) => {
    throw isFull(error) ? new ObjectStoreUnavailable('there is no room for what is fetched', { cause: error }) : error
  })
}
