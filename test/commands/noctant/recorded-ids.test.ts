/** Ids that recorded streams and commands of noctant have: they are made of names, for ever. */
import { expect, it } from 'vitest'
import { commandIdOf, deterministicId, eventId, fingerprintOf } from '../../../src/commands/identity.ts'

it('ids stay what they were on the first day: changing one would rename recorded streams', () => {
  expect(deterministicId('noctant.user', 'operator', 'trader-1')).toBe('dc1bfdf1-142b-5a48-843e-ddcfdcecf2e3')
  expect(eventId('command', 'execution', 0)).toBe('1a14d477-4ffc-54f8-b57b-c5b0249aa5c8')
  const key = {
    operatorId: 'operator',
    environment: 'sandbox',
    action: 'closeAllPositions',
    scope: 'account',
    key: 'key',
  }
  expect(commandIdOf({ context: 'noctant', ...key })).toBe('a8942912-373b-533f-95c4-80fc2faa8dc0')
  expect(fingerprintOf({ b: [1, null], a: 'é' })).toBe(
    '3d92f6368f93f3cb36a4e7a721098054dfbfd705e31fa50409f2d99e0727a08c',
  )
})
