/**
 * Who asks the stand-in: its API wants the account's secret key. What tests order takes the key too, or a caller that runs as
 * this process's own user (runtime/own-user.ts).
 */
import { hash, timingSafeEqual } from 'node:crypto'
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
