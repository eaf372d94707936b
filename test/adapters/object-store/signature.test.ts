/** The signatures of links against the examples of the protocol's own documentation. */
import { describe, expect, it } from 'vitest'
import { createLinkSigner, encoded } from '../../../src/adapters/object-store/signature.ts'

/** The keys of AWS's examples. */
const keys = {
  region: 'us-east-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const sign = createLinkSigner(keys)
const at = new Date('2013-05-24T00:00:00.000Z')

describe('the signature of a link', () => {
  it('is that of AWS’s example', () => {
    const url = new URL('https://examplebucket.s3.amazonaws.com/test.txt')
    const link = sign({ method: 'GET', url, headers: {}, query: {}, at, expiresInS: 86_400 })
    expect(link).toBe(
      'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
        '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
        '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
        '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    )
  })

  it('follows from each part of the request, and from the day', () => {
    const request = {
      method: 'PUT' as const,
      url: new URL('https://b.example/a'),
      headers: { 'content-type': 'image/png', 'content-length': '10' },
      query: { name: 'x' },
      ...{ at, expiresInS: 60 },
    }
    const others = [
      { method: 'GET' as const },
      { url: new URL('https://b.example/b') },
      { url: new URL('https://c.example/a') },
      { headers: { ...request.headers, 'content-type': 'image/jpeg' } },
      { headers: { ...request.headers, 'content-length': '11' } },
      { headers: { 'content-type': 'image/png' } },
      { query: { name: 'y' } },
      { at: new Date('2013-05-25T00:00:00.000Z') },
      { expiresInS: 61 },
    ]
    const signatures = [request, ...others.map((other) => ({ ...request, ...other }))].map(
      (each) => new URL(sign(each)).searchParams.get('X-Amz-Signature') ?? '',
    )
    expect(new Set(signatures).size).toBe(others.length + 1)
    expect(signatures.every((each) => /^[0-9a-f]{64}$/.test(each))).toBe(true)
    expect(sign(request)).toBe(sign(request))
  })

  it('encodes as S3 does', () => {
    expect(encoded("a b/ü!'()*~")).toBe('a%20b%2F%C3%BC%21%27%28%29%2A~')
  })
})
