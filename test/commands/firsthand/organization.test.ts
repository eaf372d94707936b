import { describe, expect, it } from 'vitest'
import { organization } from '../../../src/commands/firsthand/organization.ts'
import type { Grantor, KeyFacts } from '../../../src/commands/firsthand/organization-keys.ts'
import type { OrganizationEvent } from '../../../src/events/firsthand/organization.ts'
import { rejects, specify } from '../../support/given.ts'
import { at, day, organizationId } from './story.ts'

const given = specify(organization)
const facts = { organizationId, name: 'Acme Pictures', tier: 'standard' as const }
const created: OrganizationEvent = { type: 'firsthand.OrganizationCreated.v1', data: { ...facts, occurredAt: at(0) } }
const suspended: OrganizationEvent = {
  type: 'firsthand.OrganizationSuspended.v1',
  data: { organizationId, reason: 'unpaid', occurredAt: at(1) },
}

const textOf = (n: number) => ({ textId: `text${n}`, keyHash: String(n).repeat(64), hint: `000${n}` })
const key = (n: number, change: Partial<KeyFacts> = {}): KeyFacts => ({
  ...{ keyId: `key_${n}`, ...textOf(n), name: 'office' },
  ...{ scopes: ['jobs:read', 'keys:manage'], environment: 'live', expiresAt: null },
  ...change,
})
const made = (
  n: number,
  change: Partial<KeyFacts> & { replaces?: string; madeBy?: string } = {},
): OrganizationEvent => ({
  type: 'firsthand.ApiKeyCreated.v1',
  data: { organizationId, replaces: null, madeBy: null, ...key(n, change), occurredAt: at(2) },
})
const rotated: OrganizationEvent = {
  type: 'firsthand.ApiKeyRotated.v1',
  data: { organizationId, keyId: 'key_1', replacedBy: 'key_2', validUntil: day(1), occurredAt: at(3) },
}
const revoked: OrganizationEvent = {
  type: 'firsthand.ApiKeyRevoked.v1',
  data: { organizationId, keyId: 'key_1', reason: null, occurredAt: at(4) },
}
const office = { keyId: 'key_8', scopes: ['jobs:read', 'keys:manage'], environment: 'live' as const }
const make = (change: Partial<KeyFacts> = {}, by: Grantor | null = null) =>
  ({ kind: 'createKey', key: key(1, change), by, keysMax: 2, at: at(2) }) as const
const rotate = (by: Grantor | null = office, when = at(3)) =>
  ({
    kind: 'rotateKey',
    ...{ keyId: 'key_1', replacement: { keyId: 'key_2', ...textOf(2) } },
    ...{ validUntil: day(1), by, keysMax: 2, at: when },
  }) as const
const revoke = (environment: 'live' | 'test' = 'live', sparesSuccessors = true, by: Grantor = office) =>
  ({
    kind: 'revokeKey',
    ...{ keyId: 'key_1', reason: null, sparesSuccessors, by: { ...by, environment }, at: at(4) },
  }) as const

describe('an organization', () => {
  it('is created once', () => {
    given([])
      .when({ kind: 'create', facts, at: at(0) })
      .then([created])
    given([created])
      .when({ kind: 'create', facts, at: at(0) })
      .then(rejects('organization_exists'))
  })
  it('is suspended and resumed, each once', () => {
    given([created])
      .when({ kind: 'suspend', reason: 'unpaid', at: at(1) })
      .then([suspended])
    given([created, suspended])
      .when({ kind: 'suspend', reason: 'unpaid', at: at(9) })
      .then([])
    given([created])
      .when({ kind: 'resume', reason: null, at: at(1) })
      .then([])
  })
  it('that is not there can do nothing', () =>
    given([])
      .when({ kind: 'suspend', reason: null, at: at(1) })
      .then(rejects('organization_not_found')))
})

