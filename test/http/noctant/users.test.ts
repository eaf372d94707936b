import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { globalUserIdOf } from '../../../src/commands/noctant/user.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi } from '../api.ts'
import type { TestOperator } from './serving.ts'

let api: Api
let acme: TestOperator
let other: TestOperator
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  other = await api.addOperator()
})
afterAll(() => api.stop())

const provision = (body: unknown, key = acme.key) => api.call('POST', '/v1/users', { key, body })
const userEvents = async (externalId: string) =>
  (await eventsOf(api.store, `noctant.user-${globalUserIdOf(acme.operatorId, externalId)}`)).map(({ type }) => type)

describe('provisionUser', () => {
  it('answers 201 with the user, who can be read at once under both ids', async () => {
    const answer = await provision({ external_id: 'ada', email: 'ada@example.com', display_name: 'Ada' })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      external_id: 'ada',
      email: 'ada@example.com',
      display_name: 'Ada',
      created: true,
    })
    const { created: _, ...user } = answer.body
    const byId = await api.call('GET', `/v1/users/${user.global_user_id}`, { key: acme.key })
    const byExternalId = await api.call('GET', '/v1/users?external_id=ada', { key: acme.key })
    expect([byId.body, byExternalId.body]).toStrictEqual([user, user])
    expect(answer.headers.get('x-opslog-position')).toMatch(/^[\w-]{22}$/)
  })

  it('answers 200 to a repeat and writes nothing where nothing is new', async () => {
    const body = { external_id: 'bob', email: 'bob@example.com', display_name: 'Bob' }
    const first = await provision(body)
    const second = await provision(body)
    const third = await provision({ external_id: 'bob', email: null })
    expect([second.status, third.status]).toStrictEqual([200, 200])
    expect(second.body).toStrictEqual({ ...first.body, created: false })
    expect(third.body).toStrictEqual({ ...first.body, created: false })
    const replayed = [first, second, third].map(({ headers }) => headers.get('idempotency-replayed'))
    expect(replayed).toStrictEqual([null, 'true', 'true'])
    expect(await userEvents('bob')).toStrictEqual(['noctant.UserProvisioned.v1'])
  })

  it('refreshes what a repeat gives anew, and leaves what it does not', async () => {
    await provision({ external_id: 'carl', email: 'carl@example.com', display_name: 'Carl' })
    const answer = await provision({ external_id: 'carl', display_name: 'Carl Gustav' })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ email: 'carl@example.com', display_name: 'Carl Gustav', created: false })
    expect(answer.headers.get('idempotency-replayed')).toBeNull()
    const read = await api.call('GET', '/v1/users?external_id=carl', { key: acme.key })
    expect(read.body).toMatchObject({ email: 'carl@example.com', display_name: 'Carl Gustav' })
  })

  it('matches external ids byte for byte, up to 255 characters of any kind', async () => {
    const composed = await provision({ external_id: 'é' })
    const decomposed = await provision({ external_id: 'e\u0301' })
    const upper = await provision({ external_id: 'É' })
    const ids = [composed, decomposed, upper].map(({ body }) => body.global_user_id)
    expect(new Set(ids).size).toBe(3)
    const longest = '😀'.repeat(255)
    expect((await provision({ external_id: longest })).status).toBe(201)
    const found = await api.call('GET', `/v1/users?external_id=${encodeURIComponent(longest)}`, { key: acme.key })
    expect(found.status).toBe(200)
  })

  it.each([
    'a@localhost',
    'ada@müller.example',
    'ada@例子.example',
    'ada@xn--mller-kva.example',
    "o'brien+news@mail.example.com",
    `${'a'.repeat(64)}@example.com`,
  ])('takes the address %s, and keeps it as it was sent', async (email) => {
    const answer = await provision({ external_id: randomUUID(), email })
    expect([answer.status, answer.body.email]).toStrictEqual([201, email])
  })

  it.each([
    'nobody',
    '@example.com',
    'ada@',
    'ada@@example.com',
    'a b@example.com',
    'ada@exa mple.com',
    'ada@-example.com',
    'ada@example..com',
    'ada@müller..example',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'d'.repeat(64)}.com`,
    `ada@${'d.'.repeat(128)}com`,
  ])('does not take the address %s', async (email) => {
    const answer = await provision({ external_id: randomUUID(), email })
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toStrictEqual([400, '/email'])
  })

  it.each([
    ['no external id', {}, '/external_id'],
    ['an empty external id', { external_id: '' }, '/external_id'],
    ['an external id of 256 characters', { external_id: 'x'.repeat(256) }, '/external_id'],
    ['an external id that is a number', { external_id: 7 }, '/external_id'],
    ['an address without @', { external_id: 'x', email: 'nobody' }, '/email'],
    ['a display name of 256 characters', { external_id: 'x', display_name: 'x'.repeat(256) }, '/display_name'],
  ])('refuses %s with 400 and names the field', async (_, body, pointer) => {
    const answer = await provision(body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code: 'validation_failed', status: 400, errors: [{ pointer }] })
    expect(await userEvents('x')).toStrictEqual([])
  })

  it('sent a hundred times at once creates one user, with one event', async () => {
    const body = { external_id: 'crowd', email: 'crowd@example.com' }
    const answers = await Promise.all(Array.from({ length: 100 }, () => provision(body)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99)
    expect(new Set(answers.map((answer) => answer.body.global_user_id)).size).toBe(1)
    expect(await userEvents('crowd')).toStrictEqual(['noctant.UserProvisioned.v1'])
  })

  it('records who asked, with which key and under which request id', async () => {
    const requestId = randomUUID()
    const headers = { 'x-noctant-request-id': requestId, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    const answer = await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'traced' }, headers })
    expect(answer.headers.get('x-noctant-request-id')).toBe(requestId)
    const [event] = await eventsOf(api.store, `noctant.user-${answer.body.global_user_id}`)
    expect(event?.metadata).toMatchObject({
      actor: { kind: 'operator', id: acme.operatorId, keyId: acme.keyId },
      requestId,
      traceparent: headers.traceparent,
    })
  })
})

describe('a user', () => {
  it('of another operator is as absent as one that never was', async () => {
    const { body: user } = await provision({ external_id: 'secret' })
    const reads = [
      await api.call('GET', `/v1/users/${user.global_user_id}`, { key: other.key }),
      await api.call('GET', '/v1/users?external_id=secret', { key: other.key }),
      await api.call('GET', `/v1/users/${randomUUID()}`, { key: other.key }),
    ]
    const told = reads.map(({ status, body }) => ({ status, code: body.code }))
    expect(told).toStrictEqual(Array(3).fill({ status: 404, code: 'user_not_found' }))
  })

  it('under the same external id of two operators is two users', async () => {
    const mine = await provision({ external_id: 'twin', display_name: 'Mine' })
    const theirs = await provision({ external_id: 'twin', display_name: 'Theirs' }, other.key)
    expect(theirs.status).toBe(201)
    expect(theirs.body.global_user_id).not.toBe(mine.body.global_user_id)
    const read = await api.call('GET', '/v1/users?external_id=twin', { key: acme.key })
    expect(read.body.display_name).toBe('Mine')
  })

  it.each([
    ['/v1/users/not-a-uuid', 'path/global_user_id'],
    ['/v1/users', 'query/external_id'],
    ['/v1/users?external_id=', 'query/external_id'],
    ['/v1/users?external_id=a&external_id=b', 'query/external_id'],
  ])('asked for with %s is refused with 400', async (path, pointer) => {
    const answer = await api.call('GET', path, { key: acme.key })
    expect(answer.status).toBe(400)
    expect(answer.body.errors).toMatchObject([{ pointer }])
  })

  it('can be asked for by an upper-case id', async () => {
    const { body: user } = await provision({ external_id: 'shout' })
    const read = await api.call('GET', `/v1/users/${user.global_user_id.toUpperCase()}`, { key: acme.key })
    expect(read.body.global_user_id).toBe(user.global_user_id)
  })
})
