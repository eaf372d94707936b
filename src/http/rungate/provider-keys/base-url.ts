/**
 * Where calls with a provider key may lead: https addresses of the public internet, those that the installation lists, and
 * loopback where it says so. What is private otherwise, link-local addresses among it, stays closed.
 */
import { BlockList, isIP } from 'node:net'
import type { VetHost } from '../../../adapters/llm/provider-client.ts'
import { bareHost, isLocalhost, isLoopback, mayConnect } from '../../../webhooks/address.ts'
import { Problem } from '../../errors.ts'
import type { RungateParts } from '../access.ts'
import type { RungateCode } from '../errors.ts'

export const URL_LENGTH_MAX = 2_000
/** Providers whose addresses are known; any other key says where it leads. */
const KNOWN = ['openai', 'anthropic']

const refused = (detail: string) =>
  new Problem<RungateCode>('base_url_refused', detail, {
    errors: [{ pointer: '/base_url', code: 'refused', detail }],
  })

/** Whether a host of the installation's list is meant: a name as it is, an address within a network. */
function isListed(host: string, hosts: readonly string[]): boolean {
  const version = isIP(host)
  return hosts.some((each) => {
    const [network = '', bits] = each.split('/')
    if (bits === undefined || version === 0) return each.toLowerCase() === host.toLowerCase()
    if (isIP(network) !== version) return false
    const list = new BlockList()
    list.addSubnet(network, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
    return list.check(host, version === 4 ? 'ipv4' : 'ipv6')
  })
}

/**
 * The addresses that a call to the host may go to, asked for whenever a connection is made. Rejects where there is none, or one
 * that is private.
 */
export const createVetHost =
  ({ allowLoopback, hosts, resolve }: RungateParts['providerAddresses']): VetHost =>
  async (host, protocol) => {
    const found = isIP(host) === 0 ? await resolve(host) : [host]
    if (found.length === 0) throw new Error(`${host} has no address`)
    const isOwn = isListed(host, hosts)
    const mayGo = (address: string) => isOwn || isListed(address, hosts) || mayConnect(address, protocol, allowLoopback)
    // Which address it was stays here: it may come from a name server that the account cannot ask.
    if (!found.every(mayGo)) throw new Error(`${host} leads to an address that is not of the public internet`)
    return found
  }

/** Throws base_url_refused where no call may go to the URL, and where a provider of no known address has none. */
export async function acceptBaseUrl(
  { providerAddresses: { allowLoopback, hosts, resolve } }: Pick<RungateParts, 'providerAddresses'>,
  provider: string,
  text: string | null,
): Promise<void> {
  if (text === null) {
    if (KNOWN.includes(provider)) return
    throw refused(`is needed: no address of ${provider} is known`)
  }
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text)) throw refused('must be a URL')
  const url = new URL(text)
  const host = bareHost(url)
  const isOwn = isListed(host, hosts)
  const isHere = allowLoopback && (isLocalhost(host) || isLoopback(host))
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (isOwn || isHere)))
    throw refused('must begin with https://')
  if (url.username !== '' || url.password !== '') throw refused('must hold no user name and no password')
  if (url.hash !== '' || url.search !== '') throw refused('must have no query and no fragment')
  if (isOwn || isHere) return
  // A name that does not resolve yet may be set: where it leads is looked at whenever a connection is made.
  const found = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host]
  const isName = isIP(host) !== 0 || (host.includes('.') && !isLocalhost(host))
  if (isName && found.every((address) => mayConnect(address, url.protocol, allowLoopback))) return
  throw refused(`${host} is no address of the public internet`)
}
