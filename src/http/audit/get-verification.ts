/** GET /v1/verifications: reads the log, or a part of it, and names everything that is wrong with it. */
import { z } from '@hono/zod-openapi'
import { type CheckedSeal, readSeals } from '../../audit/seal.ts'
import { readVerification, type VerificationContinuation } from '../../audit/verification.ts'
import type { Finding } from '../../audit/verifier.ts'
import { json } from '../answers.ts'
import { invalid } from '../errors.ts'
import { text } from '../schemas.ts'
import { type AuditParts, auditorKey, operation } from './access.ts'
import { type CursorOf, readCursor, writeCursor } from './cursor.ts'
import { type Reader, seesEverything, shownEnd, shownPosition } from './positions.ts'
import { audited } from './reading.ts'
import { auditScanned, cursor, finding, sealFacts } from './schemas.ts'

const checkedSeal = z
  .object({
    ...sealFacts,
    holds: z.boolean(),
    fault: z
      .string()
      .nullable()
      .openapi({ type: ['string', 'null'], description: 'What is wrong with it.' }),
  })
  .openapi('CheckedSeal')

const answer = z
  .object({
    ok: z.boolean().openapi({ description: 'Nothing is wrong with what this answer covers.' }),
    events: z.int().nonnegative().openapi({ description: 'Events that were verified for this answer.' }),
    streams: z.int().nonnegative().openapi({ description: 'Streams that begin within this answer.' }),
    streams_cut_short: z
      .int()
      .nonnegative()
      .openapi({
        description:
          'Streams that had begun before this answer and are too long to be read again: their chains were verified, the ' +
          'transitions of their states were not.',
      }),
    findings: z.array(finding),
    findings_total: z.int().nonnegative(),
    seals_status: z.enum(['checked', 'no_pinned_key', 'not_asked']).openapi({
      description:
        'Whether the seals were held against keys that this installation was given. `no_pinned_key`: not checked, since ' +
        'it was given none. `not_asked`: they are checked with `all`, for keys to everything alone.',
      example: 'checked',
    }),
    seals: z.array(checkedSeal).openapi({ description: 'Seals that this answer could judge; for keys to all alone.' }),
    ...auditScanned,
  })
  .openapi('AuditVerification')

const name = text(512, 1)

export const getVerification = operation({
  method: 'get',
  path: '/v1/verifications',
  id: 'getVerification',
  tags: ['Verification'],
  summary: 'Everything that is wrong with the log, or a part of it',
  description:
    'Hash chains, gaps, duplicates, events that cannot be read, transitions that cannot be, balances that do not add ' +
    'up, times that cannot be true, and the seals. Name a stream, a category, or all. What spans two answers of one ' +
    'verification, such as a command that was executed twice far apart, is found by `opslog audit verify`.',
  access: auditorKey('audit:read'),
  query: z.object({
    stream: name.optional().openapi({ example: 'noctant.account-5b8f0c6e-53a0-5f43-9f2e-9a4c3f1f0a11' }),
    category: name.optional().openapi({ example: 'noctant.account' }),
    all: z.enum(['', 'true']).optional().openapi({ description: 'All that the key opens.' }),
    cursor: cursor.optional(),
  }),
  answers: { 200: json(answer, 'What was found.') },
  refuses: ['audit_subject_not_found', 'audit_busy'],
  async handle(request) {
    const { stream, category, all, cursor: text } = request.query
    if ([stream, category, all].filter((each) => each !== undefined).length !== 1) {
      throw invalid('query/all', 'required', 'Name one of stream, category and all.')
    }
    const asked = { operatorId: request.principal.operatorId, stream, category }
    const from = readCursor(request, 'verification', asked, text)
    const { findingsMax, eventsMax: recalledMax } = request.limits
    const data = { stream: stream ?? null, category: category ?? null }
    const question = { type: 'audit.VerificationRead.v1' as const, data }
    const body = await audited(request, question, from !== undefined, async (ground) => {
      const { sealKeys: pinned } = request
      const isAsked = seesEverything(request.principal) && all !== undefined
      const sealsStatus = !isAsked ? 'not_asked' : pinned.length > 0 ? 'checked' : 'no_pinned_key'
      const seals = sealsStatus === 'checked' ? await readSeals(ground.log) : undefined
      const continuation = from ? continuationOf(from) : await firstOf(ground.log)
      const parts = { stream, category, seals, pinned, findingsMax, keepsOn: false, recalledMax }
      const page = await readVerification(ground, parts, continuation)
      const found = (from?.found ?? 0) + page.events
      if (found === 0 && !page.next && all === undefined) return { answer: undefined, last: page.last }
      return {
        last: page.last,
        answer: {
          ok: page.findingsTotal === 0,
          events: page.events,
          streams: page.streams,
          streams_cut_short: page.streamsCutShort,
          findings: page.findings.map((each) => findingView(request, each)),
          findings_total: page.findingsTotal,
          seals_status: sealsStatus as 'checked' | 'no_pinned_key' | 'not_asked',
          seals: page.seals.map(sealView),
          read_up_to: shownEnd(request, page.last),
          events_read: ground.budget.spent(),
          next_cursor: page.next ? writeCursor(request, 'verification', asked, cursorAt(page.next, found)) : null,
        },
      }
    })
    return { status: 200, body }
  },
})

const firstOf = async (log: AuditParts['log']): Promise<VerificationContinuation> => ({
  after: undefined,
  revision: 0n,
  until: (await log.head()) ?? 0n,
  tree: undefined,
})

const continuationOf = ({ after, revision, until, tree }: CursorOf<'verification'>): VerificationContinuation => ({
  after,
  revision,
  until,
  tree: tree && { count: tree.count, subtrees: tree.subtrees.map((root) => Buffer.from(root, 'hex')) },
})

const cursorAt = (
  { after, revision, until, tree }: VerificationContinuation,
  found: number,
): CursorOf<'verification'> => ({
  after,
  revision,
  until,
  tree: tree && { count: tree.count, subtrees: tree.subtrees.map((root) => root.toString('hex')) },
  found,
})

const findingView = (reader: Reader, { kind, stream, revision, position, type, detail }: Finding) => ({
  kind,
  stream,
  revision: revision < 0n ? null : `${revision}`,
  position: shownPosition(reader, position),
  type,
  detail,
})

const sealView = ({ seal, fault }: CheckedSeal) => ({
  position: seal.position,
  events: seal.events,
  root: seal.root,
  public_key: seal.publicKey,
  sealed_at: seal.occurredAt,
  holds: fault === undefined,
  fault: fault ?? null,
})
