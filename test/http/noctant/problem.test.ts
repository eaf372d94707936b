import { HTTPException } from 'hono/http-exception'
import { describe, expect, it } from 'vitest'
import { Rejected, rejectionCodes } from '../../../src/commands/noctant/rejection.ts'
import { StoreUnavailable } from '../../../src/events/store.ts'
import { refuse } from '../../../src/http/context.ts'
import { codesOf, documentOf } from '../../../src/http/document.ts'
import { type ErrorEntry, invalid, Problem } from '../../../src/http/errors.ts'
import { MalformedJson } from '../../../src/http/json.ts'
import { errors } from '../../../src/http/noctant/errors.ts'
import { apis } from '../../support/contexts.ts'
import { exchangeOf, quietRuntime } from '../exchange.ts'

const problems = errors.codes

async function answerTo(error: unknown) {
  const response = refuse(exchangeOf('the-request'), error, errors, quietRuntime())
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

describe('a problem document', () => {
  it('has the members of RFC 9457, the code, the request id and the fields', async () => {
    const { status, headers, body } = await answerTo(invalid('query/limit', 'too_big', 'is too big'))
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/json')
    expect(body).toStrictEqual({
      type: 'urn:opslog:problem:validation_failed',
      title: 'The request does not fit its schema',
      status: 400,
      detail: 'is too big',
      code: 'validation_failed',
      request_id: 'the-request',
      errors: [{ pointer: 'query/limit', code: 'too_big', detail: 'is too big' }],
    })
  })

  it.each(rejectionCodes)('maps the domain’s refusal %s to a client error', async (code) => {
    const { status, body } = await answerTo(new Rejected(code, 'Because.', '/field'))
    expect(status).toBe(problems[code].status)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(body).toMatchObject({ code, detail: 'Because.', errors: [{ pointer: '/field', code }] })
  })

  it.each([
    ['the event store', new StoreUnavailable('connection refused by 10.0.0.5')],
    ['Postgres', Object.assign(new Error('connect ECONNREFUSED 10.0.0.6'), { code: 'ECONNREFUSED' })],
    ['Postgres shutting down', Object.assign(new Error('terminating connection'), { code: '57P01' })],
  ])('says 503 with Retry-After where %s does not answer, and no address', async (_, error) => {
    const { status, headers, body } = await answerTo(error)
    expect([status, body.code, headers.get('retry-after')]).toStrictEqual([503, 'dependency_unavailable', '1'])
    expect(JSON.stringify(body)).not.toContain('10.0.0')
  })

  it('says nothing of an unexpected error but the request id', async () => {
    const { status, body } = await answerTo(new TypeError('secret of the inside'))
    expect([status, body.code, body.request_id]).toStrictEqual([500, 'internal_error', 'the-request'])
    expect(JSON.stringify(body)).not.toContain('secret')
  })

  it.each([
    [404, 'route_not_found'],
    [413, 'body_too_large'],
    [415, 'content_type_unsupported'],
    [400, 'malformed_request'],
  ] as const)('reads the framework’s own %d as %s', async (status, code) => {
    expect((await answerTo(new HTTPException(status, { message: 'no' }))).body).toMatchObject({ status, code })
  })

  it('says where malformed JSON is malformed', async () => {
    const { body } = await answerTo(new MalformedJson('The key occurs twice.', '/a/b'))
    expect(body).toMatchObject({ status: 400, code: 'malformed_json', errors: [{ pointer: '/a/b' }] })
  })

  it('carries the headers that belong to it', async () => {
    const { headers } = await answerTo(
      new Problem('rate_limit_exceeded', 'Slower.', { headers: { 'retry-after': '7' } }),
    )
    expect(headers.get('retry-after')).toBe('7')
  })
})

describe.each(apis.filter(({ operations }) => operations.length > 0))('the document of $name', (api) => {
  const { paths = {} } = documentOf(api)
  it('has words for its members', () => {
    expect(Object.keys(api.words ?? {})).not.toStrictEqual([])
  })

  it.each([...api.operations])('names for $id the codes that it can answer with, and no others', (operation) => {
    const item = paths[operation.path]?.[operation.method]
    const described = Object.entries(item?.responses ?? {}).flatMap(([status, { description }]) =>
      (/^Refused: (.*)\.$/.exec(description)?.[1]?.split(', ') ?? []).map((code) => `${status} ${code}`),
    )
    const entries: Readonly<Record<string, ErrorEntry>> = api.errors.codes
    const own = codesOf(operation, api.schemes).map(
      (code) => `${entries[code]?.status} ${entries[code]?.shownAs ?? code}`,
    )
    expect(described.toSorted()).toStrictEqual([...new Set(own)].toSorted())
  })
})
