/** GET /api/members: who belongs to the account, newest first. */
import { membersOf } from '../../../projections/rungate/member.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { memberResponse, memberView } from '../people/schemas.ts'
import { listOfData } from '../schemas.ts'

export const listMembers = read({
  path: '/api/members',
  id: 'listMembers',
  tags: ['Members'],
  summary: 'The account’s members',
  description: 'Answers with the members, newest first; those who were removed are not among them.',
  access: dashboard('read'),
  answer: json(listOfData(memberResponse), 'The members.'),
  async handle({ db, principal: { accountId } }) {
    const { rows, total } = await listed(db, membersOf, { accountId })
    return { data: rows.map((row) => memberView(row)), total }
  },
})
