/** The sample context's HTTP: one operation for each thing that the kernel does for a contract. */

import { pipeline } from 'node:stream/promises'
import { z } from '@hono/zod-openapi'
import {
  bearerScheme,
  bearerToken,
  cookieValue,
  either,
  headerValue,
  publicAccess,
  signedBy,
  type Verifier,
} from '../../src/http/access.ts'
import { empty, events, json, stream, text, upgrade, withHeaders } from '../../src/http/answers.ts'
import { jsonBody, optionalBody, rawBody, streamedBody } from '../../src/http/body.ts'
import { headerKey } from '../../src/http/command.ts'
import type { ContextApi } from '../../src/http/context.ts'
import type { Principal } from '../../src/http/environment.ts'
import { type ErrorTable, kernelErrors, Problem } from '../../src/http/errors.ts'
import { type CoreParts, operationsFor } from '../../src/http/operation.ts'
import { keysetPaging, offsetPaging } from '../../src/http/paging.ts'
import { text as bounded, listOf } from '../../src/http/schemas.ts'
import { note } from './note.ts'

export interface SampleParts extends CoreParts {
  /** What the lists show: in the order of its ids. */
  rows: readonly { id: number; tenant: string; colour: string }[]
  /** Called when a streamed answer ends, however it does. */
  onStreamEnd: () => void
  /** Called when a socket is told to wait, with what lets it go on. */
  onPause: (resume: () => void) => void
  /** How often an address may knock within a minute. */
  doorMax: number
}

export type SampleCode = 'note_unfit'

const errors: ErrorTable<SampleCode> = {
  codes: {
    ...kernelErrors,
    validation_failed: { status: 422, title: 'The body does not fit', shownAs: 'unfit_body' },
    note_unfit: { status: 418, title: 'The note cannot be taken' },
  },
  body: ({ code, detail, requestId }) => ({ error: { kind: code, message: detail }, request: requestId }),
  schema: z.object({ error: z.object({ kind: z.string(), message: z.string() }), request: z.string() }),
}

export const { operation, write, read, list, direct } = operationsFor<SampleParts, Principal, SampleCode>()

const person = (tenantId: string, scopes: readonly string[]): Principal => ({
  ...{ tenantId, scopes, environment: '' },
  actor: { kind: 'operator', id: tenantId },
  logFields: { tenantId },
})

/** `key-<tenant>-<scope>+<scope>`; a machine's key begins with `machine`. */
const verifierOf =
  (kind: string): Verifier =>
  (credential) => {
    const [found, tenantId, scopes = ''] = credential.split('-')
    if (found !== kind || tenantId === undefined) return { kind: 'invalid' }
    return { kind: 'valid', principal: person(tenantId, scopes.split('+')) }
  }

const member = z.object({ id: z.number(), colour: z.string() })
const paged = z.object({ items: z.array(member), next: z.string().nullable() })
const counted = z.object({ items: z.array(member), offset: z.number(), limit: z.number(), more: z.boolean() })
const noted = z.object({ note_id: z.string(), text: z.string() })
const said = z.object({ said: z.unknown() })
const ownRefusal = z.object({ error: z.object({ kind: z.string() }) })
/** More than any operation takes whose body goes through the kernel. */
const MIRRORED_MAX_BYTES = 67_108_864
const limits = { limitDefault: 2, limitMax: 3 }
export const keyed = signedBy('key', 'notes')

