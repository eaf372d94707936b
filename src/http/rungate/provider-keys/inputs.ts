/** What callers say of provider keys. */
import { z } from '@hono/zod-openapi'
import { boundedText } from '../../schemas.ts'
import { entityName, ofAccount } from '../schemas.ts'
import { URL_LENGTH_MAX } from './base-url.ts'

const PROVIDER = /^[a-z][a-z0-9-]{0,49}$/
const SECRET_LENGTH_MAX = 4_096

export const provider = boundedText(100).refine((given) => PROVIDER.test(given), 'must be a word in lower case')
const secret = boundedText(SECRET_LENGTH_MAX).refine(
  // It becomes part of a header.
  (given) => /^[\x21-\x7e]+$/.test(given),
  'must have visible characters only',
)
const baseUrl = boundedText(URL_LENGTH_MAX).nullish()

export const createInput = z
  .object({ provider, name: entityName, api_key: secret, base_url: baseUrl, ...ofAccount })
  .openapi('CreateProviderKeyInput')
export const updateInput = z.object({
  name: entityName.optional(),
  base_url: baseUrl,
  api_key: secret.optional(),
})
export const upsertInput = z
  .object({ provider: provider.optional(), api_key: secret.optional(), base_url: baseUrl, ...ofAccount })
  .openapi('UpsertProviderKeyInput')
