/** What an auditor can do about the audit API's own refusals. */
import type { AuditCode } from './errors.ts'

export const help: Readonly<Record<AuditCode, string>> = {
  audit_subject_not_found:
    'The log has nothing of this name that the key opens. Compare the id, and ask for a key that opens more.',
  audit_too_large:
    'The question takes more events than one request may read. Ask for a smaller part, or use the command line.',
  audit_busy: 'As many audit requests are under way as are allowed. Wait as `Retry-After` says, then send it again.',
}
