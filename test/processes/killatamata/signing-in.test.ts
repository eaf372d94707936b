/** Proofs of persons lead to one account each, whoever vouches for them and however many come at once. */
import { describe, expect, it } from 'vitest'
import { account } from '../../../src/commands/killatamata/account.ts'
import { deviceLink } from '../../../src/commands/killatamata/device-link.ts'
import { linkIdOf } from '../../../src/commands/killatamata/ids.ts'
import { generateApiKey } from '../../../src/commands/killatamata/keys.ts'
import { createSignInDigests } from '../../../src/processes/killatamata/digests.ts'
import { pollLink } from '../../../src/processes/killatamata/linking.ts'
import { enterByCode, enterByGoogle, issueKey, startEmail } from '../../../src/processes/killatamata/signing-in.ts'
import { at, emptyLog, processOn, systemAt } from '../../commands/killatamata/story.ts'
import type { MemoryStore } from '../../support/memory-store.ts'

const digests = createSignInDigests({ ensure: async () => Buffer.alloc(32, 7) })
const partsOn = (log: MemoryStore, keysMax = 50) => ({ bus: processOn(log).bus, digests, keysMax, codeMs: 600_000 })

/** The code that was mailed last. */
async function mailedCode(log: MemoryStore): Promise<string> {
  const mails = log.events().filter(({ type }) => type === 'killatamata.MailRequested.v1')
  return String(mails.at(-1)?.data.code)
}

/** The codes of refusals, and `done` for the others. */
const outcomesOf = async (work: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(work)).map((each) => (each.status === 'fulfilled' ? 'done' : String(each.reason.code)))

describe('a mailed code', () => {
  it('opens an account, and the same one the next time, however the address is written', async () => {
    const log = emptyLog()
    const parts = partsOn(log)
    await startEmail(parts, ' Ada@Example.com ', systemAt(0))
    const first = await enterByCode(
      parts,
      { email: 'ada@example.com', code: await mailedCode(log), wantsKey: true },
      systemAt(1),
    )
    expect(first).toMatchObject({ email: 'ada@example.com', isNew: true })
    await startEmail(parts, 'ada@example.com', systemAt(2))
    const code = await mailedCode(log)
    const again = await enterByCode(parts, { email: 'ADA@example.com', code, wantsKey: true }, systemAt(3))
    expect(again).toStrictEqual({ ...first, isNew: false })
  })

  it('works once: of 20 at once in two processes one has it', async () => {
    const log = emptyLog()
    const [here, there] = [partsOn(log), partsOn(log)]
    await startEmail(here, 'ada@example.com', systemAt(0))
    const code = await mailedCode(log)
    const work = Array.from({ length: 20 }, (_, n) =>
      enterByCode(n % 2 ? here : there, { email: 'ada@example.com', code, wantsKey: false }, systemAt(1)),
    )
    const outcomes = await outcomesOf(work)
    expect(outcomes.filter((each) => each === 'done')).toHaveLength(1)
    expect(outcomes.filter((each) => each === 'code_invalid')).toHaveLength(19)
  })

  it('is void after five wrong ones, after its time, and when a newer one was asked for', async () => {
    const log = emptyLog()
    const parts = partsOn(log)
    const enter = (code: string, seconds: number) =>
      outcomesOf([enterByCode(parts, { email: 'ada@example.com', code, wantsKey: false }, systemAt(seconds))])
    await startEmail(parts, 'ada@example.com', systemAt(0))
    const old = await mailedCode(log)
    await startEmail(parts, 'ada@example.com', systemAt(1))
    const code = await mailedCode(log)
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0')
    expect(await enter(old === code ? wrong : old, 2)).toStrictEqual(['code_invalid'])
    for (const seconds of [3, 4, 5, 6]) expect(await enter(wrong, seconds)).toStrictEqual(['code_invalid'])
    expect(await enter(code, 7)).toStrictEqual(['code_invalid'])
    await startEmail(parts, 'ada@example.com', systemAt(10))
    expect(await enter(await mailedCode(log), 611)).toStrictEqual(['code_invalid'])
  })

  it('stands in no event as text, but in its mail, which is sealed', async () => {
    const log = emptyLog()
    await startEmail(partsOn(log), 'ada@example.com', systemAt(0))
    const code = await mailedCode(log)
    const others = log.events().filter(({ type }) => type !== 'killatamata.MailRequested.v1')
    expect(JSON.stringify(others.map(({ data }) => data))).not.toContain(`"${code}"`)
  })
})

