import { describe, expect, it } from 'vitest'
import { partnerEventOf, partnerEvents, partnerEventTypes } from '../../../src/events/noctant/partner-events.ts'
import { publishedData } from '../../../src/events/published.ts'
import { snakeCase } from '../../../src/runtime/letter-case.ts'
import { eventSchemas } from '../../support/contexts.ts'
import { type ExampleType, example } from '../../support/examples.ts'

const entries = [...partnerEvents].map(([source, entry]) => ({ source, ...entry }))

describe('the catalogue of webhook events', () => {
  it('has public names of one form, each once', () => {
    expect(new Set(partnerEventTypes).size).toBe(partnerEvents.size)
    expect(partnerEventTypes.filter((type) => !/^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/.test(type))).toStrictEqual([])
  })

  it.each(entries)('$type tells of facts that $source has, in snake case to the last member', (entry) => {
    expect(eventSchemas[entry.source]).toBeDefined()
    const { data } = example(entry.source as ExampleType)
    const told = publishedData(entry, data)
    expect(Object.keys(told)).toStrictEqual(entry.fields.map(snakeCase))
    // What is undefined would be left out of the JSON, and a member would be there one time and not another.
    expect(JSON.parse(JSON.stringify(told))).toStrictEqual(told)
    expect(JSON.stringify(told)).not.toMatch(/"[a-z_]*[A-Z]\w*":/)
  })

  it('tells nobody of hashes, seals and keys', () => {
    const told = entries.flatMap(({ fields }) => fields)
    expect(told.filter((field) => /hash|secret|sealed|token|key/i.test(field))).toStrictEqual([])
  })

  it('covers users, accounts, challenges, payouts, corrections, KYC, trades, launches, sessions and commands', () => {
    const families = new Set(partnerEventTypes.map((type) => type.split('.')[0]))
    expect([...families].toSorted()).toStrictEqual([
      'account',
      'challenge',
      'command',
      'correction',
      'historical_session',
      'kyc',
      'launch_session',
      'payout',
      'trade',
      'user',
    ])
  })

  it('takes of the balance’s changes the corrections alone', () => {
    const changed = (cause: 'trade' | 'correction') =>
      partnerEventOf(example('noctant.EngineBalanceChanged.v1', { cause }))
    expect(changed('correction')?.type).toBe('correction.executed')
    expect(changed('trade')).toBeUndefined()
    expect(partnerEventOf(example('noctant.ApiKeyIssued.v1'))).toBeUndefined()
  })
})
