/** The key of a request: 1 to 200 visible characters, wherever it stands. */
import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { operations } from '../../../src/http/killatamata/operations.ts'
import { REQUEST_KEY, requestKey } from '../../../src/http/killatamata/request-key.ts'
import { startKillatamata } from './serving.ts'

const served = await startKillatamata()
afterAll(() => served.stop())

const ada = await served.customer('ada')
const LONGEST = randomUUID().padEnd(200, 'x')
const game = () => ({
  ...{ slug: `game-${randomUUID().slice(0, 8)}`, title: 'Drift', shortDescription: 'Drift.', description: 'A game.' },
})
const job = { task: 'image.generate', input: { prompt: 'fog' } }

it('has one form in each operation that takes it as a header', () => {
  const keyed = operations.filter(({ commanded }) => commanded.key?.from === 'header')
  expect(keyed.length).toBeGreaterThan(30)
  expect(keyed.filter(({ commanded }) => commanded.key !== requestKey).map(({ id }) => id)).toStrictEqual([])
})

describe('a key', () => {
  it('has at most 200 characters in the header', async () => {
    const made = await served.post('arcade/games', game(), ada.key, { [REQUEST_KEY]: LONGEST })
    expect(made.status).toBe(201)
  })

  it.each([
    ['longer', `${LONGEST}x`],
    ['with a blank', 'a key'],
    ['sent twice', 'a, b'],
  ])('that is %s is refused, whichever operation reads it', async (_, key) => {
    const headers = { [REQUEST_KEY]: key }
    const form = new FormData()
    form.append('gameId', 'game_1')
    const upload = await fetch(`${served.url}/killatamata/api/v1/arcade/releases/upload`, {
      ...{ method: 'POST', body: form, headers: { ...headers, authorization: `Bearer ${ada.key}` } },
    })
    const answers = [
      await served.post('arcade/games', game(), ada.key, headers),
      await served.post('media/jobs', job, ada.key, headers),
      { status: upload.status, body: (await upload.json()) as { code: string; errors: { pointer: string }[] } },
    ]
    for (const { status, body } of answers) {
      const told = [status, body.code, body.errors?.[0]?.pointer]
      expect(told).toStrictEqual([400, 'validation_failed', `header/${REQUEST_KEY}`])
    }
  })

  it('has at most 200 characters in a body', async () => {
    const answers = [
      await served.post('media/jobs', { ...job, idempotencyKey: `${LONGEST}x` }, ada.key),
      await served.post('arcade/launch-sessions', { slug: 'none', idempotencyKey: `${LONGEST}x` }, ada.key),
    ]
    for (const { status, body } of answers) {
      expect([status, body.errors?.[0]?.pointer]).toStrictEqual([400, '/idempotencyKey'])
    }
  })
})
