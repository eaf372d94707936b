/**
 * Finds out what listens at an address, and says it in a sentence. For a wrong certificate, for TLS where there is none and
 * for an address without a listener, gRPC has the same error, after many attempts.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { absent, type Finding, innermostMessage, serves, unusable } from '../runtime/finding.ts'
import type { ConnectionTarget } from './connection-string.ts'

/** HTTP/2's client preface and an empty SETTINGS frame (RFC 9113, sections 3.4 and 6.5). */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
])
const SETTINGS_FRAME = 4
const FRAME_TYPE_AT = 3
/** First byte of a TLS alert (RFC 8446, section 5.1): the other side waits for TLS. */
const TLS_ALERT = 0x15

type Security = Pick<ConnectionTarget, 'tls' | 'ca' | 'cert' | 'key'>

/** Whether an HTTP/2 server answers there as the connection string says. Never rejects. */
export async function probeEndpoint(
  host: string,
  port: number,
  security: Security,
  timeoutMs: number,
): Promise<Finding> {
  const place = `${host}:${port}`
  const address = { host: host.replace(/^\[|\]$/g, ''), port }
  try {
    if (security.tls) return await probeTls(address, place, security, timeoutMs)
    const first = await firstAnswer(address, timeoutMs)
    if (first?.[FRAME_TYPE_AT] === SETTINGS_FRAME) return serves
    if (first?.[0] === TLS_ALERT || (first === undefined && (await speaksTls(address, timeoutMs)))) {
      return unusable(`${place} answers under TLS alone, and the string says tls=false. Take tls=false out of it.`)
    }
    if (first) return unusable(`What answers at ${place} is no event store. Correct host and port.`)
    return absent(`${place} closed the connection without an answer`)
  } catch (error) {
    return findingOf(error, place, security)
  }
}

async function probeTls(address: Address, place: string, security: Security, timeoutMs: number): Promise<Finding> {
  try {
    await handshake(address, security, timeoutMs)
    return serves
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    // Servers without TLS react to a handshake in many ways, but all of them answer without one.
    const isMute = code === 'ECONNRESET' || error instanceof Closed || /^ERR_SSL|^EPROTO/.test(code)
    if (!isMute || (await firstAnswer(address, timeoutMs))?.[FRAME_TYPE_AT] !== SETTINGS_FRAME) throw error
    return unusable(`${place} does not speak TLS. Add tls=false to the string, or switch TLS on at the server.`)
  }
}

type Address = { host: string; port: number }

function handshake(address: Address, { ca, cert, key }: Partial<Security>, timeoutMs: number, verify = true) {
  const servername = isIP(address.host) === 0 ? { servername: address.host } : {}
  const options = { ...address, ...servername, ca, cert, key, ALPNProtocols: ['h2'], rejectUnauthorized: verify }
  return settled(connectTls(options), 'secureConnect', timeoutMs)
}

const speaksTls = (address: Address, timeoutMs: number): Promise<boolean> =>
  handshake(address, {}, timeoutMs, false).then(
    () => true,
    () => false,
  )

/** The first bytes of the answer to HTTP/2's preface; undefined where the other side closes without any. */
async function firstAnswer(address: Address, timeoutMs: number): Promise<Buffer | undefined> {
  const socket = connectTcp(address)
  socket.write(PREFACE)
  return settled(socket, 'data', timeoutMs)
}

class Silence extends Error {}
class Closed extends Error {}

/** The event's argument, or undefined where the connection ends first. Closes the socket in any case. */
async function settled(
  socket: Socket,
  event: 'data' | 'secureConnect',
  timeoutMs: number,
): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  socket.once(event, resolve)
  socket.once('error', reject)
  socket.once('close', () => (event === 'data' ? resolve(undefined) : reject(new Closed('it closed the connection'))))
  socket.setTimeout(timeoutMs, () => reject(new Silence(`no answer within ${timeoutMs} ms`)))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

/** OpenSSL's codes for a certificate without a trusted authority. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?))$/

function findingOf(error: unknown, place: string, { ca }: Security): Finding {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const message = innermostMessage(error)
  if (UNTRUSTED.test(code)) {
    const remedy = ca
      ? 'Name the authority that signed it with tlsCAFile in the string.'
      : 'Add tlsCAFile=<file> to the string, with the certificate of the authority that signed it.'
    return unusable(`The certificate of ${place} is not signed by a trusted authority (${message}). ${remedy}`)
  }
  if (code === 'CERT_HAS_EXPIRED') return unusable(`The certificate of ${place} has expired. Renew it on the server.`)
  if (code === 'CERT_NOT_YET_VALID') {
    return unusable(`The certificate of ${place} is not valid yet. Look at this machine's clock, or renew it.`)
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return unusable(`The certificate of ${place} is for another host. Use a name that stands in it. (${message})`)
  }
  if (/^ERR_(SSL|OSSL|TLS)/.test(code)) return unusable(`TLS with ${place} fails: ${message}`)
  return absent(`${place} cannot be reached (${message})`)
}
