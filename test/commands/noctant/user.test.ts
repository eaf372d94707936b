import { describe, expect, it } from 'vitest'
import { globalUserIdOf, user } from '../../../src/commands/noctant/user.ts'
import type { UserEvent } from '../../../src/events/noctant/user.ts'
import { at, operatorFacts, provision, userProvisioned } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(user)
const { operatorId } = operatorFacts
const { globalUserId } = userProvisioned.data

const refreshed = (email: string | null, displayName: string | null): UserEvent => ({
  type: 'noctant.UserProfileRefreshed.v1',
  data: { globalUserId, operatorId, email, displayName, occurredAt: at(5) },
})

describe('provisioning a user', () => {
  it('records the user on the first call', () => {
    given([]).when(provision).then([userProvisioned])
  })

  it('records what was left out as null', () => {
    const data = { ...userProvisioned.data, email: null, displayName: null }
    const bare = { ...provision, email: undefined, displayName: undefined }
    given([])
      .when(bare)
      .then([{ type: 'noctant.UserProvisioned.v1', data }])
  })

  it('writes nothing when the same values come again', () => {
    given([userProvisioned])
      .when({ ...provision, at: at(5) })
      .then([])
  })

  it('writes nothing when neither email nor display name is given', () => {
    given([userProvisioned])
      .when({ ...provision, email: undefined, displayName: undefined, at: at(5) })
      .then([])
  })

  it('refreshes the email and keeps the name that was not given', () => {
    given([userProvisioned])
      .when({ ...provision, email: 'ada@new.example', displayName: undefined, at: at(5) })
      .then([refreshed('ada@new.example', 'Ada')])
  })

  it('refreshes both at once, in one event that holds the whole profile', () => {
    given([userProvisioned])
      .when({ ...provision, email: 'ada@new.example', displayName: 'Ada L.', at: at(5) })
      .then([refreshed('ada@new.example', 'Ada L.')])
  })

  it('compares with the profile as it is now, not as it was at first', () => {
    given([userProvisioned, refreshed('ada@new.example', 'Ada')])
      .when({ ...provision, at: at(5) })
      .then([refreshed('ada@example.com', 'Ada')])
  })
})

describe('forgetting a user', () => {
  const forget = { kind: 'forget', reference: 'DSR-7', at: at(9) } as const
  const forgotten: UserEvent = {
    type: 'noctant.UserForgotten.v1',
    data: { globalUserId, operatorId, reference: 'DSR-7', occurredAt: at(9) },
  }

  it('records it, once, without anything personal', () => {
    given([userProvisioned]).when(forget).then([forgotten])
    given([userProvisioned, refreshed('ada@new.example', 'Ada'), forgotten])
      .when(forget)
      .then([])
  })

  it('is refused for a user that there never was', () => {
    given([]).when(forget).then(rejects('user_not_found'))
  })

  it('leaves a user without a profile, whom no later call brings back', () => {
    const events = [userProvisioned, forgotten]
    const { email: _, displayName: __, occurredAt, ...ids } = userProvisioned.data
    expect(given(events).state()).toStrictEqual({
      ...ids,
      status: 'forgotten',
      createdAt: occurredAt,
      forgottenAt: at(9),
    })
    given(events)
      .when({ ...provision, at: at(10) })
      .then(rejects('user_forgotten'))
    given(events)
      .when({ ...provision, email: undefined, displayName: undefined, at: at(10) })
      .then(rejects('user_forgotten'))
  })
})

describe('the state of a user', () => {
  it('keeps the time of creation and moves the time of change', () => {
    expect(given([userProvisioned, refreshed(null, 'Ada L.')]).state()).toMatchObject({
      status: 'provisioned',
      email: null,
      displayName: 'Ada L.',
      createdAt: at(1),
      updatedAt: at(5),
    })
  })

  it('has one id per operator and external id, matched byte for byte', () => {
    const ids = ['trader-1', 'Trader-1', 'trader-1 ', 'trader-\u00e9', 'trader-e\u0301'].map((externalId) =>
      globalUserIdOf(operatorId, externalId),
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(globalUserIdOf(operatorId, 'trader-1')).toBe(globalUserId)
    expect(globalUserIdOf(operatorFacts.orgId, 'trader-1')).not.toBe(globalUserId)
  })
})
