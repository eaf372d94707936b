/** The headers of a request to a provider: its own key instead of the agent's, and of the client's only those that it may use. */
import type { Format } from './call-scan.ts'

const FORWARDED = [
  'anthropic-version',
  'anthropic-beta',
  'openai-beta',
  'openai-organization',
  'openai-project',
  'accept',
  'user-agent',
  'traceparent',
]
const ANTHROPIC_VERSION = '2023-06-01'

/** `client`: the client's headers in lower case. Those of one format mean nothing in the other and stay behind. */
export function providerHeaders(
  format: Format,
  secret: string,
  client: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  for (const name of FORWARDED) {
    const value = client[name]
    const isForeign = name.startsWith(format === 'openai' ? 'anthropic-' : 'openai-')
    if (value !== undefined && !isForeign) headers[name] = String(value)
  }
  if (format === 'openai') headers.authorization = `Bearer ${secret}`
  else {
    headers['anthropic-version'] ??= ANTHROPIC_VERSION
    headers['x-api-key'] = secret
  }
  return headers
}

/** Where a call goes: the base is what the provider's own library would be given. */
export function providerUrl(format: Format, baseUrl: string, path: 'call' | 'count_tokens' = 'call'): string {
  const base = baseUrl.replace(/\/+$/, '')
  if (format === 'openai') return `${base}/chat/completions`
  const messages = `${base.replace(/\/v1$/, '')}/v1/messages`
  return path === 'call' ? messages : `${messages}/count_tokens`
}
