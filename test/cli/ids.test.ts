/** Commands take the beginning of an id, as listings show it, wherever they take an id; and say what to do where it does not help. */
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runCli } from '../support/cli.ts'
import { type Stack, startStack, type TestOperator } from '../support/stack.ts'

let stack: Stack
let acme: TestOperator
let environment: Record<string, string>
beforeAll(async () => {
  stack = await startStack()
  acme = await stack.addOperator()
  const DATA_DIR = dirname(stack.logFile)
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR }
})
afterAll(() => stack.close())

const run = (...args: string[]) => runCli(args, environment)
const shown = { timeout: 10_000, interval: 50 }
const json = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await run(...args, '--json')
  expect([args.join(' '), exitCode, stderr]).toEqual([args.join(' '), 0, ''])
  return JSON.parse(stdout)
}
/** Once the read models have it. */
const soon = (...args: string[]) => vi.waitFor(() => json(...args), shown)
/** But for the last two letters: more than 8, and one thing's alone. */
const beginningOf = (id: string) => id.slice(0, -2)

describe('noctant', () => {
  it('names operators, keys’ operators, products, challenges and orders so', async () => {
    const beginning = acme.operatorId.slice(0, 8)
    expect(await soon('admin', 'operator', 'suspend', beginning)).toMatchObject({ operator_id: acme.operatorId })
    expect(await json('admin', 'operator', 'resume', beginning.toUpperCase())).toMatchObject({ status: 'active' })
    expect((await json('admin', 'key', 'list', beginning)).map((key: { key_id: string }) => key.key_id)).toContain(
      acme.keyId,
    )
    const templates = await soon('admin', 'template', 'list')
    const { template_id: templateId } = templates[0]
    expect(await json('admin', 'template', 'archive', templateId.slice(0, 8))).toMatchObject({
      template_id: templateId,
    })
  })

  it.each([
    ['operator', ['admin', 'key', 'list', '00000000'], 'opslog admin operator list shows them.'],
    ['challenge', ['admin', 'challenge', 'activate', '00000000'], '/console/noctant/challenges shows them.'],
    ['template', ['admin', 'template', 'archive', '00000000'], 'opslog admin template list shows them.'],
    ['webhook', ['webhooks', 'resend', '00000000'], '/console/webhooks shows them.'],
    ['order', ['engine', 'cancel', '00000000'], 'opslog engine accounts <account> shows them.'],
  ])('says what to do where no %s begins so', async (kind, args, hint) => {
    const { exitCode, stderr } = await run(...args)
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`no ${kind} has an id that begins with 00000000`)])
    expect(stderr).toContain(hint)
  })

  it('finds a slug that looks like a beginning by the slug', async () => {
    const { operator_id: id } = await json('admin', 'operator', 'create', '--name', 'Dead Beef', '--slug', 'deadbeef')
    expect(await json('admin', 'operator', 'suspend', 'deadbeef')).toMatchObject({ operator_id: id })
  })
})

describe('firsthand', () => {
  it('names organizations, keys and workers so', async () => {
    const { organization_id: organization } = await json(
      'admin',
      'firsthand',
      'organization',
      'create',
      '--name',
      'Acme',
    )
    const named = beginningOf(organization)
    const issued = await vi.waitFor(
      () => json('admin', 'firsthand', 'key', 'issue', named, '--environment', 'live', '--all-scopes'),
      shown,
    )
    expect(issued.organization_id).toBe(organization)
    const revoked = await soon('admin', 'firsthand', 'key', 'revoke', named, beginningOf(issued.key_id))
    expect(revoked.revoked).toEqual([issued.key_id])
    expect(await json('admin', 'firsthand', 'key', 'list', named)).toMatchObject([{ key_id: issued.key_id }])
    expect(await json('admin', 'firsthand', 'organization', 'fee-floor', named, '0.1')).toMatchObject({
      organization_id: organization,
    })
    const grant = ['admin', 'firsthand', 'credit', 'grant', named, '--amount-cents', '5']
    expect(await json(...grant)).toMatchObject({ balance_cents: 5 })
    const { worker_id: worker } = await json('admin', 'firsthand', 'worker', 'create', '--name', 'Ada')
    expect(await soon('admin', 'firsthand', 'worker', 'suspend', beginningOf(worker))).toMatchObject({
      worker_id: worker,
    })
    const auditor = ['admin', 'create-auditor-key', '--operator', named, '--name', 'Ada']
    expect(await json(...auditor)).toMatchObject({ changed: true })
  })

  it('refuses what begins several, with them, and what begins none, with what lists them', async () => {
    const made = [
      await json('admin', 'firsthand', 'organization', 'create', '--name', 'Acme'),
      await json('admin', 'firsthand', 'organization', 'create', '--name', 'Acme'),
    ]
    const ids = made.map(({ organization_id }) => String(organization_id))
    const several = await vi.waitFor(async () => {
      const ended = await run('admin', 'firsthand', 'organization', 'suspend', ids[0]!.slice(0, 8))
      for (const id of ids) expect(ended.stderr).toContain(id)
      return ended
    }, shown)
    expect([several.exitCode, several.stderr]).toEqual([1, expect.stringContaining('several ids begin with org_')])
    const none = await run('admin', 'firsthand', 'submission', 'show', 'sub_00000000')
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('no submission has an id')])
    expect(none.stderr).toContain('/console/firsthand/submissions shows them.')
    // What cannot be undone wants the whole id.
    expect((await run('admin', 'firsthand', 'forget-worker', 'wkr_00000000', '--yes')).exitCode).toBe(2)
  })
})

describe('rungate', () => {
  it('names accounts by slugs, ids and their beginnings, and calls by their beginnings', async () => {
    const answer = await fetch(`${stack.url}/rungate/v1/register`, {
      ...{ method: 'POST', body: JSON.stringify({ name: 'Acme' }), headers: { 'content-type': 'application/json' } },
    })
    const { id, slug } = ((await answer.json()) as { data: { account: Record<'id' | 'slug', string> } }).data.account
    for (const named of [slug, id, id.slice(0, 8)]) {
      expect(await soon('rungate', 'account', 'step-limit', named, '100')).toMatchObject({ account_id: id })
    }
    const none = await run('rungate', 'calls', 'settle', '00000000', '--cost', '1', '--provider', 'openai')
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('no call has an id that begins')])
    const whole = await run('rungate', 'calls', 'settle', id, '--cost', '1', '--provider', 'openai')
    expect([whole.exitCode, whole.stderr]).toEqual([1, expect.stringContaining(`There is no call ${id}`)])
  })
})
