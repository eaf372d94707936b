import { rungate } from '../../../src/contexts/rungate.ts'
import { examplesOf, streamOf } from '../../support/examples.ts'
import { runEventSuites } from '../events.ts'

runEventSuites({
  context: rungate,
  examples: examplesOf('rungate'),
  streamOf,
  personal: [
    'rungate.AddressBound.v1 displayName',
    'rungate.AddressBound.v1 email',
    'rungate.InvitationCreated.v1 email',
    'rungate.LoginRequested.v1 email',
    'rungate.MailRequested.v1 code',
    'rungate.MailRequested.v1 html',
    'rungate.MailRequested.v1 subject',
    'rungate.MailRequested.v1 text',
    'rungate.MailRequested.v1 to',
    'rungate.MailRequested.v1 token',
    'rungate.MemberJoined.v1 displayName',
    'rungate.MemberJoined.v1 email',
    'rungate.MemberRenamed.v1 displayName',
    'rungate.SessionStarted.v1 ipAddress',
    'rungate.SessionStarted.v1 userAgent',
  ],
})
