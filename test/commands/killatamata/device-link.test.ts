/** A device asks, a person approves, and the key is handed out once. */
import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type DeviceLinkCommand, deviceLink } from '../../../src/commands/killatamata/device-link.ts'
import { linkIdOf } from '../../../src/commands/killatamata/ids.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { DeviceLinkEvent } from '../../../src/events/killatamata/sign-in.ts'
import { accountId, at, otherAccountId, registry } from './story.ts'

const linkId = linkIdOf('BCDFGHJK')
const deviceCodeHash = hash('sha256', 'the device')
const key = { keyId: 'key_1', textId: 't', keyHash: hash('sha256', 'a key'), keyPrefix: 'kt_t' }

const start = (seconds = 0): DeviceLinkCommand => ({
  ...{ kind: 'start', linkId, at: at(seconds) },
  facts: { userCode: 'BCDFGHJK', deviceCodeHash, keyLabel: 'laptop', intervalS: 5, expiresAt: at(seconds + 600) },
})
const approve = (seconds: number, by = accountId, keyLabel: string | null = null): DeviceLinkCommand => ({
  ...{ kind: 'approve', linkId, accountId: by, keyLabel, at: at(seconds) },
})
const poll = (seconds: number, code = deviceCodeHash): DeviceLinkCommand => ({
  ...{ kind: 'poll', linkId, deviceCodeHash: code, key, at: at(seconds) },
})

/** What each of these leads to: the last part of the event's name, or the code of the refusal. */
function outcomes(...commands: readonly DeviceLinkCommand[]): string[] {
  const events: DeviceLinkEvent[] = []
  return commands.map((command) => {
    try {
      const more = deviceLink.decide(command, fold(deviceLink, events))
      for (const { type, data } of more) expect(registry.decode(type, data)).toStrictEqual({ type, data })
      events.push(...more)
      return more.map(({ type }) => type.split('.')[1]).join() || 'nothing'
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      return error.code
    }
  })
}

describe('a device’s link', () => {
  it('is approved and gives its key once', () => {
    expect(outcomes(start(), poll(1), approve(3), poll(7), poll(20))).toStrictEqual([
      ...['LinkStarted', 'LinkPolled', 'LinkApproved', 'LinkConsumed', 'device_link_consumed'],
    ])
  })

  it('takes a first poll at once, and counts the interval from the last one in time', () => {
    expect(outcomes(start(), poll(0), poll(4), poll(9), poll(10))).toStrictEqual([
      ...['LinkStarted', 'LinkPolled', 'LinkPolledTooEarly', 'LinkPolledTooEarly', 'LinkPolledTooEarly'],
    ])
    // The interval has grown to 10 seconds, and the refused poll has not moved the clock.
    expect(outcomes(start(), poll(0), poll(4), poll(10))).toStrictEqual([
      ...['LinkStarted', 'LinkPolled', 'LinkPolledTooEarly', 'LinkPolled'],
    ])
  })

  it('is approved by one account alone', () => {
    expect(outcomes(start(), approve(1), approve(2), approve(3, otherAccountId))).toStrictEqual([
      ...['LinkStarted', 'LinkApproved', 'nothing', 'device_link_decided'],
    ])
  })

  it('ends by its time, approved or not', () => {
    expect(outcomes(start(), approve(600), poll(600))).toStrictEqual([
      ...['LinkStarted', 'device_link_expired', 'device_link_expired'],
    ])
    expect(outcomes(start(), approve(599), poll(601), { kind: 'expire', linkId, at: at(602) })).toStrictEqual([
      ...['LinkStarted', 'LinkApproved', 'device_link_expired', 'LinkExpired'],
    ])
  })

  it('is not there for another device’s code, or for none', () => {
    expect(outcomes(poll(0), start(), poll(1, hash('sha256', 'another')))).toStrictEqual([
      ...['device_link_not_found', 'LinkStarted', 'device_link_not_found'],
    ])
  })

  it('leaves its user code to another one when it has ended, and not before', () => {
    expect(outcomes(start(), start(10), start(601))).toStrictEqual(['LinkStarted', 'user_code_taken', 'LinkStarted'])
    expect(outcomes(start(), approve(1), poll(2), start(10))).toStrictEqual([
      ...['LinkStarted', 'LinkApproved', 'LinkConsumed', 'LinkStarted'],
    ])
  })
})
