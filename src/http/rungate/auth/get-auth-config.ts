/** GET /auth/config: whether mails go into the local mailbox. */
import { z } from '@hono/zod-openapi'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { read } from '../access.ts'
import { dataOf } from '../schemas.ts'

export const getAuthConfig = read({
  path: '/auth/config',
  id: 'getAuthConfig',
  tags: ['Auth'],
  summary: 'How people sign in here',
  description: 'Says whether mails go into the local mailbox, where they can be read at `/rungate/dev/mailbox`.',
  access: publicAccess,
  answer: json(dataOf(z.object({ devMode: z.boolean() })).partial(), 'How people sign in here.'),
  handle: ({ mailWay }) => ({ data: { devMode: mailWay === 'mailbox' } }),
})
