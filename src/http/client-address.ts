/** The address that a request comes from, as a key for limits: an IPv6 client counts as its /64 network. */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'

/** With `trustProxy` the last entry of x-forwarded-for: the only one that our own proxy wrote. */
export function clientAddress(c: Context<AppEnv>, trustProxy: boolean): string {
  const forwarded = trustProxy ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return networkOf(forwarded || (c.env?.incoming?.socket.remoteAddress ?? 'unknown'))
}

/** The same, of a request as Node has it. */
export function addressOf({ headers, socket }: IncomingMessage, trustProxy: boolean): string {
  const given = trustProxy ? headers['x-forwarded-for'] : undefined
  const forwarded = (Array.isArray(given) ? given.join() : given)?.split(',').at(-1)?.trim()
  return networkOf(forwarded || (socket.remoteAddress ?? 'unknown'))
}

/** An IPv4 address as it is, written as IPv6 or not; an IPv6 address as its /64 network. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1]) return mapped[1]
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
