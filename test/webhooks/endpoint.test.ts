import { describe, expect, it } from 'vitest'
import { type ConfiguredEndpoint, isSubscribed } from '../../src/webhooks/endpoint.ts'
import { type HookEvent, hook, sampleRegistry } from '../sample/webhooks.ts'
import { uuidOf } from '../support/examples.ts'
import { rejects, specify } from '../support/given.ts'
import { at } from '../support/moments.ts'

const given = specify(hook, sampleRegistry)
const owner = { tenantId: uuidOf('acme'), hookId: uuidOf('hook') }
const url = 'https://hooks.example.com/'
const first = { secretId: '5f5dbb3c-9f3e-4c5a-8a8f-0d4c6c1f7a01', sealed: 'k.first' }
const second = { secretId: '5f5dbb3c-9f3e-4c5a-8a8f-0d4c6c1f7a02', sealed: 'k.second' }
const HOUR_MS = 3_600_000

const endpointSet: HookEvent = {
  type: 'sample.WebhookEndpointSet.v1',
  data: { ...owner, url, eventTypes: null, occurredAt: at(1) },
}
const secretIssued: HookEvent = {
  type: 'sample.WebhookEndpointSecretIssued.v1',
  data: { ...owner, ...first, previousValidUntil: null, occurredAt: at(1) },
}
const rotated: HookEvent = {
  type: 'sample.WebhookEndpointSecretIssued.v1',
  data: { ...owner, ...second, previousValidUntil: at(30), occurredAt: at(2) },
}
const disabled = (cause: 'administrator' | 'gone' | 'failing', reason: string | null = null): HookEvent => ({
  type: 'sample.WebhookEndpointDisabled.v1',
  data: { ...owner, cause, reason, occurredAt: at(3) },
})
const enabled: HookEvent = {
  type: 'sample.WebhookEndpointEnabled.v1',
  data: { ...owner, reason: null, occurredAt: at(4) },
}
const failing: HookEvent = {
  type: 'sample.WebhookEndpointFailing.v1',
  data: { ...owner, since: at(2), occurredAt: at(2) },
}
const configured = [endpointSet, secretIssued]
const set = { kind: 'set', owner, url, eventTypes: null, secret: first, at: at(1) } as const

describe('setting an endpoint', () => {
  it('the first time issues a secret and enables it', () => {
    given([]).when(set).then(configured)
    expect(given(configured).state()).toMatchObject({ status: 'enabled', url, eventTypes: null, failingSince: null })
  })
  it('as it is writes nothing, and leaves the secret alone', () => {
    given(configured)
      .when({ ...set, secret: second, at: at(5) })
      .then([])
  })
  it('elsewhere keeps the secret, and keeps a disabled one disabled', () => {
    const moved = { ...set, url: 'https://other.example.com/', eventTypes: ['trade.closed'], secret: second, at: at(5) }
    const data = { ...owner, url: moved.url, eventTypes: moved.eventTypes, occurredAt: at(5) }
    const movedEvent: HookEvent = { type: 'sample.WebhookEndpointSet.v1', data }
    given([...configured, disabled('gone')])
      .when(moved)
      .then([movedEvent])
    expect(given([...configured, disabled('gone'), movedEvent]).state()).toMatchObject({
      status: 'disabled',
      url: moved.url,
      secrets: [{ ...first, validUntil: null }],
    })
  })
})

describe('rotating the secret', () => {
  const rotate = { kind: 'rotateSecret', secret: second, previousValidUntil: at(30), at: at(2) } as const
  it('issues another, and dates the one before', () => {
    given(configured).when(rotate).then([rotated])
    expect(given([...configured, rotated]).state()).toMatchObject({
      secrets: [
        { ...first, validUntil: at(30) },
        { ...second, validUntil: null },
      ],
    })
  })
  it('twice leaves the first one’s end where it was', () => {
    const third: HookEvent = { ...rotated, data: { ...rotated.data, previousValidUntil: at(40) } as never }
    const { secrets } = given([...configured, rotated, third]).state() as ConfiguredEndpoint
    expect(secrets.map(({ validUntil }) => validUntil)).toStrictEqual([at(30), at(40), null])
  })
  it('is refused where there is no endpoint', () => {
    given([]).when(rotate).then(rejects('webhook_not_configured'))
  })
})

describe('switching', () => {
  const disable = { kind: 'disable', cause: 'administrator', reason: null, at: at(3) } as const
  const enable = { kind: 'enable', reason: null, at: at(4) } as const
  it('off and on again', () => {
    given(configured)
      .when(disable)
      .then([disabled('administrator')])
    given([...configured, disabled('administrator')])
      .when(enable)
      .then([enabled])
  })
  it('to where it is writes nothing', () => {
    given([...configured, disabled('gone')])
      .when(disable)
      .then([])
    given(configured).when(enable).then([])
  })
  it('is refused where there is no endpoint', () => {
    given([]).when(enable).then(rejects('webhook_not_configured'))
  })
  it('on again starts with a clean slate', () => {
    expect(given([...configured, failing, disabled('failing'), enabled]).state()).toMatchObject({ failingSince: null })
  })
})

describe('reports of deliveries', () => {
  const failure = (minute: number) => ({ kind: 'reportFailure', disableAfterMs: HOUR_MS / 2, at: at(minute) }) as const
  const success = { kind: 'reportSuccess', at: at(9) } as const
  it('note the first failure', () => {
    given(configured).when(failure(2)).then([failing])
  })
  it('note no further one', () => {
    given([...configured, failing])
      .when(failure(31))
      .then([])
  })
  it('disable what has failed for too long', () => {
    const data = {
      ...owner,
      cause: 'failing' as const,
      reason: `nothing but failures since ${at(2)}`,
      occurredAt: at(32),
    }
    given([...configured, failing])
      .when(failure(32))
      .then([{ type: 'sample.WebhookEndpointDisabled.v1', data }])
  })
  it('note the first success after failures, and no other', () => {
    const data = { ...owner, failingSince: at(2), occurredAt: at(9) }
    given([...configured, failing])
      .when(success)
      .then([{ type: 'sample.WebhookEndpointRecovered.v1', data }])
    given(configured).when(success).then([])
  })
  it('say nothing of a disabled endpoint', () => {
    given([...configured, failing, disabled('gone')])
      .when(failure(59))
      .then([])
  })
})

describe('a subscription', () => {
  it('takes everything, or what it names, and nothing while it is disabled', () => {
    const all = given(configured).state()
    expect(isSubscribed(all, 'anything.new')).toBe(true)
    const data = { ...owner, url, eventTypes: ['trade.closed'], occurredAt: at(2) }
    const some = given([...configured, { type: 'sample.WebhookEndpointSet.v1', data }]).state()
    expect([isSubscribed(some, 'trade.closed'), isSubscribed(some, 'account.opened')]).toStrictEqual([true, false])
    expect(isSubscribed(given([...configured, disabled('gone')]).state(), 'trade.closed')).toBe(false)
    expect(isSubscribed({ status: 'absent' }, 'trade.closed')).toBe(false)
  })
})
