/** PUT /api/account: another name. Everything else is changed by the house. */
import { z } from '@hono/zod-openapi'
import { account } from '../../../commands/rungate/account.ts'
import { findOwner } from '../../../projections/rungate/member.ts'
import { stepsSince } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { dashboard, write } from '../access.ts'
import { dataOf } from '../schemas.ts'
import { accountResponse, accountRowOf, accountView, monthOf } from './account-view.ts'

const name = text(255)
  .refine((given) => given.trim() !== '', 'must not be empty')
  .refine((given) => !/\p{Cc}/u.test(given), 'must have no control characters')

const request = z.looseObject({ name: name.optional() }).superRefine((body, context) => {
  for (const member of Object.keys(body)) {
    if (member !== 'name') context.addIssue({ code: 'custom', path: [member], message: 'cannot be changed here' })
  }
  if (body.name === undefined) context.addIssue({ code: 'custom', path: ['name'], message: 'is missing' })
})

export const updateCurrentAccount = write({
  method: 'put',
  path: '/api/account',
  id: 'updateCurrentAccount',
  tags: ['Accounts'],
  summary: 'Rename your account',
  description: 'Changes the name, and nothing else: any other member is refused.',
  example: { name: 'Acme' },
  access: dashboard('admin'),
  body: request,
  answers: { 200: json(dataOf(accountResponse), 'The account as it is now.') },
  refuses: ['account_not_found'],
  async handle({ bus, db, clock, principal: { accountId }, body, command }) {
    const renaming = { kind: 'rename', name: body.name?.trim() ?? '', at: command.at } as const
    const handled = await bus.handle(account, accountId, renaming, command)
    const since = monthOf(clock())
    const [steps, owner] = await Promise.all([stepsSince(db, accountId, since), findOwner(db, accountId)])
    const counted = { steps, since, email: owner?.email ?? null }
    return { status: 200, body: { data: accountView(accountRowOf(handled.state), counted) }, handled }
  },
})
