import { describe, expect, it } from 'vitest'
import { advancesToFreshAccount, template, templateIdOf } from '../../../src/commands/noctant/template.ts'
import { readTemplateFile } from '../../../src/commands/noctant/template-file.ts'
import type { TemplateEvent } from '../../../src/events/noctant/template.ts'
import { presetPack } from '../../../src/processes/noctant/presets.ts'
import { exampleTerms } from '../../support/examples/challenge.ts'
import { at, operatorFacts } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(template)
const kept = ['USD', 'EUR']
const { operatorId } = operatorFacts
const templateId = templateIdOf(operatorId, 'one-step')
const facts = { templateId, operatorId, key: 'one-step' }
const imported = (version: number, terms = exampleTerms): TemplateEvent => ({
  type: 'noctant.TemplateImported.v1',
  data: { ...facts, version, terms, occurredAt: at(1) },
})
const archived: TemplateEvent = {
  type: 'noctant.TemplateArchived.v1',
  data: { templateId, operatorId, reason: 'superseded', occurredAt: at(2) },
}
const importing = (terms = exampleTerms) => ({ kind: 'import', facts, terms, at: at(1) }) as const
const archive = { kind: 'archive', reason: 'superseded', at: at(2) } as const
const harder = { ...exampleTerms, initialBalance: '50000.00' }

describe('a template', () => {
  it('begins with version 1', () => {
    given([])
      .when(importing())
      .then([imported(1)])
  })
  it('is left alone by the terms that it has', () => {
    given([imported(1)])
      .when(importing())
      .then([])
  })
  it('has its next version with other terms', () => {
    given([imported(1)])
      .when(importing(harder))
      .then([imported(2, harder)])
  })
  it('is archived once, and offered again by the next import', () => {
    given([imported(1)])
      .when(archive)
      .then([archived])
    given([imported(1), archived])
      .when(archive)
      .then([])
    given([imported(1), archived])
      .when(importing())
      .then([imported(2)])
  })
  it('that is not there cannot be archived', () => {
    given([]).when(archive).then(rejects('template_not_found'))
  })
  it('of an operator is another than the preset of the same key, and than another operator’s', () => {
    const keys = [templateIdOf(null, 'one-step'), templateId, templateIdOf(operatorFacts.orgId, 'one-step')]
    expect(new Set(keys).size).toBe(3)
  })
  it('advances to a fresh account by a later step alone', () => {
    const [first, second] = exampleTerms.steps
    const fresh = { advancement: 'fresh_account' } as const
    expect(advancesToFreshAccount({ ...exampleTerms, steps: [{ ...first!, ...fresh }, second!] })).toBe(false)
    expect(advancesToFreshAccount({ ...exampleTerms, steps: [first!, { ...second!, ...fresh }] })).toBe(true)
  })
})

const step = { name: 'Evaluation', kind: 'evaluation', profit_target: { percent: '10' } }
const fundedStep = { name: 'Funded', kind: 'funded' }
const file = (change: object = {}) => ({
  key: 'mine',
  name: 'Mine',
  currency: 'USD',
  initial_balance: '1000',
  day_boundary: { time_zone: 'UTC', time: '00:00' },
  steps: [step, fundedStep],
  ...change,
})

describe('a template’s file', () => {
  it('may leave out what has a mildest value', () => {
    expect(readTemplateFile(file(), kept)).toMatchObject({
      file: {
        key: 'mine',
        terms: {
          initialBalance: '1000.00',
          steps: [
            { sequence: 1, maximumDailyLoss: null, timeLimitDays: null },
            { sequence: 2, kind: 'funded' },
          ],
          resetPolicy: { allowed: false },
          activation: { required: false, price: '0.00' },
          payoutPolicy: null,
        },
      },
    })
  })

  it.each([
    ['no text in place of an amount', { initial_balance: 1000 }, 'initial_balance: write decimals as text'],
    ['a balance of nothing', { initial_balance: '0' }, 'initial_balance: is to be above zero'],
    ['more digits than the currency has', { initial_balance: '1.005' }, 'initial_balance: USD has at most 2 decimals'],
    ['an unknown currency', { currency: 'XQZ' }, 'currency: is no ISO 4217'],
    ['an unknown time zone', { day_boundary: { time_zone: 'Mars', time: '00:00' } }, 'day_boundary.time_zone'],
    ['a time that no clock shows', { day_boundary: { time_zone: 'UTC', time: '24:00' } }, 'day_boundary.time'],
    ['no steps', { steps: [] }, 'steps'],
    ['an evaluation without a target', { steps: [{ ...step, profit_target: null }] }, 'steps.0.profit_target'],
    ['a funded step that is not the last', { steps: [fundedStep, step] }, 'steps.0.kind: only the last step'],
    [
      'a funded step with a target',
      { steps: [{ ...fundedStep, profit_target: { percent: '1' } }] },
      'steps.0.profit_target',
    ],
    [
      'percent and amount at once',
      { steps: [{ ...step, profit_target: { percent: '1', amount: '1' } }] },
      'give either',
    ],
    [
      'a drawdown without its mode',
      { steps: [{ ...step, maximum_drawdown: { percent: '1' } }] },
      'maximum_drawdown.mode',
    ],
    ['more than all', { steps: [{ ...step, maximum_daily_loss: { percent: '100.01' } }] }, 'is to be at most 100'],
    [
      'payouts from no funded step',
      { steps: [step], payout_policy: { profit_split_percent: '80' } },
      'payout_policy: payouts',
    ],
    ['a currency of history', { currency: 'DEM' }, 'currency: is no ISO 4217'],
    ['a currency that the engine keeps no accounts in', { currency: 'SEK' }, 'the engine trades USD, EUR'],
    ['a member that nobody knows', { colour: 'red' }, 'colour'],
    ['a key with spaces', { key: 'my key' }, 'key: is to have'],
  ])('is refused for %s', (_, change, fault) => {
    const read = readTemplateFile(file(change), kept)
    expect('faults' in read ? read.faults.join('\n') : read).toContain(fault)
  })

  it.each([null, [], 'text', 7])('is refused where it is %j', (json) => {
    expect(readTemplateFile(json, kept)).toHaveProperty('faults')
  })
})

it('the preset pack has one step, two steps and instant funding, all of them without fresh accounts', () => {
  const pack = presetPack()
  expect(pack.map(({ key }) => key)).toStrictEqual(['instant-funded', 'one-step', 'two-step'])
  expect(pack.map(({ terms }) => terms.steps.length)).toStrictEqual([1, 2, 3])
  expect(pack.filter(({ terms }) => advancesToFreshAccount(terms))).toStrictEqual([])
  expect(pack.every(({ terms }) => terms.payoutPolicy !== null && terms.steps.at(-1)?.kind === 'funded')).toBe(true)
})
