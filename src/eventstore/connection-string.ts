/**
 * Connection strings of EventStoreDB and KurrentDB. db-client 6.2.1 knows the older schemes only. Both servers speak the same
 * protocol, so this rewrites the newer schemes.
 */

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Each scheme that is accepted, and what db-client calls it. */
const SCHEMES: Readonly<Record<string, string>> = {
  esdb: 'esdb',
  'esdb+discover': 'esdb+discover',
  kurrentdb: 'esdb',
  'kurrentdb+discover': 'esdb+discover',
}
const DEFAULT_PORT = 2113

/** Options that db-client 6.2.1 understands, in small letters. */
const OPTIONS = [
  'connectionname',
  'defaultdeadline',
  'discoveryinterval',
  'gossiptimeout',
  'keepaliveinterval',
  'keepalivetimeout',
  'maxdiscoverattempts',
  'nodepreference',
  'throwonappendfailure',
  'tls',
  'tlscafile',
  'tlsverifycert',
  'usercertfile',
  'userkeyfile',
]

export interface ConnectionTarget {
  /** In the order of the string; only the first where discovery finds the others. */
  hosts: readonly { host: string; port: number }[]
  tls: boolean
  /** PEM; undefined: trust the machine's own authorities. */
  ca?: Buffer
  /** The client's own certificate and key, PEM. */
  cert?: Buffer
  key?: Buffer
}

/** A connection string that cannot work. The message is one sentence, without the string's password. */
export class UnusableConnectionString extends Error {
  override name = 'UnusableConnectionString'
}

/** The same address in the scheme that db-client knows; a string with an unknown scheme stays as it is. */
export function toClientScheme(url: string): string {
  const [, scheme = '', rest = ''] = /^\s*([^:]*):\/\/(.*)$/s.exec(url) ?? []
  const known = SCHEMES[scheme.toLowerCase()]
  return known === undefined ? url : `${known}://${rest.trim()}`
}

/** Where the string leads, its files read. Throws UnusableConnectionString. */
export function connectionTarget(url: string): ConnectionTarget {
  const parts = /^([^:]*):\/\/(?:[^@/?]*@)?([^/?]*)\/?(?:\?(.*))?$/s.exec(url.trim())
  const scheme = parts?.[1]?.toLowerCase() ?? ''
  if (!parts || !(scheme in SCHEMES)) {
    const found = parts ? `begins with ${scheme}://` : 'has no scheme'
    throw new UnusableConnectionString(`it ${found}; give ${Object.keys(SCHEMES).join('://, ')}://`)
  }
  const options = optionsOf(parts[3] ?? '')
  const all = (parts[2] ?? '').split(',').map(hostOf)
  const hosts = SCHEMES[scheme]?.endsWith('discover') ? all.slice(0, 1) : all
  const tls = options.get('tls') !== 'false'
  if (!tls) return { hosts, tls }
  const ca = fileOf(options, 'tlsCAFile')
  const cert = fileOf(options, 'userCertFile')
  const key = fileOf(options, 'userKeyFile')
  if (Boolean(cert) !== Boolean(key)) {
    throw new UnusableConnectionString('userCertFile and userKeyFile need each other')
  }
  if (ca) refuseUnlessCertificate(ca, options.get('tlscafile') ?? '')
  return { hosts, tls, ...(ca && { ca }), ...(cert && key && { cert, key }) }
}

/** `user:password` of a string that leads to a node of loopback without TLS; elsewhere it would be sent in the open. */
export function plainCredentialOf(url: string): string | undefined {
  const [, credential, host = '', query = ''] =
    /^[^:]*:\/\/(?:([^@/?]*)@)?([^/?]*)\/?(?:\?(.*))?$/s.exec(url.trim()) ?? []
  const isPlain = /(^|&)tls=false(&|$)/i.test(query) && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/i.test(host)
  return credential !== undefined && isPlain ? decodeURIComponent(credential) : undefined
}

function hostOf(text: string): { host: string; port: number } {
  const [, host = '', port] = /^([^:[\]\s]+|\[[^\]]+\])(?::(\d{1,5}))?$/.exec(text.trim()) ?? []
  if (host === '') throw new UnusableConnectionString(`it names no host where one belongs ("${text}")`)
  return { host, port: port === undefined ? DEFAULT_PORT : Number(port) }
}

function optionsOf(query: string): Map<string, string> {
  const options = new Map<string, string>()
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const key = name.trim().toLowerCase().replace(/[_-]/g, '')
    if (!OPTIONS.includes(key)) throw new UnusableConnectionString(`it has an option ${name}, which is not known`)
    if (value === '') throw new UnusableConnectionString(`its option ${name} has no value`)
    if (/^tls(verifycert)?$/.test(key) && !/^(true|false)$/.test(value)) {
      throw new UnusableConnectionString(`its option ${name} takes true or false`)
    }
    if (key === 'tlsverifycert' && value === 'false') {
      throw new UnusableConnectionString(
        'its option tlsVerifyCert=false has no effect here; name the certificate authority with tlsCAFile',
      )
    }
    options.set(key, decodeURIComponent(value.trim()))
  }
  return options
}

function fileOf(options: Map<string, string>, name: string): Buffer | undefined {
  const file = options.get(name.toLowerCase())
  if (file === undefined) return undefined
  try {
    return readFileSync(resolve(file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw new UnusableConnectionString(`its ${name} is ${resolve(file)}, and ${why}`)
  }
}

function refuseUnlessCertificate(pem: Buffer, file: string): void {
  try {
    new X509Certificate(pem)
  } catch (error) {
    throw new UnusableConnectionString(
      `its tlsCAFile ${file} holds no certificate in PEM form: ${(error as Error).message}`,
    )
  }
}
