/** Organizations: their standing and their settings, as GET /v1/organization/settings and the command line show them. */
import type { OrganizationEvent } from '../../events/firsthand/organization.ts'
import type { Tier } from '../../events/firsthand/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, boolean, byBeginning, numeric, text, time } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

export const organizations = defineTable({
  name: 'firsthand_organizations',
  key: ['organization_id'],
  columns: {
    organization_id: text,
    name: text,
    tier: text.of<Tier>(),
    status: text.of<'active' | 'suspended'>(),
    default_platform_fee_pct: numeric.orNull,
    auto_top_up_enabled: boolean,
    auto_top_up_threshold_cents: bigint.orNull,
    auto_top_up_amount_cents: bigint.orNull,
    fee_floor_pct: numeric,
    created_at: time,
  },
  indexes: [byBeginning('organization_id')],
})
export type OrganizationRow = RowOf<typeof organizations>

export const organizationProjection = defineProjection<OrganizationEvent>({
  name: 'firsthand.organization',
  version: 2,
  onPoison: 'park',
  tables: [organizations],
  handlers: {
    'firsthand.OrganizationCreated.v1': ({ data }) => [
      upsert(organizations, {
        ...snake(data),
        status: 'active',
        default_platform_fee_pct: null,
        auto_top_up_enabled: false,
        auto_top_up_threshold_cents: null,
        auto_top_up_amount_cents: null,
        fee_floor_pct: '0',
        created_at: data.occurredAt,
      }),
    ],
    'firsthand.OrganizationSuspended.v1': ({ data }) => [
      patch(organizations, snake(data, 'organizationId'), { status: 'suspended' }),
    ],
    'firsthand.OrganizationResumed.v1': ({ data }) => [
      patch(organizations, snake(data, 'organizationId'), { status: 'active' }),
    ],
    'firsthand.SettingsChanged.v1': ({ data }) => {
      const { organization_id, occurred_at: _, ...settings } = snake(data)
      return [patch(organizations, { organization_id }, settings)]
    },
    'firsthand.FeeFloorSet.v1': ({ data }) => [
      patch(organizations, snake(data, 'organizationId'), snake(data, 'feeFloorPct')),
    ],
  },
})

export const findOrganization = preparedOne((db, organizationId: string) =>
  db.selectFrom('firsthand_organizations').selectAll().where('organization_id', '=', organizationId),
)

/** Oldest first, at most `limit`. */
export const listOrganizations = (db: ReadModels, limit = 1_000): Promise<OrganizationRow[]> =>
  firsthandTables(db)
    .selectFrom('firsthand_organizations')
    .selectAll()
    .orderBy('created_at')
    .orderBy('organization_id')
    .limit(limit)
    .execute()
