/** Where provider keys may lead by default: to loopback only while nobody else reaches the API. */
import { expect, test } from 'vitest'
import { isForThisMachine } from '../../../src/http/rungate/serve.ts'

const alone = { HOST: '127.0.0.1', PUBLIC_URL: undefined, TRUST_PROXY: false }

test.each(['127.0.0.1', '::1', 'localhost'])('an API on %s alone is for this machine', (HOST) => {
  expect(isForThisMachine({ ...alone, HOST })).toBe(true)
})

test.each([
  ['that listens on other addresses', { HOST: '0.0.0.0' }],
  ['with a public address', { PUBLIC_URL: 'https://api.example.com' }],
  ['behind a proxy', { TRUST_PROXY: true }],
])('an API %s is not', (_, settings) => {
  expect(isForThisMachine({ ...alone, ...settings })).toBe(false)
})
