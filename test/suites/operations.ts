/** What holds for every operation of a context: access before anything else, and requests that cannot be, without effect. */
import { randomUUID } from 'node:crypto'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { afterAll, describe, expect, it } from 'vitest'
import { documentOf } from '../../src/http/document.ts'
import type { KernelCode } from '../../src/http/errors.ts'
import type { Operation } from '../../src/http/operation.ts'
import { BODY_MAX_BYTES } from '../../src/http/serve-operation.ts'
import { bodySpecOf } from '../../src/http/validation.ts'
import { examplesIn } from './described.ts'
import { runDocumentSuite } from './documents.ts'
import { type Ground, type HeaderFields, namedIn, statusOf } from './ground.ts'
import { runHostileSuite } from './hostile.ts'

const LEVELS = 100_000

interface Sent {
  headers?: OutgoingHttpHeaders
  raw?: string
  query?: string
  /** In the place of the path's parameters; default: a UUID that nothing has. */
  segment?: string
}

/** All suites that a context's operations are held to. Closes the ground at the end. */
export function runOperationSuites(ground: Ground): void {
  afterAll(() => ground.close())
  describe(`the document of ${ground.api.name}`, () => runDocumentSuite(ground))
  describe(`every operation of ${ground.api.name}`, () => runOperationSuite(ground))
  describe(`hostile requests to ${ground.api.name}`, () => runHostileSuite(ground))
}

/** Sent by node's own client, which takes a header as often as it is listed, and an address as it is. */
function exchange(url: URL, method: string, headers: OutgoingHttpHeaders, raw: string | undefined) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; type: string; text: string }>()
  const { hostname, port, pathname, search } = url
  const sending = request({ hostname, port, path: pathname + search, method, headers, agent: false }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    const type = response.headers['content-type'] ?? ''
    response.on('end', () => resolve({ status: response.statusCode ?? 0, type, text }))
  })
  sending.on('error', reject)
  sending.end(raw)
  return promise
}

