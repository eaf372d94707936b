/** What was given up, on its pages: tried again or left as it is, by an administrator alone; and what went out. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventsOf } from '../../support/event-store.ts'
import { example } from '../../support/examples.ts'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'
import { administrator, fieldIn, formIn, headingOf, operator, type Visitor } from './browsing.ts'

let api: Api
let acme: TestOperator
let admin: Visitor
let own: Visitor
beforeAll(async () => {
  api = await startApi()
  acme = await api.addOperator()
  ;[admin, own] = await Promise.all([administrator(api), operator(api, acme.key)])
  await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
})
afterAll(() => api.stop())

/** The command that opens a new account, which the relay has given up. */
async function giveUp(externalId: string): Promise<string> {
  const { body } = await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest(externalId) })
  const events = await eventsOf(api.store, `noctant.account-${body.account.program_account_id}`)
  const requested = events.find(({ type }) => type === 'noctant.EngineCommandRequested.v1')!
  const { commandId, accountId } = requested.data as Record<'commandId' | 'accountId', string>
  const appended = (['EngineCommandPublished', 'EngineCommandDeadLettered'] as const).map((name) => {
    const event = example(`noctant.${name}.v1`)
    const id = randomUUID()
    const cause = { $correlationId: id, $causationId: id, actor: { kind: 'system' as const, id: 'test' }, commandId }
    return { id, event: { ...event, data: { ...event.data, commandId, accountId } }, cause }
  })
  await api.store.append(`noctant.engineCommand-${commandId}`, undefined, '', appended)
  await vi.waitFor(async () => expect((await admin.get(`/console/dead-letters/${commandId}`)).status).toBe(200), 10_000)
  return commandId
}

const typesOf = async (commandId: string) =>
  (await eventsOf(api.store, `noctant.engineCommand-${commandId}`)).map(({ type }) => type.split('.')[1])

describe('a command that was given up', () => {
  it('stands on the overview and in its list, and is sent again with a word of who wanted it', async () => {
    const commandId = await giveUp('ACC-RETRY')
    expect((await admin.get('/console')).page.querySelector('.wrong')?.text).toContain('Dead letters')
    const list = await admin.get('/console/dead-letters')
    const hrefs = list.page.querySelectorAll('main a').map((link) => link.getAttribute('href'))
    expect(hrefs).toContain(`/console/dead-letters/${commandId}`)
    const path = `/console/dead-letters/${commandId}/actions/retry`
    const form = await admin.get(path)
    expect([form.status, headingOf(form)]).toEqual([200, 'Retry'])
    const done = await admin.post(path, { ...formIn(form), reason: 'the engine is back' })
    const seen = await admin.follow(done)
    expect(seen.page.querySelector('[role=status].message')?.text).toContain('It is sent again.')
    expect(seen.text).toContain(commandId)
    const [last] = (await eventsOf(api.store, `noctant.engineCommand-${commandId}`)).toReversed()
    expect(last).toMatchObject({
      type: 'noctant.EngineCommandRetryRequested.v1',
      data: { commandId, reason: 'the engine is back' },
      metadata: { actor: { kind: 'admin' } },
    })
  })

  it('is discarded where its id was typed, once', async () => {
    const commandId = await giveUp('ACC-DISCARD')
    const path = `/console/dead-letters/${commandId}/actions/discard`
    const form = formIn(await admin.get(path))
    const unsure = await admin.post(path, { ...form, confirm: 'yes' })
    expect([unsure.status, unsure.text.includes(`Type ${commandId} to confirm`)]).toEqual([400, true])
    expect(await typesOf(commandId)).not.toContain('EngineCommandDiscarded')
    const [first, second] = await Promise.all([
      admin.post(path, { ...form, confirm: commandId }),
      admin.post(path, { ...form, confirm: commandId }),
    ])
    expect([first.status, second.status].toSorted()[0]).toBe(303)
    expect((await typesOf(commandId)).filter((type) => type === 'EngineCommandDiscarded')).toHaveLength(1)
    // Whoever comes later is told that it was dealt with, by the same answer each time.
    const later = await admin.post(path, { ...form, confirm: commandId })
    expect([later.status, later.text.includes('It was dealt with already.')]).toEqual([409, true])
    expect((await admin.get(path)).page.querySelector('[role=alert]')?.text).toContain('It was dealt with already.')
    expect((await admin.get(`/console/dead-letters/${randomUUID()}/actions/discard`)).status).toBe(404)
  })

  it('is dealt with beside others of its kind, as many as the form says', async () => {
    const ids = [await giveUp('ACC-MANY-1'), await giveUp('ACC-MANY-2')]
    const path = '/console/dead-letters/actions/discard'
    const page = await admin.get(path)
    const which = page.page
      .querySelectorAll('select[name=which] option')
      .map((option) => option.getAttribute('value') ?? '')
      .find((value) => / commands open_account$/.test(value))
    expect(Number(which?.split(' ')[0])).toBeGreaterThanOrEqual(2)
    const other = await admin.post(path, { ...formIn(page), reason: 'a trial', which: '1 commands open_account' })
    expect(other.status).toBe(409)
    const seen = await admin.follow(await admin.post(path, { ...formIn(page), reason: 'a trial', which: which ?? '' }))
    expect(seen.page.querySelector('.message')?.text).toContain(`${which} stay given up.`)
    for (const id of ids) expect(await typesOf(id)).toContain('EngineCommandDiscarded')
  })

  it('is not for operators, and nothing that is not there is given up', async () => {
    const commandId = await giveUp('ACC-OTHERS')
    for (const path of ['/console/dead-letters', `/console/dead-letters/${commandId}`])
      expect([path, (await own.get(path)).status]).toEqual([path, 404])
    expect((await own.post(`/console/dead-letters/${commandId}/actions/retry`)).status).toBe(404)
    expect((await admin.get(`/console/dead-letters/${randomUUID()}`)).status).toBe(404)
  })

  it('is shown to its operator as a command, with the times of its way', async () => {
    const commandId = await giveUp('ACC-COMMAND')
    const seen = await own.get(`/console/commands/${commandId}`)
    expect([seen.status, fieldIn(seen, 'status')]).toEqual([200, 'dead_lettered'])
    expect(seen.page.querySelector('main')?.text).toContain('Decided: not yet')
    const stranger = await operator(api, (await api.addOperator()).key)
    expect((await stranger.get(`/console/commands/${commandId}`)).status).toBe(404)
  })
})
