/**
 * What is shown once must not be found again: the keys and tokens that were issued during a run are looked for in the
 * log, in every event, in every table and in every answer that came after. A caller who puts a key in the wrong place,
 * such as a query or a body, must not find it in our log either.
 *
 * Seen to fail: with the request's headers, and with its URL, added to the line that each request logs.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EventStoreDBClient } from '@eventstore/db-client'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'
import { addSubscriber, webhookEnvironment } from '../support/webhook-operator.ts'
import { accountBody } from './workload.ts'

let stack: Stack
/** What it is → the secret itself. */
const issued = new Map<string, string>()
/** Every answer but those that issue a secret. */
const answers: string[] = []

async function call(method: string, path: string, options: { key?: string; body?: unknown } = {}) {
  const { key = stack.apiKey, body } = options
  const answer = await fetch(`${stack.url}/noctant/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: await answer.text() }
}

const note = async (asked: ReturnType<typeof call>) => {
  const { text } = await asked
  answers.push(text)
}

beforeAll(async () => {
  stack = await startStack({ environment: webhookEnvironment })
  const subscriber = await addSubscriber(stack)
  issued.set('the sandbox key', stack.apiKey)
  issued.set('an operator’s key', subscriber.operator.apiKey)
  issued.set('a webhook secret', subscriber.secret)
  issued.set('the order entry’s token', stack.engine.token)

  const rotated = JSON.parse((await call('POST', '/me/rotate-api-key', { key: subscriber.operator.apiKey })).text)
  issued.set('a rotated key', rotated.api_key)
  const external = `secret-${randomUUID()}`
  await call('POST', '/users', { body: { external_id: external } })
  await call('POST', '/accounts', { body: accountBody(external, external) })
  const launch = await call('POST', '/launch-sessions', {
    body: {
      external_user_id: external,
      external_account_id: external,
      requested_route: '/terminal',
      requested_product_mode: 'terminal',
    },
  })
  const { launch_url } = JSON.parse(launch.text)
  const token = new URL(launch_url).pathname.split('/').at(-1)
  issued.set('a launch token', token || launch_url)
  const opened = await fetch(launch_url, { method: 'POST', redirect: 'manual' })
  const cookie = /=([^;]+)/.exec(opened.headers.get('set-cookie') ?? '')?.[1]
  if (cookie) issued.set('a browser’s session', cookie)

  await subscriber.provision()
  await subscriber.receives(1)
  const misplaced = stack.apiKey
  await note(call('GET', `/users?external_id=${misplaced}`))
  await note(call('GET', `/users/${misplaced}`))
  await note(call('GET', `/nothing/${misplaced}?key=${misplaced}`))
  await note(call('GET', '/me', { key: `${misplaced}x` }))
  await note(call('POST', '/users', { body: { external_id: '', email: misplaced } }))
  await note(
    fetch(`${stack.engine.url}/orders`, { method: 'POST', body: stack.engine.token }).then(async (answer) => ({
      status: answer.status,
      text: await answer.text(),
    })),
  )
}, 60_000)
afterAll(() => stack.close())

/** The secrets whose text is found, the part of a key that is secret in any case. */
const foundIn = (text: string): string[] =>
  [...issued].filter(([, secret]) => text.includes(secret) || text.includes(secretPart(secret))).map(([what]) => what)

/** Of `nct_<environment>_<id>_<secret><crc>` the last part; everything else is secret as a whole. */
const secretPart = (secret: string): string =>
  secret.startsWith('nct_') ? (secret.split('_').at(-1) ?? secret) : secret

describe('keys and tokens that were issued', () => {
  it('are all known to this test', () => {
    expect([...issued.keys()]).toHaveLength(7)
    for (const [what, secret] of issued) expect(secret.length, what).toBeGreaterThan(20)
  })

  it('are not in the log', () => {
    const log = readFileSync(stack.logFile, 'utf8')
    expect(log).toContain('"request"')
    expect(foundIn(log)).toEqual([])
  })

  it('are not in any event', async () => {
    const client = EventStoreDBClient.connectionString(stack.eventStoreUrl)
    const types = new Set<string>()
    for await (const { event } of client.readAll()) {
      if (!event) continue
      types.add(event.type)
      expect(foundIn(JSON.stringify([event.streamId, event.data, event.metadata])), event.type).toEqual([])
    }
    await client.dispose()
    expect([...types]).toEqual(
      expect.arrayContaining(['noctant.ApiKeyIssued.v1', 'noctant.WebhookEndpointSecretIssued.v1']),
    )
  })

  it('are not in any table', async () => {
    const client = new Client({ connectionString: stack.databaseUrl })
    await client.connect()
    const { rows } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    expect(rows.length).toBeGreaterThan(10)
    for (const { tablename } of rows) {
      const content = await client.query(`SELECT t::text AS row FROM "${tablename}" t`)
      expect(foundIn(content.rows.map(({ row }) => row).join('\n')), tablename).toEqual([])
    }
    await client.end()
  })

  it('are not in refusals, unless the caller wrote them into the address', () => {
    for (const answer of answers.filter((text) => !text.includes('route_not_found'))) {
      expect(foundIn(answer), answer).toEqual([])
    }
  })
})
