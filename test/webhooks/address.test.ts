import { describe, expect, it } from 'vitest'
import { Rejected } from '../../src/commands/rejection.ts'
import { isPublicAddress, mayConnect, webhookUrl } from '../../src/webhooks/address.ts'

/** Somewhere private, each in another notation or by another detour. */
const privateHosts = [
  '169.254.169.254',
  'localhost',
  'LOCALHOST.',
  'api.localhost',
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0',
  '10.0.0.1',
  '172.16.5.4',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '192.0.0.8',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[2001:db8::1]',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  'intranet',
]

describe('a webhook URL', () => {
  // Seen to fail (row 26) with every v4 address taken for public.
  it.each(privateHosts)('does not lead to %s', (host) => {
    const set = () => webhookUrl(`https://${host}/hooks`, { allowLoopback: false }, Rejected)
    expect(set).toThrow(Rejected)
    expect(set).toThrow(expect.objectContaining({ code: 'webhook_url_refused' }))
  })

  it.each([
    'http://example.com/hooks',
    'ftp://example.com/hooks',
    'file:///etc/passwd',
    'https://user:secret@example.com/',
    'https://user@example.com/',
    'https://example.com/#part',
    'example.com/hooks',
    '',
    `https://example.com/${'a'.repeat(2_000)}`,
  ])('is not %s', (text) => {
    expect(() => webhookUrl(text, { allowLoopback: false }, Rejected)).toThrow(Rejected)
  })

  it.each([
    'https://hooks.example.com/opslog?token=1',
    'https://example.com:8443/',
    'https://93.184.216.34/',
    'https://[2606:2800:220:1::1]/',
  ])('may be %s', (text) => {
    expect(webhookUrl(text, { allowLoopback: false }, Rejected).href).toBe(text)
  })

  it.each(['http://127.0.0.1:3000/', 'http://localhost/', 'https://localhost/', 'http://[::1]:8080/'])(
    'may be %s where that is allowed, for development',
    (text) => {
      expect(webhookUrl(text, { allowLoopback: true }, Rejected).href).toBe(text)
    },
  )

  it.each(['http://example.com/', 'http://10.0.0.1/', 'https://10.0.0.1/', 'http://93.184.216.34/'])(
    'is not %s even there',
    (text) => {
      expect(() => webhookUrl(text, { allowLoopback: true }, Rejected)).toThrow(Rejected)
    },
  )
})

describe('an address', () => {
  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '169.253.0.1', '2606:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )
  it.each(['', 'example.com', '::ffff:8.8.8.8', '64:ff9b::808:808', 'fe80::1%eth0', '999.1.1.1'])(
    '%s is not, or is none',
    (address) => {
      expect(isPublicAddress(address)).toBe(false)
    },
  )
  it('is connected to without TLS on loopback alone', () => {
    expect(mayConnect('127.0.0.1', 'http:', true)).toBe(true)
    expect(mayConnect('::1', 'http:', true)).toBe(true)
    expect(mayConnect('8.8.8.8', 'http:', true)).toBe(false)
    expect(mayConnect('127.0.0.1', 'https:', false)).toBe(false)
    expect(mayConnect('8.8.8.8', 'https:', false)).toBe(true)
  })
})
