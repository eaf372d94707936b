/** What the compiler sees to. `npm run check` fails where one of the expected errors is missing. */
import { z } from '@hono/zod-openapi'
import { expect, it } from 'vitest'
import { Rejected } from '../../src/commands/rejection.ts'
import { either, publicAccess, signedBy } from '../../src/http/access.ts'
import { json, withHeaders } from '../../src/http/answers.ts'
import type { Principal } from '../../src/http/environment.ts'
import { type CoreParts, operationsFor } from '../../src/http/operation.ts'
import { webhookEndpointOf } from '../../src/webhooks/endpoint.ts'
import { endpointPlacesOf } from '../../src/webhooks/places.ts'

const { operation, read } = operationsFor<CoreParts, Principal, never>()
const said = { path: '/who', id: 'who', summary: 'Who asks', answer: json(z.string(), 'The tenant.') }

it('a handler knows its caller where everybody signs in, and only there', () => {
  const signed = read({ ...said, access: signedBy('key'), handle: ({ principal }) => principal.tenantId })
  // @ts-expect-error nobody signs in
  const open = read({ ...said, access: publicAccess, handle: ({ principal }) => principal.tenantId })
  const mixed = either(signedBy('key'), publicAccess)
  // @ts-expect-error a request without a credential is taken too
  const optional = read({ ...said, access: mixed, handle: ({ principal }) => principal.tenantId })
  const careful = read({ ...said, access: mixed, handle: ({ principal }) => principal?.tenantId ?? '' })
  expect([signed, open, optional, careful].map(({ id }) => id)).toStrictEqual(Array(4).fill('who'))
})

it('a reply sets the headers and cookies that its answer names, and no others', () => {
  const asked = { ...said, method: 'get' as const, access: publicAccess }
  const answer = json(z.string(), 'Nobody.')
  const headers = { 'cache-control': 'no-store' }
  const cookies = [{ name: 'seen', value: '1' }]
  const reply = { status: 200 as const, body: 'nobody' }
  const named = withHeaders(answer, 'cache-control', 'set-cookie')
  const both = operation({ ...asked, answers: { 200: named }, handle: async () => ({ ...reply, headers, cookies }) })
  // @ts-expect-error the answer names no header
  const unnamed = operation({ ...asked, answers: { 200: answer }, handle: async () => ({ ...reply, headers }) })
  // @ts-expect-error nor does it name cookies
  const uncooked = operation({ ...asked, answers: { 200: answer }, handle: async () => ({ ...reply, cookies }) })
  expect([both, unnamed, uncooked].map(({ id }) => id)).toStrictEqual(Array(3).fill('who'))
})

it('a context whose table lacks a code of its webhooks does not compile', () => {
  const names = { context: 'sample', tenant: 'tenantId', endpoint: 'hookId', person: 'memberId' }
  const Lacking: new (code: 'webhook_disabled', detail: string) => Rejected = Rejected
  // @ts-expect-error webhook_not_configured has no entry
  expect(webhookEndpointOf(names, Lacking).category).toBe('sample.webhookEndpoint')
  // @ts-expect-error webhook_limit_reached has no entry
  expect(endpointPlacesOf(names, Lacking).category).toBe('sample.webhookEndpoints')
})
