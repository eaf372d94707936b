/** What holds for every operation of every context: access before anything else, and hostile requests without effect. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../src/http/operation.ts'
import { type Api, startApi } from '../http/api.ts'
import { addBuyer } from '../http/firsthand/buyers.ts'
import { apis } from '../support/contexts.ts'

let api: Api
/** A key of each context, with every scope that it has. */
const keys = new Map<string, string>()
beforeAll(async () => {
  api = await startApi({ limits: { authFailuresPerMinuteMax: 1_000_000 } })
  const { key, operatorId } = await api.addOperator()
  keys.set('noctant', key)
  keys.set('audit', (await api.addAuditor(operatorId)).key)
  keys.set('firsthand', (await addBuyer(api)).key)
})
afterAll(() => api.stop())

interface Sent {
  key?: string | undefined
  raw?: string
  type?: string
  query?: string
}

const isSigned = ({ access }: Operation) => access.alternatives.length > 0 && !access.isOptional

describe.each(apis)('every operation of $name', ({ name, errors, operations }) => {
  const cases = operations as readonly Operation[]
  const signed = cases.filter(isSigned)
  const writing = cases.filter(({ method }) => method !== 'get')

  async function send({ method, path }: Operation, { key, raw, type = 'application/json', query = '' }: Sent) {
    const at = path.replaceAll(/\{[^}]+\}/g, randomUUID())
    const response = await fetch(`${api.url}/${name}${at}${query}`, {
      method: method.toUpperCase(),
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(raw !== undefined && { 'content-type': type }),
      },
      ...(raw !== undefined && { body: raw }),
    })
    const text = await response.text()
    const refused = response.status >= 400
    if (refused) expect(response.headers.get('content-type')).toContain(errors.mediaType ?? 'application/json')
    return { status: response.status, text }
  }

  it('has a key in this suite', () => expect(signed.length === 0 || keys.has(name)).toBe(true))

  it.each(signed)('$id is closed to nobody in particular', async (operation) => {
    const answer = await send(operation, operation.method === 'get' ? {} : { raw: '{' })
    expect(answer.status).toBe(401)
  })

  it.each(signed)('$id is closed to the keys of other contexts', async (operation) => {
    for (const [other, key] of keys) if (other !== name) expect((await send(operation, { key })).status).toBe(403)
  })

  it.each(writing)('$id refuses bodies that cannot be', async (operation) => {
    const key = keys.get(name)
    const takesBody = operation.body !== undefined
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
    const statuses = [
      (await send(operation, { key, raw: '{}', type: 'application/x-www-form-urlencoded' })).status,
      ...(takesBody ? [(await send(operation, { key, raw: deep })).status] : []),
      ...(takesBody ? [(await send(operation, { key, raw: '{"__proto__":{"a":1}}' })).status] : []),
      (await send(operation, { key, raw: `"${'x'.repeat(1_100_000)}"` })).status,
    ]
    expect(statuses).toStrictEqual([415, ...(takesBody ? [400, 400] : []), 413])
  })

  it.each(cases)('$id refuses addresses that are no UTF-8', async (operation) => {
    expect((await send(operation, { key: keys.get(name), query: '?a=%ff' })).status).toBe(400)
    expect((await send(operation, { key: keys.get(name), query: '?a=%00' })).status).toBe(400)
  })
})
