/** The console’s events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const consoleSentences: Readonly<Record<string, string>> = {
  'console.AccessLinkIssued.v1': '{issuedBy} made a link that opens the console to an administrator until {expiresAt}.',
  'console.SessionStarted.v1':
    '{name} signed in to the console as {audience} from {clientAddress}{keyId? with the key <keyId>}.',
  'console.SessionUsed.v1': 'The console’s session {sessionId} was in use.',
  'console.JobRequested.v1':
    '{requestedBy} asked for the job {kind}{projection? of <projection>}{context? of <context>}{stream? of <stream>}{reason?: <reason>}.',
  'console.JobStarted.v1': 'The job {jobId} was begun for the {run}. time.',
  'console.JobProgressed.v1': 'The job {jobId} has taken in {events} events, {percent} %.',
  'console.JobCancelRequested.v1': 'Somebody asked to cancel the job {jobId}{reason?: <reason>}.',
  'console.JobFinished.v1': 'The job {jobId} ended: {outcome}{error?: <error>}.',
  'console.SessionEnded.v1': 'The console’s session {sessionId} ended: {reason}.',
}
