/**
 * Who may use a node. Its log is the truth about keys and money, and every user of the machine reaches a port of loopback. A
 * guarded node takes connections of its own user's processes, as far as the kernel tells; all others name the credential,
 * which lies in the node's directory for its owner alone.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'

const FILE = 'credential'
const USER = 'opslog'
const SECRET_BYTES = 32
const WHOLE = new RegExp(`^${USER}:[0-9a-f]{${2 * SECRET_BYTES}}\n$`)

/**
 * `opslog:…`, as a connection string has it before the `@`. Made at the first call, and anew where a power cut has left less:
 * an empty one would let everybody in.
 */
export function credentialOf(directory: string): string {
  const file = join(directory, FILE)
  if (!existsSync(file) || !WHOLE.test(readFileSync(file, 'utf8'))) {
    writeFileSync(`${file}.new`, `${USER}:${randomBytes(SECRET_BYTES).toString('hex')}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return readFileSync(file, 'utf8').trim()
}

/** The header `authorization` for a credential (RFC 7617). */
export const basicAuthorization = (credential: string): string =>
  `Basic ${Buffer.from(credential, 'utf8').toString('base64')}`

const digest = (text: string): Buffer => Buffer.from(hash('sha256', text), 'hex')

/** Whether the header is that of the credential, in constant time. */
export function createCheck(credential: string): (authorization: string | undefined) => boolean {
  const expected = digest(basicAuthorization(credential))
  return (authorization) => authorization !== undefined && timingSafeEqual(digest(authorization), expected)
}

export type Check = ReturnType<typeof createCheck>

/** What a client asks before all else, without its credential: which calls there are. */
const OPEN = '/event_store.client.server_features.ServerFeatures/'

/** Refuses calls without the credential before the service sees anything of them. */
export const demandsCredential =
  (isGood: Check): ServerInterceptor =>
  ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, proceed) {
            if (path.startsWith(OPEN) || isGood(metadata.get('authorization')[0]?.toString())) return proceed(metadata)
            call.sendStatus({ code: status.UNAUTHENTICATED, details: 'Not Authenticated' })
          },
        }),
    })