function runOperationSuite({ api, url, credentials, elsewhere, store, named }: Ground): void {
  const { mediaType = 'application/json' } = api.errors
  const status = (code: KernelCode) => statusOf(api, code)
  const cases = api.operations as readonly Operation[]
  const signed = cases.filter(({ access }) => access.alternatives.length > 0 && !access.isOptional)
  const writing = cases.filter(({ method }) => method !== 'get')
  const reading = cases.filter(({ method }) => method === 'get')
  /** Of those that only refuse, nothing that is sent is looked at. */
  const answers = (operation: Operation): boolean => Object.keys(operation.answers).length > 0
  const takingJson = writing.filter(({ body }) => bodySpecOf(body)?.kind === 'json')
  const invalid = [status('malformed_json'), status('validation_failed'), status('parameter_invalid')]

  const document = documentOf(api)
  const exampleOf = ({ id }: Operation): object => (examplesIn(document, id).request as object | undefined) ?? {}
  const typeOf = ({ body }: Operation): string => {
    const spec = bodySpecOf(body)
    return spec?.kind === 'json' ? spec.mediaType : (spec?.mediaTypes?.[0] ?? 'application/json')
  }
  const maxOf = ({ bodyMaxBytes = api.bodyMaxBytes ?? BODY_MAX_BYTES }: Operation): number =>
    Math.min(bodyMaxBytes, 1_000_000)
  const wayInto = ({ access: { alternatives } }: Operation): HeaderFields =>
    alternatives.length === 0 ? {} : (credentials[alternatives[0]?.scheme ?? '']?.good ?? {})

  /** Fails on a 5xx, and on a refusal that does not have the context's form; answers the status. */
  async function send(operation: Operation, { headers = {}, raw, query = '', segment = randomUUID() }: Sent) {
    const path = operation.path.replaceAll(/\{[^}]+\}/g, segment)
    const length =
      raw === undefined ? {} : { 'content-type': typeOf(operation), 'content-length': Buffer.byteLength(raw) }
    const target = new URL(`${url}/${api.name}${path}${query}`)
    const answer = await exchange(
      target,
      operation.method.toUpperCase(),
      { ...length, ...namedIn({ named }, operation.id), ...headers },
      raw,
    )
    if (answer.status >= 400) expect(answer.type).toContain(mediaType)
    return answer.status
  }
  const admitted = (operation: Operation, sent: Sent) =>
    send(operation, { ...sent, headers: { ...wayInto(operation), ...sent.headers } })

  /** Fails where one of the requests leaves an event. */
  async function writesNothing(work: () => Promise<void>): Promise<void> {
    const before = await store.head()
    await work()
    expect((await store.head())?.position).toBe(before?.position)
  }

  it('has a way in to each in this suite', () => {
    const schemes = cases.flatMap(({ access }) => access.alternatives.map(({ scheme }) => scheme))
    expect(Object.keys(credentials)).toEqual(expect.arrayContaining([...new Set(schemes)]))
  })

  it.each(signed)('$id is closed to nobody in particular', async (operation) => {
    const nobody = operation.method === 'get' ? {} : { raw: '{' }
    expect(await send(operation, nobody)).toBe(status('credential_missing'))
  })

  it.each(signed)('$id is closed to keys of every other scheme and context', async (operation) => {
    const ways = new Set(operation.access.alternatives.map(({ scheme }) => scheme))
    const others = Object.entries(credentials).filter(([scheme]) => !ways.has(scheme))
    const refused = [status('credential_missing'), status('credential_invalid'), status('credential_elsewhere')]
    for (const headers of [...elsewhere, ...others.map(([, { good }]) => good)]) {
      expect(refused).toContain(await send(operation, { headers }))
    }
  })

  it.each(signed)('$id is closed to keys that are no keys, and to good ones without its scope', async (operation) => {
    for (const { scheme, scopes } of operation.access.alternatives) {
      const { wrong = {}, scopeless } = credentials[scheme] ?? {}
      expect(await send(operation, { headers: wrong })).toBe(status('credential_invalid'))
      if (scopeless && scopes.length > 0) {
        expect(await send(operation, { headers: scopeless })).toBe(status('scope_missing'))
      }
    }
  })

  it.each(writing.filter(answers))('$id refuses a body that is too large', async (operation) => {
    const { bodyMaxBytes = 0 } = operation
    const raw = `"${'x'.repeat(Math.max(1_100_000, bodyMaxBytes + 1))}"`
    await writesNothing(async () => expect(await admitted(operation, { raw })).toBe(status('body_too_large')))
  })

  it.each(takingJson)('$id refuses bodies that cannot be', async (operation) => {
    const size = maxOf(operation)
    const levels = Math.min(LEVELS, Math.floor(size / 2) - 1)
    const list = `[${'0,'.repeat(Math.floor(size / 2) - 2)}0]`
    const [member = 'a'] = Object.keys(exampleOf(operation))
    await writesNothing(async () => {
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      expect(await admitted(operation, { raw: '{}', headers: form })).toBe(status('content_type_unsupported'))
      const unread = ['{', '{"__proto__":{"a":1}}', `${'['.repeat(levels)}${']'.repeat(levels)}`, '{"a":1,"a":2}']
      for (const raw of unread) expect(await admitted(operation, { raw })).toBe(status('malformed_json'))
      const unfit = [list, `{${JSON.stringify(member)}:${list.slice(0, size - 100).replace(/,?$/, '0]')}}`, '7', '"x"']
      for (const raw of unfit) expect(invalid, raw.slice(0, 60)).toContain(await admitted(operation, { raw }))
    })
  })

  it.each(cases)('$id refuses addresses that are no UTF-8', async (operation) => {
    const malformed = status('malformed_request')
    expect(await admitted(operation, { query: '?a=%ff' })).toBe(malformed)
    expect(await admitted(operation, { query: '?a=%00' })).toBe(malformed)
    if (!operation.path.includes('{')) return
    for (const segment of ['%ff', '%00', '%ed%a0%80']) expect(await admitted(operation, { segment })).toBe(malformed)
  })

  it.each(reading.filter(answers))('$id refuses a position that is sent twice', async (operation) => {
    const headers = { 'x-opslog-position': ['1', '2'] }
    expect(await admitted(operation, { headers })).toBe(status('parameter_invalid'))
  })

  const unkeyed = writing.filter(({ commanded: { key } }) => key?.from !== 'header')
  it.for(unkeyed)('$id says that an Idempotency-Key header has no effect', async ({ id, method, path }) => {
    const target = `${url}/${api.name}${path.replaceAll(/\{[^}]+\}/g, randomUUID())}`
    const headers = { ...namedIn({ named }, id), 'idempotency-key': 'mine' }
    const answer = await fetch(target, { method: method.toUpperCase(), headers })
    expect(answer.headers.get('x-opslog-ignored-header')).toBe('Idempotency-Key')
  })

  const keyed = cases.filter(({ commanded }) => commanded.key?.from === 'header')
  it.for(keyed)('$id refuses a key that is sent twice', async (operation) => {
    const { key } = operation.commanded
    const headers = { [key?.from === 'header' ? key.name : '']: ['one', 'two'] }
    const raw = JSON.stringify(exampleOf(operation))
    await writesNothing(async () => expect(invalid).toContain(await admitted(operation, { headers, raw })))
  })
}
