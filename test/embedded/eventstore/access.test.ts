/** Who may use a guarded node: those who name its credential, and processes of its own user where the kernel tells. */
import { randomUUID } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import { credentials, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { basicAuthorization, credentialOf } from '../../../src/embedded/eventstore/access.ts'
import { type EventStoreNode, startEventStoreThread } from '../../../src/embedded/eventstore/start.ts'
import { createAppender } from '../../../src/eventstore/append.ts'
import { openConnection } from '../../../src/eventstore/connection.ts'
import { readPage } from '../../../src/eventstore/read.ts'
import { temporaryDirectory } from './support/node.ts'

const directory = temporaryDirectory()
const credential = credentialOf(directory.path)
let node: EventStoreNode
beforeAll(async () => {
  node = await startEventStoreThread({ directory: directory.path, credential, trustsOwnUser: false })
})
afterAll(async () => {
  await node.close()
  directory.remove()
})

const urlWith = (named: string) => node.url.replace('://', `://${named}@`)
const all = { from: 'start', direction: 'forwards', count: 10n } as const

/** Of all events that are not the node's own. */
async function idsIn(url: string): Promise<string[]> {
  const connection = openConnection(url)
  try {
    const page = await readPage(connection, all, 5_000)
    return page.filter(({ streamId }) => !streamId.startsWith('$')).map(({ id }) => id)
  } finally {
    await connection.close()
  }
}

describe('a credential', () => {
  test('lies in the node’s directory for its owner alone, and stays', () => {
    expect(statSync(join(directory.path, 'credential')).mode & 0o777).toBe(0o600)
    expect(credential).toMatch(/^opslog:[0-9a-f]{64}$/)
    expect(credentialOf(directory.path)).toBe(credential)
  })

  test.each(['', 'opslog:', `opslog:${'0'.repeat(63)}`])('that was cut to "%s" is made anew', (left) => {
    const other = temporaryDirectory()
    writeFileSync(join(other.path, 'credential'), left)
    const made = credentialOf(other.path)
    expect(made).toMatch(/^opslog:[0-9a-f]{64}$/)
    expect(credentialOf(other.path)).toBe(made)
    other.remove()
  })

  test('opens the node to our client, which appends and reads', async () => {
    const connection = openConnection(urlWith(credential))
    const event = { id: randomUUID(), type: 'sample.NoteWritten.v1', data: '{}', metadata: '{}' }
    const appended = await createAppender(connection, { deadlineMs: 5_000 }).append({
      ...{ stream: 'sample.note-1', revision: undefined, events: [event] },
    })
    expect(appended.kind).toBe('appended')
    await connection.close()
    expect(await idsIn(urlWith(credential))).toStrictEqual([event.id])
  })

  test.each([
    ['none', () => node.url],
    ['another', () => urlWith(`opslog:${'0'.repeat(64)}`)],
    ['another user’s', () => urlWith(credential.replace('opslog', 'admin'))],
  ])('%s opens nothing', async (_, url) => {
    await expect(idsIn(url())).rejects.toMatchObject({ code: status.UNAUTHENTICATED })
  })
})

/** Behind the test that appends. */
describe('without the credential', () => {
  test('nothing is appended', async () => {
    const client = EventStoreDBClient.connectionString(node.url)
    const event = jsonEvent({ type: 'sample.KeyIssued.v1', data: { keyId: 'forged' } })
    await expect(client.appendToStream('sample.key-1', event)).rejects.toThrow()
    await client.dispose()
    expect(await idsIn(urlWith(credential))).toHaveLength(1)
  })

  test('the node is neither ended nor scavenged, and tells nothing of the log', async () => {
    const base = `http://127.0.0.1:${node.port}`
    const statusOf = async (path: string, init: RequestInit = {}) => (await fetch(base + path, init)).status
    const operations = new operationsGrpc.OperationsClient(`127.0.0.1:${node.port}`, credentials.createInsecure())
    const shutdown = await new Promise((resolve) =>
      operations.shutdown(new sharedPb.Empty(), (error) => resolve(error?.code)),
    )
    operations.close()
    expect(shutdown).toBe(status.UNAUTHENTICATED)
    expect(await statusOf('/admin/scavenge', { method: 'POST' })).toBe(401)
    expect([await statusOf('/health'), await statusOf('/metrics')]).toStrictEqual([401, 401])
    expect([await statusOf('/health/live'), await statusOf('/info')]).toStrictEqual([204, 200])
    const headers = { authorization: basicAuthorization(credential) }
    expect([await statusOf('/health', { headers }), await statusOf('/metrics', { headers })]).toStrictEqual([200, 200])
  })
})
