/** What firsthand's commands name by ids, or by beginnings of them. */
import type { Identified } from '../whole-id.ts'

export const identified = {
  organization: {
    kind: 'organization',
    places: async () => [
      [(await import('../../projections/firsthand/organization.ts')).organizations, 'organization_id'],
    ],
    listing: 'opslog admin firsthand organization list',
  },
  key: {
    kind: 'key',
    places: async () => [[(await import('../../projections/firsthand/api-key.ts')).apiKeys, 'key_id']],
    listing: 'opslog admin firsthand key list',
  },
  worker: {
    kind: 'worker',
    places: async () => [[(await import('../../projections/firsthand/worker.ts')).workers, 'worker_id']],
    listing: 'opslog admin firsthand worker list',
  },
  submission: {
    kind: 'submission',
    places: async () => [[(await import('../../projections/firsthand/submission.ts')).submissions, 'submission_id']],
    listing: 'The console’s page /console/firsthand/submissions',
  },
} satisfies Record<string, Identified>
