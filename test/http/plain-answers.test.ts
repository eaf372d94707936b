/** Headers are gathered in a plain object; whatever kind of answer comes, they are on it. */
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import type { AppEnv } from '../../src/http/environment.ts'
import { answerPlainly } from '../../src/http/plain-answers.ts'

function app() {
  const api = new Hono<AppEnv>()
  api.use(async (c, next) => {
    const finish = answerPlainly(c)
    c.header('X-Given', 'before')
    await next()
    finish()
  })
  api.onError((_error, c) => c.json({ failed: true }, 500, { 'content-type': 'application/problem+json' }))
  return api
}

it('a JSON answer carries them, with its status and its own', async () => {
  const api = app().get('/', (c) => {
    c.header('cache-control', 'no-store')
    return c.json({ ok: true }, 201, { 'x-own': 'yes' })
  })
  const answer = await api.request('/')
  expect(answer.status).toBe(201)
  expect(await answer.json()).toEqual({ ok: true })
  expect(Object.fromEntries(answer.headers)).toEqual({
    'content-type': 'application/json',
    'x-given': 'before',
    'cache-control': 'no-store',
    'x-own': 'yes',
  })
})

it('a page carries them too, but where it says otherwise itself', async () => {
  const api = app().get('/', (c) => c.html('<p>', 200, { 'x-given': 'own' }))
  api.get('/plain', (c) => c.html('<p>'))
  expect((await api.request('/')).headers.get('x-given')).toBe('own')
  expect((await api.request('/plain')).headers.get('x-given')).toBe('before')
})

it('an error’s answer carries them, and the type that it has', async () => {
  const api = app().get('/', () => {
    throw new Error('no')
  })
  const answer = await api.request('/')
  expect(answer.status).toBe(500)
  expect(answer.headers.get('x-given')).toBe('before')
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
})

it('a header that is set twice has its latest value, whatever its case', async () => {
  const api = app().get('/', (c) => {
    c.header('x-given', 'after')
    return c.json({})
  })
  expect((await api.request('/')).headers.get('x-given')).toBe('after')
})
