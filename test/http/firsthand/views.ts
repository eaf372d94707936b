/** Firsthand's answers that show a view: how each command's answer and each read make it. */
import { job } from '../../../src/commands/firsthand/job.ts'
import { organization } from '../../../src/commands/firsthand/organization.ts'
import { jobEvents } from '../../../src/events/firsthand/job.ts'
import { jobView, rowOf } from '../../../src/http/firsthand/jobs/job-view.ts'
import { keyView, newKeyView } from '../../../src/http/firsthand/keys/key-view.ts'
import { settingsView } from '../../../src/http/firsthand/organization/settings-view.ts'
import { listApiKeys } from '../../../src/projections/firsthand/api-key.ts'
import { findJob } from '../../../src/projections/firsthand/job.ts'
import { findOrganization } from '../../../src/projections/firsthand/organization.ts'
import { camel } from '../../../src/runtime/letter-case.ts'
import { type ExampleType, example } from '../../support/examples.ts'
import { type AnsweredView, answeredView, type ContextViews } from '../views.ts'

const { organizationId, environment, jobId } = example('firsthand.JobPosted.v1').data
const created = example('firsthand.ApiKeyCreated.v1').data

const views: readonly AnsweredView[] = [
  answeredView(job, {
    operations: ['createJob', 'cancelJob'],
    history: Object.keys(jobEvents) as ExampleType[],
    viewOf: (state) => jobView(rowOf(state)),
    read: async (db) => {
      const found = await findJob(db, organizationId, environment, jobId)
      return found && jobView(found)
    },
  }),
  answeredView(organization, {
    operations: ['updateOrganizationSettings'],
    history: ['firsthand.OrganizationCreated.v1', 'firsthand.SettingsChanged.v1'],
    viewOf: (state) => state.status !== 'absent' && settingsView(state.settings),
    read: async (db) => {
      const found = await findOrganization(db, organizationId)
      return found && settingsView(camel(found))
    },
  }),
  answeredView(organization, {
    operations: ['createApiKey', 'rotateApiKey'],
    history: ['firsthand.ApiKeyCreated.v1'],
    // The answer alone shows the secret, a read alone its hint and its last use.
    viewOf: () => ({ ...newKeyView(created, ''), secret: undefined }),
    read: async (db) => {
      const [found] = await listApiKeys(db, organizationId, [environment], { before: undefined, limit: 1 })
      return found && { ...keyView(found, new Date(created.occurredAt)), hint: undefined, last_used_at: undefined }
    },
  }),
]

export const firsthandViews: ContextViews = {
  views,
  withoutView: { revokeApiKey: 'answers without a body' },
}