const operations = [
  write({
    path: '/notes',
    id: 'writeNote',
    summary: 'Writes a note, once per key',
    access: keyed,
    key: headerKey('idempotency-key', { isRequired: true }),
    body: z.object({ text: bounded(100, 1), tags: listOf(bounded(10), 3).optional() }),
    bodyMaxBytes: 512,
    answers: { 201: json(noted, 'The note.') },
    refuses: ['note_unfit'],
    async handle({ bus, principal, body, command }) {
      if (body.text === 'unfit') throw new Problem<SampleCode>('note_unfit', 'This note is not taken.')
      const facts = { noteId: command.commandId, tenantId: principal.tenantId, text: body.text }
      const handled = await bus.handle(note, facts.noteId, facts, command)
      return { status: 201, body: { note_id: facts.noteId, text: handled.state?.text ?? '' }, handled }
    },
  }),
  list({
    path: '/keyset',
    id: 'listByKeyset',
    summary: 'Rows behind a sealed cursor',
    access: keyed,
    query: z.object({ colour: bounded(10).optional() }),
    answer: json(paged, 'A page.'),
    paging: keysetPaging<{ id: number }>({ ...limits, keyOf: ({ id }) => [id] }),
    async rows({ rows, principal, query: { colour }, after: [after = 0] = [], limit }) {
      const own = rows.filter((row) => row.tenant === principal.tenantId && (colour ?? row.colour) === row.colour)
      return { rows: own.filter(({ id }) => id > Number(after)).slice(0, limit) }
    },
    page: ({ rows: items, nextCursor: next }) => ({ items, next }),
  }),
  list({
    path: '/offset',
    id: 'listByOffset',
    summary: 'Rows behind an offset',
    access: keyed,
    answer: json(counted, 'A page.'),
    paging: offsetPaging<{ id: number }>(limits),
    rows: async ({ rows, after: { offset }, limit }) => ({ rows: rows.slice(offset, offset + limit) }),
    page: ({ rows: items, offset, limit, hasMore: more }) => ({ items, offset, limit, more }),
  }),
  read({
    path: '/who',
    id: 'whoAmI',
    summary: 'Whoever signs in by any of the ways, or nobody',
    access: either(signedBy('key'), signedBy('machine'), signedBy('session'), publicAccess),
    cookies: z.object({ session: z.string().optional() }),
    answer: json(z.object({ who: z.string().nullable() }), 'Who it is.'),
    handle: ({ principal }: { principal?: Principal }) => ({ who: principal?.tenantId ?? null }),
  }),
  read({
    path: '/machines',
    id: 'machinesOnly',
    summary: 'For machines alone',
    access: signedBy('machine'),
    answer: json(z.object({ who: z.string() }), 'Who it is.'),
    handle: ({ principal }) => ({ who: principal.tenantId }),
  }),
  operation({
    method: 'post',
    path: '/sign-in',
    id: 'signIn',
    summary: 'Sets two cookies',
    access: publicAccess,
    rate: 'sign_in',
    body: optionalBody(z.object({ name: bounded(20) })),
    answers: {
      200: withHeaders(json(said, 'What was sent.'), 'set-cookie'),
      204: withHeaders(empty('Nothing was sent.'), 'set-cookie'),
    },
    async handle({ body }) {
      const cookies = ['first', 'second'].map((name) => ({ name, value: `a ${name}`, httpOnly: true, path: '/' }))
      return body === undefined ? { status: 204, cookies } : { status: 200, body: { said: body }, cookies }
    },
  }),
  operation({
    method: 'post',
    path: '/door',
    id: 'knock',
    summary: 'Looks at the head first, and counts whoever knocks',
    access: keyed,
    rate: 'door',
    head({ header, query }) {
      const says = header('x-colour') ?? query('colour')
      if (says === 'unfit') throw new Problem<SampleCode>('note_unfit', 'Not in this colour.', { details: { says } })
    },
    body: z.object({ first: z.number(), second: z.number(), third: z.number() }),
    answers: { 200: json(said, 'What was sent.') },
    refuses: ['note_unfit'],
    handle: async ({ body }) => ({ status: 200, body: { said: body } }),
  }),
  operation({
    method: 'post',
    path: '/plain',
    id: 'plainJson',
    summary: 'JSON under another media type',
    access: publicAccess,
    body: jsonBody(z.object({ n: z.number() }), { mediaType: 'text/plain' }),
    answers: { 200: json(said, 'What was sent.') },
    handle: async ({ body }) => ({ status: 200, body: { said: body } }),
  }),
  operation({
    method: 'post',
    path: '/raw',
    id: 'rawBytes',
    summary: 'The bytes as they came',
    access: publicAccess,
    body: rawBody(),
    answers: { 200: json(said, 'How many there were.') },
    handle: async ({ body }) => ({ status: 200, body: { said: body.byteLength } }),
  }),
  operation({
    method: 'post',
    path: '/upload',
    id: 'upload',
    summary: 'A body that is never whole in memory',
    access: keyed,
    body: streamedBody('application/octet-stream'),
    bodyMaxBytes: 1_000_000,
    answers: { 200: json(said, 'How many bytes there were.') },
    async handle({ body }) {
      let size = 0
      for await (const chunk of body) size += chunk.byteLength
      return { status: 200, body: { said: size } }
    },
  }),
  direct({
    path: '/mirror',
    id: 'mirror',
    summary: 'Sends a body of any length back as it comes',
    access: signedBy('machine'),
    body: streamedBody('application/octet-stream'),
    bodyMaxBytes: MIRRORED_MAX_BYTES,
    answers: {
      200: { ...stream('application/octet-stream', 'The same bytes.'), says: { 'X-Mirrored-For': 'Whose they are.' } },
      401: json(ownRefusal, 'No key of a machine: credential_invalid.'),
      413: json(ownRefusal, 'The body is too long: too_long.'),
    },
    async handle({ principal, incoming, outgoing, exchange, onStreamEnd }) {
      if (Number(incoming.headers['content-length'] ?? 0) > MIRRORED_MAX_BYTES) {
        outgoing.writeHead(413, { ...exchange.headers, connection: 'close', 'content-type': 'application/json' })
        outgoing.end('{"error":{"kind":"too_long"}}')
        return
      }
      const own = { 'content-type': 'application/octet-stream', 'x-mirrored-for': principal.tenantId }
      outgoing.writeHead(200, { ...exchange.headers, ...own })
      try {
        await pipeline(incoming, outgoing)
      } catch (error) {
        if (!outgoing.destroyed) throw error
      }
      onStreamEnd()
    },
  }),
  operation({
    method: 'get',
    path: '/download',
    id: 'download',
    summary: 'Bytes as they are asked for, without end',
    access: publicAccess,
    answers: { 200: stream('application/octet-stream', 'Bytes.') },
    handle: async ({ onStreamEnd }) => ({ status: 200, body: endless(onStreamEnd) }),
  }),
  operation({
    method: 'get',
    path: '/events',
    id: 'follow',
    summary: 'Server-sent events',
    access: publicAccess,
    answers: { 200: events('Two events.') },
    handle: async () => ({ status: 200, body: twoEvents() }),
  }),
  operation({
    method: 'get',
    path: '/files/{name}',
    id: 'getFile',
    summary: 'Text in the format that its name says',
    access: publicAccess,
    params: z.object({ name: z.enum(['yaml', 'markdown']) }),
    answers: { 200: text('text/yaml', 'YAML.'), 203: text('text/markdown', 'Markdown.') },
    handle: async ({ params }) =>
      params.name === 'yaml' ? { status: 200, body: 'a: ä\n' } : { status: 203, body: '# Title\n' },
  }),
  operation({
    method: 'get',
    path: '/socket',
    id: 'openSocket',
    summary: 'Says everything back',
    access: keyed,
    answers: { 101: upgrade('The socket.') },
    handle: async ({ principal, onPause }) => ({
      status: 101,
      socket: {
        onOpen: (socket) => socket.send(`hello ${principal.tenantId}`),
        onMessage(data, socket) {
          if (data === 'bye') socket.close(4_000, 'bye')
          else if (data === 'cut') socket.terminate()
          else if (data === 'wait') {
            socket.pause()
            onPause(() => socket.resume())
          } else socket.send(`${data}`)
        },
      },
    }),
  }),
]

