/**
 * Where webhooks may go: to https addresses of the public internet and nowhere else, so that no endpoint can be used to
 * reach what is private to this network. The same rules hold when an endpoint is set and, on the addresses that its
 * name resolves to at that moment, whenever a connection is made.
 */
import { BlockList, isIP } from 'node:net'
import type { RejectedBy } from '../commands/rejection.ts'

/** Browsers and proxies take no longer ones; it is shown in lists. */
const URL_LENGTH_MAX = 2_000

const listOf = (type: 'ipv4' | 'ipv6', subnets: string): BlockList => {
  const list = new BlockList()
  for (const subnet of subnets.trim().split(/\s+/)) {
    const [network = '', prefix] = subnet.split('/')
    list.addSubnet(network, Number(prefix), type)
  }
  return list
}

/** IANA special-purpose registries (IPv4, IPv6), multicast and what is reserved: nothing there is a public service. */
const notPublic4 = listOf(
  'ipv4',
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
   192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
   203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`,
)
/** Of IPv6 only 2000::/3 is global unicast; these parts of it are not, or carry an IPv4 address inside (6to4, Teredo). */
const globalUnicast = listOf('ipv6', '2000::/3')
const notPublic6 = listOf('ipv6', '2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20')
const loopback = listOf('ipv4', '127.0.0.0/8')

/** Whether the address, v4 or v6, belongs to the public internet. NAT64, v4-mapped and the like lie outside 2000::/3. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !notPublic4.check(address, 'ipv4')
  return version === 6 && globalUnicast.check(address, 'ipv6') && !notPublic6.check(address, 'ipv6')
}

export function isLoopback(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return loopback.check(address, 'ipv4')
  return version === 6 && address.toLowerCase() === '::1'
}

/**
 * Whether a connection to this address may be made. `allowLoopback` is for development: it opens loopback alone, and
 * plain http goes nowhere else.
 */
export const mayConnect = (address: string, protocol: string, allowLoopback: boolean): boolean =>
  (allowLoopback && isLoopback(address)) || (protocol === 'https:' && isPublicAddress(address))

/** A host as a URL has it, without the brackets of IPv6. */
export const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')

/** Names that stand for this machine, whatever a name server says of them (RFC 6761). */
export const isLocalhost = (host: string): boolean => /^(.*\.)?localhost\.?$/i.test(host)

/**
 * The URL as it will be called. Rejects with webhook_url_refused where it cannot be one of the public internet: another
 * protocol than https, credentials in it, or a host that is an address (in whatever notation) or a name of somewhere
 * private.
 */
export function webhookUrl(
  text: string,
  { allowLoopback }: { allowLoopback: boolean },
  Rejected: RejectedBy<'webhook_url_refused'>,
): URL {
  const refuse = (detail: string) => new Rejected('webhook_url_refused', detail, '/url')
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text)) throw refuse('The webhook URL is not a URL.')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowLoopback && url.protocol === 'http:')) {
    throw refuse('A webhook URL begins with https://.')
  }
  if (url.username !== '' || url.password !== '') throw refuse('A webhook URL holds no user name and no password.')
  if (url.hash !== '') throw refuse('A webhook URL has no fragment.')
  const host = bareHost(url)
  const refused = isIP(host) !== 0 ? !mayConnect(host, url.protocol, allowLoopback) : !nameMayBe(url, allowLoopback)
  if (refused) throw refuse(`Webhooks do not go to ${host}: it is not an address of the public internet.`)
  return url
}

function nameMayBe(url: URL, allowLoopback: boolean): boolean {
  const host = bareHost(url)
  if (isLocalhost(host)) return allowLoopback
  return url.protocol === 'https:' && host.includes('.')
}
