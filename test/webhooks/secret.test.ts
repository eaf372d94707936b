import { randomBytes, randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { generateWebhookSecret, openSecret, SecretUnreadable, sealSecret } from '../../src/webhooks/secret.ts'
import { standardWebhooks } from '../../src/webhooks/signing.ts'

const key = randomBytes(32)
const name = { endpointId: randomUUID(), secretId: randomUUID() }

describe('a sealed secret', () => {
  it('opens to what was sealed, and shows nothing of it', () => {
    const secret = generateWebhookSecret()
    const sealed = sealSecret(secret, name, key)
    expect(openSecret(sealed, name, [key])).toBe(secret)
    expect(sealed).not.toContain(secret.slice(6, 20))
    expect(sealSecret(secret, name, key)).not.toBe(sealed)
  })

  it.each<[string, () => string]>([
    ['with another key', () => openSecret(sealSecret('whsec_x', name, key), name, [randomBytes(32)])],
    ['for another endpoint', () => openSecret(sealSecret('whsec_x', name, key), { ...name, endpointId: 'b' }, [key])],
    ['under another id', () => openSecret(sealSecret('whsec_x', name, key), { ...name, secretId: 'b' }, [key])],
    ['after a byte was changed', () => openSecret(changed(sealSecret('whsec_x', name, key)), name, [key])],
    ['when it is no seal at all', () => openSecret('whsec_x', name, [key])],
    ['when it is cut short', () => openSecret(sealSecret('whsec_x', name, key).slice(0, 20), name, [key])],
  ])('does not open %s', (_, open) => {
    expect(open).toThrow(SecretUnreadable)
  })
})

function changed(sealed: string): string {
  const [keyId, text = ''] = sealed.split('.')
  const bytes = Buffer.from(text, 'base64')
  bytes[14] = (bytes[14] ?? 0) ^ 1
  return `${keyId}.${bytes.toString('base64')}`
}

describe('a signature', () => {
  const id = randomUUID()
  const body = '{"type":"account.opened","text":"ä"}'
  const timestampS = Math.floor(Date.now() / 1_000)
  const headersFor = (secrets: string[]) =>
    standardWebhooks({ id, eventType: 'account.opened', deliveryId: id, timestampS, body }, secrets)

  it('is verified by Standard Webhooks’ own library', () => {
    const secret = generateWebhookSecret()
    expect(new Webhook(secret).verify(body, headersFor([secret]))).toStrictEqual(JSON.parse(body))
    expect(() => new Webhook(generateWebhookSecret()).verify(body, headersFor([secret]))).toThrow()
    expect(() => new Webhook(secret).verify(`${body} `, headersFor([secret]))).toThrow()
  })

  it('of two secrets is verified by either', () => {
    const secrets = [generateWebhookSecret(), generateWebhookSecret()]
    for (const secret of secrets) expect(() => new Webhook(secret).verify(body, headersFor(secrets))).not.toThrow()
  })
})
