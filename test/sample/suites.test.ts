/** The suites that every context is held to, on the sample context: its ways of signing in and its refusals are others. */

import { randomUUID } from 'node:crypto'
import { runEventSuites } from '../suites/events.ts'
import { runOperationSuites } from '../suites/operations.ts'
import { sampleApi } from './api.ts'
import { boardStream } from './board.ts'
import { sample } from './context.ts'
import { createHistory } from './history.ts'
import { memberExamples, memberStream } from './member.ts'
import { roomExamples, roomStream } from './room.ts'
import { startSample } from './serving.ts'

const history = createHistory()

const told = [history.note(1), history.pinned(1), history.takenDown(1)].map(({ type, data }) => ({ type, data }))

runEventSuites({
  context: sample,
  examples: [...told, ...roomExamples, ...memberExamples],
  streamOf({ type, data }) {
    if (type === 'sample.NoteWritten.v1') return `sample.note-${data.noteId}`
    if ('roomId' in data) return roomStream(String(data.roomId))
    return 'memberId' in data ? memberStream(String(data.memberId)) : boardStream(String(data.tenantId))
  },
  foreignIds: ['commandId'],
  personal: [
    'sample.LetterSent.v1 text',
    'sample.MemberJoined.v1 displayName',
    'sample.MemberJoined.v1 email',
    'sample.MemberRenamed.v1 displayName',
    'sample.MemberRenamed.v1 email',
  ],
})

/** Minutes pass so fast that nobody's are used up. */
const HASTE = 100_000
const served = await startSample({ nowMs: () => performance.now() * HASTE })
const key = (text: string) => ({ 'x-api-key': text })
const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

runOperationSuites({
  api: sampleApi,
  url: served.url,
  store: served.store,
  credentials: {
    key: { good: key('key-acme-notes'), scopeless: key('key-acme'), wrong: key('nobody') },
    machine: { good: bearer('machine-acme'), wrong: bearer('nobody') },
    session: { good: { cookie: 'session=session-acme' }, wrong: { cookie: 'session=nobody' } },
  },
  elsewhere: [],
  own: new Map(),
  foreign: new Map(),
  refusalOf: ({ error, request }: { error?: { kind: string }; request?: string }) => ({
    code: error?.kind,
    requestId: request,
  }),
  requestId: /^req_/,
  idOfNothing: () => randomUUID(),
  aliases: {},
  recordsRefusals: [],
  close: served.close,
})
