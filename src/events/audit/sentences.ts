/** The audit context’s events in sentences, for auditors; audit/sentences.ts says how placeholders are written. */
export const auditSentences: Readonly<Record<string, string>> = {
  'audit.AuditorKeyIssued.v1': 'The auditor key {keyId} was made for {name}.',
  'audit.AuditorKeyRevoked.v1': 'The auditor key {keyId} was revoked{reason?: <reason>}.',
  'audit.HistoryRead.v1': '{auditor} read the history of {thing}{upTo? up to position <upTo>}.',
  'audit.TraceRead.v1': '{auditor} read what {of} has caused{upTo? up to position <upTo>}.',
  'audit.StateRead.v1': '{auditor} read the state of {thing}{at? at <at>}{diffFrom?, compared with <diffFrom>}.',
  'audit.VerificationRead.v1':
    '{auditor} verified {eventsRead} events{stream? of <stream>}{category? of <category>}{upTo? up to position <upTo>}.',
  'audit.SealsRead.v1': '{auditor} read the seals.',
  'audit.EventsRead.v1': '{auditor} read the newest events{filters? with <filters>}.',
}
