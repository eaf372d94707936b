/** Whether the client believes what the house sends, in each context's way of signing, and nothing else. */
import { verifyWebhook, WebhookRefused } from '@opslog/client'
import { describe, expect, it } from 'vitest'
import { sign as firsthand } from '../../src/processes/firsthand/webhooks.ts'
import { sign as rungate } from '../../src/processes/rungate/webhooks.ts'
import { generateWebhookSecret } from '../../src/webhooks/secret.ts'
import { standardWebhooks } from '../../src/webhooks/signing.ts'

const timestampS = 1_772_450_000
const body = JSON.stringify({ type: 'account.opened', data: { name: 'Zoë' } })
const message = { id: 'b0b0', eventType: 'account.opened', deliveryId: 'd1', timestampS, body }

describe.each([
  ['Standard Webhooks', standardWebhooks],
  ['firsthand', firsthand],
  ['rungate', rungate],
] as const)('a webhook of %s', (name, sign) => {
  const [secret, former] = [generateWebhookSecret(), generateWebhookSecret()]
  const headers = sign(message, [secret])
  const faultOf = (...args: Parameters<typeof verifyWebhook>) => {
    try {
      return verifyWebhook(...args)
    } catch (error) {
      return error instanceof WebhookRefused ? error.fault : error
    }
  }
  const now = { nowS: timestampS + 5 }

  it('is believed, and gives its event', () => {
    expect(verifyWebhook(headers, body, secret, now)).toEqual(JSON.parse(body))
    expect(verifyWebhook(new Headers(headers), Buffer.from(body), secret, now)).toEqual(JSON.parse(body))
    const listed = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toUpperCase(), [value]]))
    expect(verifyWebhook(listed, body, secret, now)).toEqual(JSON.parse(body))
  })

  it('is believed while secrets change, on either side', () => {
    expect(verifyWebhook(sign(message, [secret, former]), body, former, now)).toEqual(JSON.parse(body))
    expect(verifyWebhook(headers, body, [former, secret], now)).toEqual(JSON.parse(body))
  })

  it('is not believed with another body, another secret, or another time', () => {
    expect(faultOf(headers, body.replace('Zoë', 'Eve'), secret, now)).toBe('signature')
    expect(faultOf(headers, body, former, now)).toBe('signature')
    expect(faultOf(headers, body, secret, { nowS: timestampS + 301 })).toBe('clock')
    expect(faultOf(headers, body, secret, { nowS: timestampS - 301 })).toBe('clock')
    expect(faultOf(headers, body, secret)).toBe('clock')
  })

  it('is not believed without its headers', () => {
    expect(faultOf({}, body, secret, now)).toBe('headers')
    const timeless = Object.entries(headers).filter(([key]) => !key.endsWith('timestamp'))
    const bare = Object.fromEntries(timeless.map(([key, value]) => [key, value.replace(/t=\d+,/, '')]))
    expect([name, faultOf(bare, body, secret, now)]).toEqual([name, 'headers'])
  })
})
