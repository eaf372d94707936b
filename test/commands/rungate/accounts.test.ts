/** What may be done with accounts, slugs, names and tokens. */
import { describe, expect, it } from 'vitest'
import { account, accountSlug } from '../../../src/commands/rungate/account.ts'
import { adminToken } from '../../../src/commands/rungate/admin-token.ts'
import { generateKey, hashedForm, textIdOf } from '../../../src/commands/rungate/keys.ts'
import { name, nameIdOf } from '../../../src/commands/rungate/name.ts'
import { slugFault, slugFrom } from '../../../src/commands/rungate/registering.ts'
import { type TokenPlaceCommand, tokenPlaces } from '../../../src/commands/rungate/token-places.ts'
import { folded } from '../../../src/events/rungate/name.ts'
import type { Author } from '../../../src/events/rungate/vocabulary.ts'
import { example, timeAt, uuidOf } from '../../support/examples.ts'
import { rejects, specify } from '../../support/given.ts'

const at = timeAt(900)

describe('an account', () => {
  const given = specify(account)
  const registered = example('rungate.AccountRegistered.v1')
  const { accountId, occurredAt: _, ...facts } = registered.data

  it('is registered once', () => {
    const command = { kind: 'register', facts: { accountId, ...facts }, at } as const
    given([])
      .when(command)
      .then([{ ...registered, data: { ...registered.data, occurredAt: at } }])
    given([registered]).when(command).then([])
  })

  it('is changed only where that changes something, and not before it is there', () => {
    const renaming = { kind: 'rename', name: 'Other', at } as const
    given([registered])
      .when(renaming)
      .then([{ type: 'rungate.AccountRenamed.v1', data: { accountId, name: 'Other', occurredAt: at } }])
    given([registered]).when({ kind: 'rename', name: facts.name, at }).then([])
    given([registered]).when({ kind: 'changeTier', tier: 'free', at }).then([])
    given([registered]).when({ kind: 'setStepLimit', stepLimit: null, at }).then([])
    given([registered]).when({ kind: 'resume', reason: null, at }).then([])
    given([registered, example('rungate.AccountSuspended.v1')])
      .when({ kind: 'suspend', reason: null, at })
      .then([])
    given([]).when(renaming).then(rejects('account_not_found'))
  })
})

describe('a slug', () => {
  const given = specify(accountSlug)
  const claimed = example('rungate.SlugClaimed.v1')

  it('is one account’s', () => {
    given([]).when({ claim: claimed.data }).then([claimed])
    given([claimed]).when({ claim: claimed.data }).then([])
    const another = { ...claimed.data, accountId: uuidOf('another account') }
    given([claimed]).when({ claim: another }).then(rejects('slug_taken', '/slug'))
  })

  it('is made of a name so that it is one, and other ones of the same name', () => {
    const made = ['Acmé Corp', '!!', 'X', 'Admin', '日本', 'a'.repeat(80), '--a--b--'].map((of) => slugFrom(of, 0))
    expect(made).toStrictEqual(['acme-corp', 'account', 'account-x', 'account-admin', 'account', 'a'.repeat(50), 'a-b'])
    for (const slug of [...made, slugFrom('a'.repeat(80), 11), slugFrom('Acme', 1)])
      expect(slugFault(slug)).toBeUndefined()
    expect(slugFrom('Acme', 1)).toBe('acme-2')
  })
})

describe('a name', () => {
  const given = specify(name)
  const claimed = example('rungate.NameClaimed.v1')
  const released = example('rungate.NameReleased.v1')

  it('is one owner’s until that gives it up', () => {
    const another = { ...claimed.data, ownerId: uuidOf('another policy') }
    given([]).when({ kind: 'claim', claim: claimed.data }).then([claimed])
    given([claimed]).when({ kind: 'claim', claim: claimed.data }).then([])
    given([claimed]).when({ kind: 'claim', claim: another }).then(rejects('name_taken', '/name'))
    given([claimed])
      .when({ kind: 'release', claim: { ...released.data, ownerId: another.ownerId } })
      .then([])
    given([claimed]).when({ kind: 'release', claim: released.data }).then([released])
    given([claimed, released])
      .when({ kind: 'claim', claim: another })
      .then([{ ...claimed, data: another }])
  })

  it('is the same whatever its case and its form', () => {
    expect(folded('CAFÉ')).toBe(folded('cafe\u0301'))
    expect(nameIdOf('a', 'policy', 'X')).toBe(nameIdOf('a', 'policy', 'x'))
    expect(nameIdOf('a', 'policy', 'X')).not.toBe(nameIdOf('a', 'agent', 'X'))
  })
})

