/** What a configuration may not leave out. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeConfig, loadConfig, requirePublicUrl } from '../src/config.ts'

describe('an API that other machines reach', () => {
  const start = (environment: Record<string, string>) => () => requirePublicUrl(loadConfig(environment))

  it.each(['0.0.0.0', '::', '10.0.0.5', 'api.internal', '127.example.com', '::ffff:127.0.0.1'])(
    'on %s needs PUBLIC_URL',
    (HOST) => {
      expect(start({ HOST })).toThrow(
        /^HOST=\S+ opens the API to other machines: set PUBLIC_URL [^.]*\.example\.com\.$/,
      )
      expect(start({ HOST, PUBLIC_URL: 'https://api.example.com' })).not.toThrow()
      expect(start({ HOST, ROLES: 'projector,relay' })).not.toThrow()
    },
  )

  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost', ''])('is none on "%s"', (HOST) => {
    expect(start({ HOST })).not.toThrow()
  })
})

it('is described with defaults as somebody would set them', () => {
  const models = z
    .string()
    .default('{}')
    .transform((text): unknown => JSON.parse(text))
  const described = describeConfig([
    { settings: z.object({ MODELS: models, PLACES: z.array(z.int()).default([1, 2]) }) },
  ])
  const fallbackOf = (wanted: string) => described.find(({ name }) => name === wanted)?.fallback
  expect([fallbackOf('MODELS'), fallbackOf('PLACES')]).toStrictEqual(['{}', '1,2'])
})
