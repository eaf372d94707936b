/** What the engine is asked stands in the streams of accounts and of historical sessions. */
import { expect, it } from 'vitest'
import { registry } from '../../support/contexts.ts'

it.each([
  ['noctant.AccountOpened.v1', 'noctant.account-1', false],
  // Seen to fail: no historical session reached the engine.
  ['noctant.EngineCommandRequested.v1', 'noctant.account-1', false],
  ['noctant.EngineCommandRequested.v1', 'noctant.launchSession-1', false],
  ['noctant.AccountOpened.v1', 'noctant.user-1', true],
])('%s in %s: %s', (type, stream, isForeign) => {
  expect(registry.isForeign({ type, stream })).toBe(isForeign)
})
