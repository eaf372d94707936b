/** GET /v1/accounts: the operator's accounts, newest first, a page at a time. */
import { createRoute, z } from '@hono/zod-openapi'
import { listAccounts as list } from '../../projections/noctant/account.ts'
import { json, operation, problemResponses } from '../operation.ts'
import { LIMIT_DEFAULT, limit, timeOut, uuidOut } from '../schemas.ts'
import { cursorOf, pageOf } from './reading.ts'
import { forOperator, type NoctantDeps } from './route.ts'
import { count, cursorHalf, operatorAccountView } from './schemas.ts'

const cursor = z.object({ before_created_at: timeOut, before_program_account_id: uuidOut }).openapi('AccountListCursor')

const answer = z
  .object({ accounts: z.array(operatorAccountView), count, next_cursor: z.union([cursor, z.null()]).optional() })
  .openapi('AccountListResponse')

const route = createRoute({
  method: 'get',
  path: '/v1/accounts',
  operationId: 'listAccounts',
  tags: ['Accounts'],
  summary: 'The operator’s accounts, newest first',
  ...forOperator('accounts:read'),
  request: {
    query: z.object({ limit, before_created_at: cursorHalf.time, before_program_account_id: cursorHalf.id }),
  },
  responses: { 200: json(answer, 'A page of accounts.'), ...problemResponses },
})

export const listAccounts = operation(route, ({ db }: NoctantDeps) => async (c) => {
  const { limit: size = LIMIT_DEFAULT, before_created_at, before_program_account_id } = c.req.valid('query')
  const after = cursorOf(
    { name: 'before_created_at', value: before_created_at },
    { name: 'before_program_account_id', value: before_program_account_id },
  )
  const before = after && { createdAt: after.time, programAccountId: after.id }
  const rows = await list(db, c.get('principal').operatorId, { before, limit: size + 1 })
  const { page, last } = pageOf(rows, size)
  const next = last && { before_created_at: last.created_at, before_program_account_id: last.program_account_id }
  return c.json({ accounts: page, count: page.length, next_cursor: next ?? null }, 200)
})