describe('Google’s word', () => {
  const ada = { subject: '1234567890', email: 'Ada@example.com' }

  it('leads to the account of the address, whichever of the two came first', async () => {
    const log = emptyLog()
    const parts = partsOn(log)
    await startEmail(parts, 'ada@example.com', systemAt(0))
    const code = await mailedCode(log)
    const mailed = await enterByCode(parts, { email: 'ada@example.com', code, wantsKey: false }, systemAt(1))
    expect(await enterByGoogle(parts, ada, systemAt(2))).toStrictEqual({ ...mailed, isNew: false })
    const other = { subject: '42', email: 'ben@example.com' }
    const ben = await enterByGoogle(parts, other, systemAt(3))
    await startEmail(parts, 'ben@example.com', systemAt(4))
    const again = { email: 'ben@example.com', code: await mailedCode(log), wantsKey: false }
    expect((await enterByCode(parts, again, systemAt(5))).accountId).toBe(ben.accountId)
  })

  it('stays with its subject, whatever address that has later', async () => {
    const parts = partsOn(emptyLog())
    const first = await enterByGoogle(parts, ada, systemAt(0))
    const moved = await enterByGoogle(parts, { ...ada, email: 'ada@elsewhere.example' }, systemAt(1))
    expect(moved.accountId).toBe(first.accountId)
  })

  it('and a code at the same moment, in several processes, open one account', async () => {
    const log = emptyLog()
    const processes = [partsOn(log), partsOn(log), partsOn(log)] as const
    await startEmail(processes[0], 'ada@example.com', systemAt(0))
    const code = await mailedCode(log)
    const entered = await Promise.all([
      enterByCode(processes[0], { email: 'ada@example.com', code, wantsKey: false }, systemAt(1)),
      ...[1, 2].map((n) => enterByGoogle(processes[n as 1 | 2], ada, systemAt(1))),
    ])
    expect(new Set(entered.map(({ accountId }) => accountId)).size).toBe(1)
  })

  it('opens a new account where the former one was forgotten', async () => {
    const parts = partsOn(emptyLog())
    const { accountId } = await enterByGoogle(parts, ada, systemAt(0))
    const forget = { kind: 'forget', accountId, reference: null, at: at(1) } as const
    await parts.bus.handle(account, accountId, forget, systemAt(1))
    const next = await enterByGoogle(parts, ada, systemAt(2))
    expect(next.isNew).toBe(true)
    expect(next.accountId).not.toBe(accountId)
  })
})

describe('keys', () => {
  it('of an account are bounded, however many are made at once', async () => {
    const log = emptyLog()
    const [here, there] = [partsOn(log, 5), partsOn(log, 5)]
    const { accountId } = await enterByGoogle(here, { subject: '1', email: 'ada@example.com' }, systemAt(0))
    const work = Array.from({ length: 12 }, (_, n) => {
      const key = { ...generateApiKey(at(1)).facts, label: null }
      return issueKey(n % 2 ? here : there, { accountId, key, source: 'key', hasRoom: false }, systemAt(1))
    })
    const outcomes = await outcomesOf(work)
    expect(outcomes.filter((each) => each === 'done')).toHaveLength(5)
    expect(new Set(outcomes)).toStrictEqual(new Set(['done', 'key_limit_reached']))
  })

  it('of a device are given once: of 20 polls at once one has it', async () => {
    const log = emptyLog()
    const [here, there] = [partsOn(log), partsOn(log)]
    const { accountId } = await enterByGoogle(here, { subject: '1', email: 'ada@example.com' }, systemAt(0))
    const linkId = linkIdOf('BCDFGHJK')
    const deviceCodeHash = 'ab'.repeat(32)
    const facts = { userCode: 'BCDFGHJK', deviceCodeHash, keyLabel: null, intervalS: 5, expiresAt: at(600) }
    await here.bus.handle(deviceLink, linkId, { kind: 'start', linkId, facts, at: at(0) }, systemAt(0))
    const approve = { kind: 'approve', linkId, accountId, keyLabel: 'laptop', at: at(1) } as const
    await here.bus.handle(deviceLink, linkId, approve, systemAt(1))
    const work = Array.from({ length: 20 }, (_, n) =>
      pollLink(n % 2 ? here : there, { linkId, deviceCodeHash, key: generateApiKey(at(2)).facts }, systemAt(2)),
    )
    const outcomes = await outcomesOf(work)
    expect(outcomes.filter((each) => each === 'done')).toHaveLength(1)
    expect(outcomes.filter((each) => each === 'device_link_consumed')).toHaveLength(19)
    const state = await there.bus.current(account, accountId)
    expect(state).toMatchObject({ status: 'active', keys: { size: 1 } })
  })
})
