/** GET /v1/organization/settings: the settings, which hold for both worlds. */
import { organizationNotFound } from '../../../commands/firsthand/organization.ts'
import { findOrganization } from '../../../projections/firsthand/organization.ts'
import { camel } from '../../../runtime/letter-case.ts'
import { json } from '../../answers.ts'
import { buyerKey, read } from '../access.ts'
import { settingsResponse, settingsView } from './settings-view.ts'

export const getOrganizationSettings = read({
  path: '/v1/organization/settings',
  id: 'getOrganizationSettings',
  tags: ['Organization'],
  summary: 'The organization’s settings',
  description: 'Answers the fee on new jobs and how credits are topped up.',
  access: buyerKey('usage:read'),
  answer: json(settingsResponse, 'The settings.'),
  refuses: ['organization_not_found'],
  async handle({ db, principal: { organizationId } }) {
    const found = await findOrganization(db, organizationId)
    if (!found) throw organizationNotFound()
    return settingsView(camel(found))
  },
})
