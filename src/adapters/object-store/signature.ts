/**
 * Links of S3, signed by ourselves (AWS Signature Version 4, query parameters). The SDK derives the signing key anew for
 * each link; here it is derived once a day, so that a page of a hundred links costs little more than one.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
import { createHmac, hash } from 'node:crypto'

export interface SigningKeys {
  region: string
  accessKeyId: string
  secretAccessKey: string
}

export interface SignedRequest {
  method: 'GET' | 'PUT'
  /** Of the object, with its path encoded as S3 has it, without a query. */
  url: URL
  /** Beside `host`: what the request must carry unchanged, by names in lower case. */
  headers: Readonly<Record<string, string>>
  query: Readonly<Record<string, string>>
  at: Date
  expiresInS: number
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** RFC 3986: encodeURIComponent leaves five characters that S3 wants encoded. */
export const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)

/** Signs links with these keys. Answers the whole address. */
export function createLinkSigner({ region, accessKeyId, secretAccessKey }: SigningKeys) {
  let derived = { day: '', key: hmac('', '') }
  const keyOf = (day: string): Buffer => {
    if (derived.day !== day) {
      const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
      derived = { day, key: key as Buffer }
    }
    return derived.key
  }
  return ({ method, url, headers, query, at, expiresInS }: SignedRequest): string => {
    const time = at.toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const day = time.slice(0, 8)
    const scope = `${day}/${region}/s3/aws4_request`
    const signed = Object.entries({ ...headers, host: url.host }).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const names = signed.map(([name]) => name).join(';')
    const parameters = {
      ...query,
      'X-Amz-Algorithm': ALGORITHM,
      'X-Amz-Credential': `${accessKeyId}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresInS),
      'X-Amz-SignedHeaders': names,
    }
    const pairs = Object.entries(parameters).map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    const search = pairs.toSorted().join('&')
    const lines = signed.map(([name, value]) => `${name}:${value.trim()}\n`).join('')
    const canonical = [method, url.pathname, search, lines, names, 'UNSIGNED-PAYLOAD'].join('\n')
    const signature = hmac(keyOf(day), [ALGORITHM, time, scope, hash('sha256', canonical)].join('\n')).toString('hex')
    return `${url.origin}${url.pathname}?${search}&X-Amz-Signature=${signature}`
  }
}
