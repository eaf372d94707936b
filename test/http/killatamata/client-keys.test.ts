/** What the typed client sends again of killatamata has one effect, files and forms too: its keys stand where the API looks for them. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient, problemOf, triesOf, unwrap } from '@opslog/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { gameFiles, zipOf } from '../../support/zips.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

let served: ServedKillatamata
let ada: Customer
let losing: Server
const bodies: string[] = []
/** Answers that are lost, of those to come. */
let lost = 0
beforeAll(async () => {
  served = await startKillatamata()
  ada = await served.customer('ada')
  await served.credited(ada, 10_000_000n)
  losing = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _, connection: __, ...headers } = request.headers
    bodies.push(Buffer.concat(chunks).toString())
    const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
    const asked = { method: request.method ?? '', headers: headers as Record<string, string>, ...body }
    const answer = await fetch(`${served.url}${request.url}`, asked)
    const text = await answer.text()
    lost -= 1
    if (lost >= 0) return void response.destroy()
    const { 'content-encoding': ___, ...given } = Object.fromEntries(answer.headers)
    response.writeHead(answer.status, given).end(text)
  })
  losing.listen(0, '127.0.0.1')
  await once(losing, 'listening')
})
afterAll(async () => {
  losing.close()
  await served.stop()
})

function client() {
  const url = `http://127.0.0.1:${(losing.address() as AddressInfo).port}`
  return createClient({ url, key: ada.key, context: 'killatamata' })
}

it('a project whose answer was lost is made once, by a key in the header', async () => {
  lost = 1
  const { response } = await client().POST('/api/v1/studio/projects', { body: { title: 'Lighthouse' } })
  expect([response.status, triesOf(response), response.headers.get('idempotency-replayed')]).toEqual([201, 2, 'true'])
  expect((await served.get('studio/snapshot', ada.key)).body.workspace.projects).toHaveLength(1)
})

it('a job whose answer was lost is held for once, by a key in the body', async () => {
  lost = 1
  const body = { task: 'image.generate' as const, input: { prompt: 'a lighthouse in fog' } }
  const { response } = await client().POST('/api/v1/media/jobs', { body })
  expect([response.status, triesOf(response), response.headers.get('idempotency-replayed')]).toEqual([201, 2, 'true'])
  const held = await served.parts.ledgers.openHolds(ada.accountId)
  expect(held).toHaveLength(1)
})

it('a key that the caller has sent in a header stands alone', async () => {
  lost = 0
  const body = { task: 'image.generate' as const, input: { prompt: 'a harbour at night' } }
  const headers = { 'x-idempotency-key': 'harbour-1' }
  await unwrap(client().POST('/api/v1/media/jobs', { body, headers }))
  expect(JSON.parse(bodies.at(-1) ?? '')).toEqual(body)
})

it('a launch is asked for under a key that the API knows', async () => {
  lost = 0
  const asked = await client().POST('/api/v1/arcade/launch-sessions', {
    body: { gameId: 'game_0', mode: 'play' } as never,
  })
  expect(JSON.parse(bodies.at(-1) ?? '')).toHaveProperty('idempotencyKey')
  expect(problemOf(asked)?.errors.map(({ pointer }) => pointer)).not.toContain('/idempotencyKey')
})

it('a bundle whose answer was lost is one release, sent as a form', async () => {
  const facts = { title: 'Foghorn', shortDescription: 'By ear.', description: 'A game.', tags: ['fog'] }
  const { game } = await unwrap(client().POST('/api/v1/arcade/games', { body: { ...facts, slug: 'foghorn' } }))
  const manifest = { version: '1.0.0', engine: 'godot', engineVersion: '4.4', entrypoint: 'index.html' }
  const bundle = new File([Uint8Array.from(zipOf(gameFiles))], 'game.zip', { type: 'application/zip' })
  lost = 1
  const body = { gameId: game.gameId, manifestJson: JSON.stringify(manifest), bundle }
  const { data, response } = await client().POST('/api/v1/arcade/releases/upload', { body })
  expect([response.status, triesOf(response), response.headers.get('idempotency-replayed')]).toEqual([201, 2, 'true'])
  expect(data?.release).toMatchObject({ status: 'draft', fileCount: gameFiles.length })
})

it('a file whose answer was lost is one asset, sent as it is', async () => {
  const { project } = await unwrap(client().POST('/api/v1/studio/projects', { body: { title: 'Files' } }))
  lost = 1
  const params = { query: { projectId: project.projectId, filename: 'notes.md' } }
  const body = new Blob(['# Notes\n'])
  const { data, response } = await client().POST('/api/v1/studio/assets/upload', { params, body })
  expect([response.status, triesOf(response), response.headers.get('idempotency-replayed')]).toEqual([201, 2, 'true'])
  expect(data?.asset).toMatchObject({ filename: 'notes.md' })
  expect(bodies.at(-1)).toBe('# Notes\n')
})
