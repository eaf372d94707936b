import { type AddressInfo, connect, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { connectionTarget, toClientScheme } from '../../src/eventstore/connection-string.ts'
import { checkEventStore } from '../../src/eventstore/preflight.ts'
import { type Certificate, makeAuthority, makeServerCertificate } from '../support/certificates.ts'
import { startTestStore } from '../support/event-store.ts'
import { type Permission, startGuardedEventStore } from '../support/guarded-event-store.ts'
import { temporaryDirectory } from '../support/services.ts'

const TIMEOUT_MS = 3_000
const directory = temporaryDirectory()
const store = await startTestStore()
const plainPort = Number(new URL(store.url.replace('esdb:', 'http:')).port)
const authority = makeAuthority(directory.path)
const closing: (() => unknown)[] = []

afterAll(async () => {
  for (const close of closing) await close()
  await store.close()
  directory.remove()
})

/** TLS in front of the node, as a real one has it. */
async function underTls(certificate: Certificate): Promise<number> {
  const options = { key: certificate.key, cert: certificate.certificate, ALPNProtocols: ['h2'] }
  const server = createTlsServer(options, (near) => {
    const far = connect(plainPort, '127.0.0.1')
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) socket.on('error', () => [near, far].map((each) => each.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const check = (url: string) => checkEventStore(url, TIMEOUT_MS)
const unusable = (what: RegExp) => ({ kind: 'unusable', what: expect.stringMatching(what) })

describe('the connection string of an event store', () => {
  it.each(['esdb', 'esdb+discover', 'kurrentdb', 'kurrentdb+discover'])('of the scheme %s is taken', (scheme) => {
    const url = `${scheme}://admin:changeit@one:2114,two/?tls=false`
    expect(toClientScheme(url)).toBe(url.replace('kurrentdb', 'esdb'))
    const hosts = [
      { host: 'one', port: 2_114 },
      { host: 'two', port: 2_113 },
    ]
    expect(connectionTarget(url)).toEqual({
      hosts: scheme.endsWith('discover') ? hosts.slice(0, 1) : hosts,
      tls: false,
    })
  })

  it.each([
    ['localhost:2113', /no scheme; give esdb:\/\//],
    ['http://localhost:2113', /begins with http:\/\/; give esdb:\/\//],
    ['esdb://', /names no host/],
    ['esdb://localhost:port', /names no host where one belongs \("localhost:port"\)/],
    ['esdb://localhost?tls=maybe', /tls takes true or false/],
    ['esdb://localhost?colour=red', /option colour, which is not known/],
    ['esdb://localhost?tlsVerifyCert=false', /tlsVerifyCert=false has no effect/],
    ['esdb://localhost?tlsCAFile=/not/there.crt', /tlsCAFile is \/not\/there.crt, and there is no such file/],
    ['esdb://localhost?tlsCAFile=/etc/passwd', /holds no certificate/],
    ['esdb://localhost?userCertFile=/etc/passwd', /userCertFile and userKeyFile need each other/],
  ])('%s is refused in a sentence', async (url, what) => {
    expect(await check(url)).toEqual(unusable(what))
  })
})

describe('an event store before the start', () => {
  it.each(['esdb', 'kurrentdb', 'esdb+discover', 'kurrentdb+discover'])('serves under %s://', async (scheme) => {
    expect(await check(`${scheme}://127.0.0.1:${plainPort}?tls=false`)).toEqual({ kind: 'serves' })
  })

  it('serves under TLS where the string names the authority, and nothing was written by the look', async () => {
    const port = await underTls(makeServerCertificate(directory.path, authority))
    const url = `esdb://localhost:${port}?tlsCAFile=${authority.certificateFile}`
    expect(await check(url)).toEqual({ kind: 'serves' })
    expect(await store.store.head()).toBeUndefined()
  })

  it('may still come where nothing listens', async () => {
    const found = await check(`esdb://127.0.0.1:${await freePort()}?tls=false`)
    expect(found).toEqual({ kind: 'absent', what: expect.stringContaining('ECONNREFUSED') })
  })

  it('may still come where a server listens and says nothing', async () => {
    const server = createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    for (const options of ['?tls=false', '']) {
      const found = await checkEventStore(`esdb://127.0.0.1:${port}${options}`, 200)
      expect(found).toEqual({ kind: 'absent', what: expect.stringContaining('no answer within 200 ms') })
    }
    server.close()
  })

  it('is refused where the authority is not named', async () => {
    const port = await underTls(makeServerCertificate(directory.path, authority))
    expect(await check(`esdb://localhost:${port}`)).toEqual(
      unusable(/not signed by a trusted authority.*Add tlsCAFile=/),
    )
  })

  it('is refused where its certificate has expired, or is for another host', async () => {
    const ca = `tlsCAFile=${authority.certificateFile}`
    const expired = await underTls(makeServerCertificate(directory.path, authority, { isExpired: true }))
    expect(await check(`esdb://localhost:${expired}?${ca}`)).toEqual(unusable(/has expired/))
    const foreign = await underTls(makeServerCertificate(directory.path, authority, { names: 'DNS:elsewhere' }))
    expect(await check(`esdb://localhost:${foreign}?${ca}`)).toEqual(unusable(/for another host/))
  })

  it('is refused where TLS and tls=false do not go together', async () => {
    const port = await underTls(makeServerCertificate(directory.path, authority))
    expect(await check(`esdb://localhost:${port}?tls=false`)).toEqual(unusable(/under TLS alone.*Take tls=false out/))
    expect(await check(`esdb://localhost:${plainPort}`)).toEqual(unusable(/does not speak TLS. Add tls=false/))
  })
})

describe('the rights of the event store’s user', () => {
  const all: Permission[] = ['read $all', 'read', 'append', 'set metadata']

  it('are enough where all is permitted', async () => {
    const guarded = await startGuardedEventStore({ permitted: all })
    closing.push(guarded.close)
    expect(await check(`esdb://127.0.0.1:${guarded.port}?tls=false`)).toEqual({ kind: 'serves' })
  })

  it.each([
    ['read $all', /does not permit .* to read \$all\..*docs\/eventstore.md/],
    ['read', /to read its own streams/],
    ['append', /to append to its own streams/],
    ['set metadata', /to set metadata of its own streams/],
  ] as const)('are told to lack %s', async (missing, what) => {
    const guarded = await startGuardedEventStore({ permitted: all.filter((right) => right !== missing) })
    closing.push(guarded.close)
    expect(await check(`esdb://127.0.0.1:${guarded.port}?tls=false`)).toEqual(unusable(what))
  })

  it('a wrong password is named as the reason, and not shown', async () => {
    const tls = makeServerCertificate(directory.path, authority)
    const guarded = await startGuardedEventStore({ permitted: all, credentials: 'ops:right', tls })
    closing.push(guarded.close)
    const at = (user: string) => `esdb://${user}localhost:${guarded.port}?tlsCAFile=${authority.certificateFile}`
    expect(await check(at('ops:right@'))).toEqual({ kind: 'serves' })
    const refused = await check(at('ops:wrong-one@'))
    expect(refused).toEqual(unusable(/does not know the user ops, or takes the password for a wrong one/))
    expect(JSON.stringify(refused)).not.toContain('wrong-one')
    expect(await check(at(''))).toEqual(unusable(/anybody without a user name.*Put a user and its password into it/))
  })
})
