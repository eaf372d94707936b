/**
 * Who asks the stand-in. Its API wants the account's secret key. What tests order takes the key too, or a caller that runs as
 * this process's own user: on Linux the kernel tells to whom a connection over loopback belongs.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'

export interface StandInKeys {
  live: { secretKey: string; webhookSecret: string }
  test: { secretKey: string; webhookSecret: string }
}

const digest = (text: string): Buffer => Buffer.from(hash('sha256', text), 'hex')

/** The account whose key the request has: live (true) or test (false); undefined: none. */
export function accountOf({ headers }: IncomingMessage, keys: StandInKeys): boolean | undefined {
  const [scheme = '', token = ''] = (headers.authorization ?? '').split(' ')
  const given = scheme.toLowerCase() === 'basic' ? Buffer.from(token, 'base64').toString().split(':')[0] : token
  const is = (key: string) => timingSafeEqual(digest(given ?? ''), digest(key))
  return is(keys.live.secretKey) ? true : is(keys.test.secretKey) ? false : undefined
}

/** `127.0.0.1`, port 8080 → `0100007F:1F90`, as /proc/net/tcp has it. */
function procAddress(address: string, port: number): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return `${bytes.toReversed().join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}

const CODE_MISSING = 'ENOENT'

/** Whether the other end of the connection is a process of this user, or of root. False where nobody can tell. */
export function isOwnUser({ socket }: IncomingMessage): boolean {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
  const ends = [procAddress(remoteAddress, remotePort), procAddress(localAddress, localPort)]
  const line = connections().find((each) => each[1] === ends[0] && each[2] === ends[1])
  const uid = Number(line?.[7] ?? Number.NaN)
  return uid === 0 || uid === process.getuid?.()
}

function connections(): string[][] {
  try {
    return readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === CODE_MISSING) return []
    throw error
  }
}
