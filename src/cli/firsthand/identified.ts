/** What firsthand's commands name by ids, or by beginnings of them. */
import { apiKeys } from '../../projections/firsthand/api-key.ts'
import { organizations } from '../../projections/firsthand/organization.ts'
import { submissions } from '../../projections/firsthand/submission.ts'
import { workers } from '../../projections/firsthand/worker.ts'
import type { Identified } from '../whole-id.ts'

export const identified = {
  organization: {
    kind: 'organization',
    places: [[organizations, 'organization_id']],
    listing: 'opslog admin firsthand organization list',
  },
  key: { kind: 'key', places: [[apiKeys, 'key_id']], listing: 'opslog admin firsthand key list' },
  worker: { kind: 'worker', places: [[workers, 'worker_id']], listing: 'opslog admin firsthand worker list' },
  submission: {
    kind: 'submission',
    places: [[submissions, 'submission_id']],
    listing: 'The console’s page /console/firsthand/submissions',
  },
} satisfies Record<string, Identified>