describe('settings', () => {
  const none = {
    defaultPlatformFeePct: null,
    autoTopUpEnabled: false,
    autoTopUpThresholdCents: null,
    autoTopUpAmountCents: null,
  }
  const change = (settings: object) => ({ kind: 'changeSettings', settings, at: at(2) }) as const
  const changed = (settings: object): OrganizationEvent => ({
    type: 'firsthand.SettingsChanged.v1',
    data: { organizationId, ...none, ...settings, occurredAt: at(2) },
  })
  it('change in what is given alone', () =>
    given([created, changed({ autoTopUpThresholdCents: '5' })])
      .when(change({ defaultPlatformFeePct: '0.1' }))
      .then([changed({ autoTopUpThresholdCents: '5', defaultPlatformFeePct: '0.1' })]))
  it('that are so already are no event', () => {
    given([created])
      .when(change({ autoTopUpEnabled: false }))
      .then([])
    given([created, changed({ defaultPlatformFeePct: '0.1' })])
      .when(change({ defaultPlatformFeePct: '0.1' }))
      .then([])
  })
  it('of a top-up need a threshold and an amount, given now or before', () => {
    const enabled = { autoTopUpEnabled: true }
    given([created]).when(change(enabled)).then(rejects('top_up_incomplete', '/auto_top_up_threshold_cents'))
    given([created, changed({ autoTopUpThresholdCents: '5' })])
      .when(change(enabled))
      .then(rejects('top_up_incomplete', '/auto_top_up_amount_cents'))
    const both = { autoTopUpThresholdCents: '5', autoTopUpAmountCents: '100' }
    given([created, changed(both)])
      .when(change(enabled))
      .then([changed({ ...both, ...enabled })])
    given([created, changed({ ...both, ...enabled })])
      .when(change({ autoTopUpAmountCents: null }))
      .then(rejects('top_up_incomplete', '/auto_top_up_amount_cents'))
  })
  it('keep to the floor of the fee', () => {
    const floor: OrganizationEvent = {
      type: 'firsthand.FeeFloorSet.v1',
      data: { organizationId, feeFloorPct: '0.1', occurredAt: at(1) },
    }
    given([created])
      .when({ kind: 'setFeeFloor', feeFloorPct: '0.1', at: at(1) })
      .then([floor])
    given([created, floor])
      .when(change({ defaultPlatformFeePct: '0.0999' }))
      .then(rejects('fee_below_floor', '/default_platform_fee_pct'))
    given([created, floor])
      .when(change({ defaultPlatformFeePct: '0.1' }))
      .then([changed({ defaultPlatformFeePct: '0.1' })])
  })
})