describe('an admin token', () => {
  const given = specify(adminToken)
  const issued = example('rungate.AdminTokenIssued.v1')
  const { accountId, tokenId } = issued.data
  const author = { id: 'system', tokenId: null }

  it('may do what its maker may, at most', () => {
    const command = { kind: 'issue', facts: issued.data, mayGrant: ['read', 'write', 'admin'] } as const
    given([]).when(command).then([issued])
    given([issued]).when(command).then([])
    given([])
      .when({ ...command, mayGrant: ['read', 'write'] })
      .then(rejects('token_beyond_own', '/scopes'))
  })

  it('is revoked once, and by its own account', () => {
    const revocation = { kind: 'revoke', accountId, author, at } as const
    const revoked = {
      type: 'rungate.AdminTokenRevoked.v1',
      data: { accountId, tokenId, author, occurredAt: at },
    } as const
    given([issued]).when(revocation).then([revoked])
    given([issued, revoked]).when(revocation).then([])
    given([issued])
      .when({ ...revocation, accountId: uuidOf('other') })
      .then(rejects('admin_token_not_found'))
    given([]).when(revocation).then(rejects('admin_token_not_found'))
  })

  it('has its use noted now and again', () => {
    const noted = example('rungate.AdminTokenUseNoted.v1')
    const later = new Date(Date.parse(noted.data.usedAt) + 60_000).toISOString()
    given([issued, noted]).when({ kind: 'noteUse', gapMinMs: 60_001, at: later }).then([])
    given([issued, noted])
      .when({ kind: 'noteUse', gapMinMs: 60_000, at: later })
      .then([{ ...noted, data: { ...noted.data, usedAt: later, occurredAt: later } }])
  })
})

describe('the places of admin tokens', () => {
  const given = specify(tokenPlaces)
  const { accountId } = example('rungate.AdminTokenPlaceTaken.v1').data
  const day = (n: number) => `2026-07-0${n}T00:00:00.000Z`
  const system = { id: 'system', tokenId: null }
  const asks = (tokenId: string, madeBy: string | null, expiresAt: string | null = null, occurredAt = day(1)) => ({
    ...{ accountId, tokenId: uuidOf(tokenId), madeBy: madeBy === null ? null : uuidOf(madeBy), expiresAt, occurredAt },
  })
  const taken = (...asked: Parameters<typeof asks>) =>
    ({ type: 'rungate.AdminTokenPlaceTaken.v1', data: asks(...asked) }) as const
  const take = (tokensMax: number, ...asked: Parameters<typeof asks>): TokenPlaceCommand => {
    const { occurredAt, ...place } = asks(...asked)
    return { kind: 'take', ...place, tokensMax, at: occurredAt }
  }
  const free = (tokenId: string, author: Author = system): TokenPlaceCommand => ({
    ...{ kind: 'free', accountId, tokenId: uuidOf(tokenId), author, at: day(9) },
  })
  const freed = (tokenId: string, author: Author = system) =>
    ({
      type: 'rungate.AdminTokenPlaceFreed.v1',
      data: { accountId, tokenId: uuidOf(tokenId), author, occurredAt: day(9) },
    }) as const
  const by = (tokenId: string): Author => ({ id: uuidOf(tokenId), tokenId: uuidOf(tokenId) })

  it('are as many as an account may have, and free again once a token is revoked', () => {
    const two = [taken('one', null), taken('two', null)]
    given(two)
      .when(take(3, 'three', null))
      .then([taken('three', null)])
    given(two)
      .when(take(2, 'three', null))
      .then(rejects('admin_token_limit_reached'))
    given(two)
      .when(take(2, 'two', null))
      .then([])
    given([...two, freed('one')])
      .when(take(2, 'three', null))
      .then([taken('three', null)])
  })

  it('are free again once a token has ended by its time, and all that was made with it', () => {
    const ended = taken('one', null, day(2))
    const next = take(1, 'two', null, null, day(3))
    given([ended])
      .when(next)
      .then([taken('two', null, null, day(3))])
    given([ended, taken('made', 'one')])
      .when(next)
      .then(rejects('admin_token_limit_reached'))
    given([ended, taken('made', 'one', day(2))])
      .when(next)
      .then([taken('two', null, null, day(3))])
  })

  it('of what was made with a token are freed with its own, however it came to be, but not those beside it', () => {
    const line = [taken('a', null), taken('b', 'a'), taken('c', 'b'), taken('d', 'a'), taken('beside', null)]
    given(line)
      .when(free('a'))
      .then([freed('a'), freed('b'), freed('d'), freed('c')])
    given(line)
      .when(free('b', by('b')))
      .then([freed('b', by('b')), freed('c', by('b'))])
    // It has ended by its time, and what was made with it has not.
    given([taken('a', null, day(2)), taken('b', 'a'), taken('beside', null, null, day(3))])
      .when(free('a'))
      .then([freed('a'), freed('b')])
    // It is from before tokens had places.
    given([taken('b', 'a')])
      .when(free('a'))
      .then([freed('b')])
  })

  it('of the token that asks, and of what it has made, stay; they belong to whoever the revoked one was made with', () => {
    const line = [taken('a', null), taken('b', 'a'), taken('c', 'b'), taken('d', 'c'), taken('e', 'b')]
    const after = [freed('b', by('c')), freed('e', by('c'))]
    given(line)
      .when(free('b', by('c')))
      .then(after)
    given([...line, ...after])
      .when(free('a'))
      .then([freed('a'), freed('c'), freed('d')])
  })
})

describe('the text of a key', () => {
  it('has no line before its secret, and is found by the id in it', () => {
    const { secret, facts } = generateKey('sk')
    expect(secret).toMatch(/^rg_sk_[0-9A-Za-z]{66}$/)
    expect(facts.keyPrefix).toBe(secret.slice(0, 11))
    expect(textIdOf(hashedForm('sk', secret) ?? '')).toBe(facts.textId)
    expect(hashedForm('adm', secret)).toBeUndefined()
    expect(hashedForm('sk', `${secret.slice(0, 23)}_${secret.slice(23)}`)).toBeUndefined()
    expect(hashedForm('sk', `${secret.slice(0, -1)}_`)).toBeUndefined()
  })
})
