/** Conversations: POST threads and threads/select, PATCH threads/update, GET threads/detail. */
import { z } from '@hono/zod-openapi'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { ownThread, studioThread, type ThreadState } from '../../../commands/killatamata/studio-thread.ts'
import { requireProject } from '../../../processes/killatamata/studio/documents.ts'
import { openThread, selectThread as selectOwn, settingsOf } from '../../../processes/killatamata/studio/threads.ts'
import { findThread, lastMessages } from '../../../projections/killatamata/studio.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { accountKey, change, read, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { requestKey } from '../request-key.ts'
import { idIn, modelChoice, title } from './inputs.ts'
import { messageShown, messageView, threadOfRow, threadShown, threadView } from './views.ts'

const answer = z.object({ ok: z.literal(true), thread: threadShown }).openapi('StudioThreadResponse')

const shown = (state: ThreadState) => {
  if (state.status === 'absent') throw new Error('a conversation was neither made nor refused')
  return { ok: true as const, thread: threadView(state) }
}

/** Where a conversation is not called anything. */
const UNTITLED = 'New conversation'

export const createThread = write({
  path: '/api/v1/studio/threads',
  id: 'createStudioThread',
  tags: ['studio'],
  summary: 'Create Studio conversation',
  description:
    'Begins a conversation, which is the open one from then on. Model and level follow the settings where they are not named.',
  access: accountKey,
  key: requestKey,
  body: z.object({ projectId: idIn, title: title.optional(), ...modelChoice }).openapi('StudioThreadCreateRequest'),
  answers: { 201: json(answer, 'The conversation.') },
  refuses: ['project_not_found'],
  async handle({ bus, principal: { accountId }, body, command }) {
    const { projectId, title: titled = UNTITLED, ...choice } = body
    await requireProject(bus, { accountId, projectId })
    const settings = await settingsOf(bus, accountId, choice)
    const { handled } = await openThread(bus, { accountId, projectId, title: titled, ...settings }, command)
    return { status: 201, body: shown(handled.state), handled }
  },
})

export const selectThread = change({
  path: '/api/v1/studio/threads/select',
  id: 'selectStudioThread',
  tags: ['studio'],
  summary: 'Select Studio conversation',
  description: 'Opens a conversation: prompts that follow in its project belong to it.',
  access: accountKey,
  key: requestKey,
  isIdempotent: true,
  body: z.object({ threadId: idIn }).openapi('StudioThreadSelectRequest'),
  answers: { 200: json(answer, 'The conversation, which is open now.') },
  refuses: ['thread_not_found'],
  async handle({ bus, principal: { accountId }, body: { threadId }, command }) {
    const thread = ownThread(await bus.current(studioThread, timelessIdOf(threadId)), { accountId, threadId })
    const handled = await selectOwn(bus, { accountId, threadId }, command)
    return { status: 200, body: shown(thread), handled }
  },
})

export const updateThread = change({
  method: 'patch',
  path: '/api/v1/studio/threads/update',
  id: 'updateStudioThread',
  tags: ['studio'],
  summary: 'Rename Studio conversation',
  description: 'Calls a conversation something else.',
  access: accountKey,
  key: requestKey,
  isIdempotent: true,
  body: z.object({ threadId: idIn, title }).openapi('StudioThreadUpdateRequest'),
  answers: { 200: json(answer, 'The conversation as it is now.') },
  refuses: ['thread_not_found'],
  async handle({ bus, principal: { accountId }, body: { threadId, title: titled }, command }) {
    const rename = { kind: 'rename', accountId, threadId, title: titled, at: command.at } as const
    const handled = await bus.handle(studioThread, timelessIdOf(threadId), rename, command)
    return { status: 200, body: shown(handled.state), handled }
  },
})

export const getThread = read({
  path: '/api/v1/studio/threads/detail',
  id: 'getStudioThread',
  tags: ['studio'],
  summary: 'Load Studio conversation detail',
  description: 'The conversation with its last messages, the oldest of them first.',
  access: accountKey,
  isList: true,
  query: z.object({ threadId: idIn }),
  answer: json(
    z
      .object({ ok: z.literal(true), thread: threadShown, messages: z.array(messageShown) })
      .openapi('StudioThreadDetailResponse'),
    'The conversation.',
  ),
  refuses: ['thread_not_found'],
  async handle({ db, studio, principal: { accountId }, query: { threadId } }) {
    const row = await findThread(db, accountId, threadId)
    if (!row) throw new Problem<KillatamataCode>('thread_not_found', 'The account has no such conversation.')
    const messages = await lastMessages(db, accountId, threadId, studio.limits.messagesShownMax)
    return { ok: true as const, thread: threadView(threadOfRow(row)), messages: messages.map(messageView) }
  },
})
