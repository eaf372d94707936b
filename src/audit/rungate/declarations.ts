/** What rungate's things are known by to auditors. */
import type { AuditDeclarations } from '../declarations.ts'
import { deskBook } from './desk-book.ts'

export const rungateBooks: AuditDeclarations = {
  streamBooks: { 'rungate.desk': [deskBook] },
  mentions: {
    'rungate.SlugClaimed.v1': { isCreation: true, names: ['slug'] },
    'rungate.AccountRegistered.v1': { isCreation: true, names: ['name', 'slug'] },
    'rungate.AdminTokenIssued.v1': { isCreation: true, names: ['name'] },
    'rungate.ProviderKeyAdded.v1': { isCreation: true, names: ['name'] },
    'rungate.PolicyCreated.v1': { isCreation: true, names: ['name'] },
    'rungate.AgentCreated.v1': { isCreation: true },
    'rungate.RunStarted.v1': { owns: ['runId'], names: ['name'] },
    'rungate.ApprovalRequested.v1': { isCreation: true },
    'rungate.AlertRuleCreated.v1': { isCreation: true },
    'rungate.WebhookCreated.v1': { isCreation: true },
  },
}
