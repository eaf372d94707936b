import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { SegmentRouter } from '../../src/http/router.ts'
import { apis } from '../support/contexts.ts'

/** An application whose answers are the routes that were passed, in their order. */
function application() {
  const router = new SegmentRouter<never>()
  const app = new Hono({ router: router as never })
  app.use('*', async (c, next) => {
    c.header('passed', 'all')
    await next()
  })
  app.get('/plain/users/:id', (c) => c.text(`user ${c.req.param('id')}`))
  app.use('/mixed/*', async (c, next) => {
    c.header('passed', 'all, mixed')
    await next()
  })
  app.get('/mixed/agents/:id', (c) => c.text(`agent ${c.req.param('id')}`))
  app.put('/mixed/agents/by-name/:name', (c) => c.text(`named ${c.req.param('name')}`))
  app.get('/mixed/agents/:id/keys', (c) => c.text(`keys of ${c.req.param('id')}`))
  app.all('/plain/users/:id', (c) => c.text('another method', 405))
  const answer = async (method: string, path: string) => {
    const response = await app.request(path, { method })
    return [response.status, await response.text(), response.headers.get('passed')]
  }
  app.all('/mixed/agents/by-name/:name', (c) => c.text('another method', 405))
  return { app, router, answer }
}

describe('the router', () => {
  it('finds what the paths of each first segment say, in the order in which they were added', async () => {
    const { answer } = application()
    expect(await answer('GET', '/plain/users/7')).toEqual([200, 'user 7', 'all'])
    expect(await answer('DELETE', '/plain/users/7')).toEqual([405, 'another method', 'all'])
    expect(await answer('GET', '/mixed/agents/7')).toEqual([200, 'agent 7', 'all, mixed'])
    expect(await answer('PUT', '/mixed/agents/by-name/seven')).toEqual([200, 'named seven', 'all, mixed'])
    expect((await answer('GET', '/mixed/nothing'))[0]).toBe(404)
  })

  it('finds a path without parameters again by its method, and parameters anew each time', async () => {
    const { app, answer } = application()
    app.get('/mixed/agents/all', (c) => c.text('all agents'))
    app.post('/mixed/agents/all', (c) => c.text('made'))
    for (const _ of [1, 2]) {
      // The address of one agent was added before: both handlers fit, and the first one answers.
      expect(await answer('GET', '/mixed/agents/all')).toEqual([200, 'agent all', 'all, mixed'])
      expect(await answer('POST', '/mixed/agents/all')).toEqual([200, 'made', 'all, mixed'])
      expect((await answer('DELETE', '/mixed/agents/all'))[0]).toBe(404)
    }
    expect(await answer('GET', '/mixed/agents/8')).toEqual([200, 'agent 8', 'all, mixed'])
    expect(await answer('GET', '/mixed/agents/9')).toEqual([200, 'agent 9', 'all, mixed'])
  })

  it('takes a path without a first segment of its own for every one of them', async () => {
    const { app, answer } = application()
    app.get('/:any/late', (c) => c.text(`late in ${c.req.param('any')}`))
    expect(await answer('GET', '/plain/late')).toEqual([200, 'late in plain', 'all'])
    expect(await answer('GET', '/mixed/late')).toEqual([200, 'late in mixed', 'all, mixed'])
    expect(await answer('GET', '/nobody/late')).toEqual([200, 'late in nobody', 'all'])
    expect((await answer('GET', '/'))[0]).toBe(404)
  })

  it('gives the slower way of finding to those segments alone whose paths need it', async () => {
    const { router, answer } = application()
    await answer('GET', '/plain/users/7')
    await answer('GET', '/mixed/agents/7')
    expect(router.chosen().get('mixed')).toContain('Trie')
    expect(router.chosen().get('plain')).toContain('RegExp')
  })

  it('gives noctant, firsthand and auditors the fast one, whatever the other contexts have', () => {
    const router = new SegmentRouter<number>()
    for (const { name, operations } of apis) {
      for (const { method, path } of operations) {
        const at = `/${name}${path.replaceAll(/\{(\w+)\}/g, ':$1')}`
        router.add(method.toUpperCase(), at, 1)
        router.add('ALL', at, 2)
      }
      router.match('GET', `/${name}/nothing`)
    }
    for (const name of ['noctant', 'firsthand', 'audit']) expect(router.chosen().get(name)).toContain('RegExp')
    expect(router.chosen().get('rungate')).toContain('Trie')
  })
})
