/** What is the same for everybody is made once, and again where that has failed. */
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import type { AppEnv } from '../../src/http/environment.ts'
import { fixedText } from '../../src/http/fixed-text.ts'
import { exchangeOf } from './exchange.ts'

function serving(load: Parameters<typeof fixedText>[0]) {
  const app = new Hono<AppEnv>()
  app.use(async (c, next) => {
    c.set('exchange', exchangeOf('id'))
    await next()
  })
  return app.get('/', fixedText(load, { 'content-type': 'text/plain' }))
}

it('is made at the first request alone, however many come at once', async () => {
  let made = 0
  const load = async () => `made ${++made} times`
  const app = serving(load)
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.request('/')))
  answers.push(await app.request('/'))
  expect(new Set(await Promise.all(answers.map((answer) => answer.text())))).toStrictEqual(new Set(['made 1 times']))
})

it('is made again where that has failed', async () => {
  let made = 0
  const load = () => {
    made += 1
    if (made === 1) throw new Error('not yet')
    return 'made'
  }
  const app = serving(load)
  app.onError((error, c) => c.text(error.message, 500))
  expect([(await app.request('/')).status, await (await app.request('/')).text()]).toStrictEqual([500, 'made'])
})
