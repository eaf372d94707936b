/** The console’s events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const consoleSentences: Readonly<Record<string, string>> = {
  'console.AccessLinkIssued.v1': '{issuedBy} made a link that opens the console to an administrator until {expiresAt}.',
  'console.SessionStarted.v1':
    '{name} signed in to the console as {audience} from {clientAddress}{keyId? with the key <keyId>}.',
  'console.SessionUsed.v1': 'The console’s session {sessionId} was in use.',
  'console.SessionEnded.v1': 'The console’s session {sessionId} ended: {reason}.',
}