describe('a key', () => {
  it('is made, and once for each text', () => {
    given([created])
      .when(make())
      .then([made(1)])
    given([created, made(1)])
      .when(make({ keyId: 'key_9' }))
      .then([])
  })
  it('makes none that may do what it may not itself', () =>
    given([created])
      .when(make({ scopes: ['jobs:write', 'jobs:read'] }, office))
      .then(rejects('key_beyond_own', '/scopes')))
  it('of the test world makes none of live', () =>
    given([created])
      .when(make({}, { ...office, environment: 'test' }))
      .then(rejects('key_beyond_own', '/environment')))
  it('is to end in the future', () =>
    given([created])
      .when(make({ expiresAt: at(2) }))
      .then(rejects('api_key_expiry_passed', '/expires_at')))
  it('is refused where as many work as may', () => {
    const others = [made(2), made(3)]
    given([created, ...others])
      .when(make())
      .then(rejects('api_key_limit_reached'))
    given([created, made(2, { expiresAt: at(1) }), made(3)])
      .when(make())
      .then([made(1)])
  })
  it('is rotated once, and the next attempt names its successor', () => {
    const successor = made(2, { replaces: 'key_1', madeBy: 'key_8' })
    const writes = [{ ...successor, data: { ...successor.data, occurredAt: at(3) } } as OrganizationEvent, rotated]
    given([created, made(1)])
      .when(rotate())
      .then(writes)
    given([created, made(1), successor, rotated])
      .when(rotate())
      .then(rejects('api_key_ended'))
  })
  it('that works no more is not rotated', () => {
    given([created, made(1), revoked])
      .when(rotate())
      .then(rejects('api_key_ended'))
    given([created, made(1, { expiresAt: at(3) })])
      .when(rotate())
      .then(rejects('api_key_ended'))
  })
  it('is rotated by none that may do less', () =>
    given([created, made(1)])
      .when(rotate({ ...office, scopes: ['keys:manage'] }))
      .then(rejects('key_beyond_own', '/scopes')))
  it('is revoked once', () => {
    given([created, made(1)])
      .when(revoke())
      .then([revoked])
    given([created, made(1), revoked])
      .when(revoke())
      .then([])
  })
  it('takes what was made from it by rotation along when it is revoked, unless that is spared', () => {
    const rotatedTo = (n: number): OrganizationEvent[] => [
      made(n, { replaces: `key_${n - 1}` }),
      { ...rotated, data: { ...rotated.data, keyId: `key_${n - 1}`, replacedBy: `key_${n}` } } as OrganizationEvent,
    ]
    const revokedOf = (n: number) => ({ ...revoked, data: { ...revoked.data, keyId: `key_${n}` } }) as OrganizationEvent
    const line = [created, made(1), ...rotatedTo(2), ...rotatedTo(3), made(4)]
    given(line)
      .when(revoke('live', false))
      .then([revoked, revokedOf(2), revokedOf(3)])
    given(line).when(revoke('live', true)).then([revoked])
    given([...line, revoked, revokedOf(2)])
      .when(revoke('live', false))
      .then([revokedOf(3)])
  })
  it('takes what was made with it along when it is revoked, and what was made with that', () => {
    const revokedOf = (n: number) => ({ ...revoked, data: { ...revoked.data, keyId: `key_${n}` } }) as OrganizationEvent
    const turned = { ...rotated, data: { ...rotated.data, keyId: 'key_2', replacedBy: 'key_3' } } as OrganizationEvent
    const line = [
      ...[created, made(1), made(2, { madeBy: 'key_1' }), made(3, { madeBy: 'key_2', replaces: 'key_2' }), turned],
      ...[made(4, { madeBy: 'key_3' }), made(5), made(6, { madeBy: 'key_1', replaces: 'key_1' }), rotated],
      made(7, { madeBy: 'key_6' }),
    ]
    // What has taken its own place is spared, with what was made with that; not what has taken the place of what was made.
    given(line)
      .when(revoke())
      .then([revoked, revokedOf(2), revokedOf(3), revokedOf(4)])
    given(line)
      .when(revoke('live', false))
      .then([revoked, revokedOf(6), revokedOf(2), revokedOf(7), revokedOf(3), revokedOf(4)])
    // A key that asks stays, with what it has made.
    given(line)
      .when(revoke('live', true, { ...office, keyId: 'key_3' }))
      .then([revoked, revokedOf(2)])
    given(line)
      .when(revoke('live', true, { ...office, keyId: 'key_1' }))
      .then([revoked, revokedOf(2), revokedOf(3), revokedOf(4)])
  })
  it('of live is not there for one of the test world', () => {
    given([created, made(1)])
      .when(revoke('test'))
      .then(rejects('api_key_not_found'))
    given([created, made(1)])
      .when(rotate({ ...office, environment: 'test' }))
      .then(rejects('api_key_not_found'))
  })
  it('is noted when it is used, but not all the time', () => {
    const use = (minute: number) =>
      ({ kind: 'noteKeyUse', keyId: 'key_1', usedAt: at(minute), gapMinMs: 900_000, at: at(minute) }) as const
    const noted: OrganizationEvent = {
      type: 'firsthand.ApiKeyUseNoted.v1',
      data: { organizationId, keyId: 'key_1', usedAt: at(10), occurredAt: at(10) },
    }
    given([created, made(1)])
      .when(use(10))
      .then([noted])
    given([created, made(1), noted])
      .when(use(24))
      .then([])
    expect(organization.decide(use(25), given([created, made(1), noted]).state())).toHaveLength(1)
  })
})