async function* endless(onEnd: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield new Uint8Array(16_384)
  } finally {
    onEnd()
  }
}

async function* twoEvents() {
  yield { data: 'one\ntwo', event: 'first', id: '1' }
  yield { data: 'three' }
}

export const sampleApi: ContextApi<SampleParts> = {
  name: 'sample',
  info: { title: 'Sample', version: 'v1', description: 'For tests of the kernel.' },
  schemes: {
    key: bearerScheme('A key of a tenant.', headerValue('x-api-key')),
    machine: { ...bearerScheme('A key of a machine.'), credentials: [bearerToken] },
    session: {
      document: { type: 'apiKey', in: 'cookie', name: 'session' },
      credentials: [cookieValue('session')],
    },
  },
  verifiers: () => {
    const session = verifierOf('session')
    return {
      key: verifierOf('key'),
      machine: verifierOf('machine'),
      session: async (text, head) => session(text, head),
    }
  },
  access: keyed,
  errors,
  requestIds: {
    header: 'x-request-id',
    make: () => `req_${crypto.randomUUID()}`,
    accept: (given) => (/^[\w-]{1,50}$/.test(given) ? given : undefined),
  },
  jsonTypes: ['application/vnd.sample+json'],
  faultsMax: 2,
  securitySchemes: { elsewhere: { type: 'apiKey', in: 'header', name: 'x-elsewhere' } },
  rates: ({ doorMax }) => ({
    standard: { by: 'tenant', perMinuteMax: () => Number.POSITIVE_INFINITY, detail: () => '' },
    door: {
      by: 'address',
      perMinuteMax: (_, address) => (address().startsWith('127.') ? doorMax : Number.POSITIVE_INFINITY),
      detail: (max) => `${max} a minute.`,
    },
    sign_in: { by: 'address', perMinuteMax: () => 3, detail: (max) => `${max} a minute.` },
  }),
  operations,
}
