/** Challenge templates: presets, and operators' own. */
import type { TemplateEvent, TemplateTerms } from '../../events/noctant/template.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

export type TemplateRow = {
  template_id: string
  /** Null: a preset. */
  operator_id: string | null
  key: string
  version: number
  name: string
  terms: TemplateTerms
  archived_at: string | null
  imported_at: string
}

export const templates = defineTable<TemplateRow, 'template_id'>({
  name: 'noctant_templates',
  key: ['template_id'],
  columns: {
    template_id: 'uuid NOT NULL',
    operator_id: 'uuid',
    key: 'text NOT NULL',
    version: 'integer NOT NULL',
    name: 'text NOT NULL',
    terms: 'jsonb NOT NULL',
    archived_at: 'timestamptz(3)',
    imported_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(operator_id, key)'],
})

export const templateProjection = defineProjection<TemplateEvent>({
  name: 'noctant.template',
  version: 1,
  onPoison: 'park',
  tables: [templates],
  handlers: {
    'noctant.TemplateImported.v1': ({ data }) => [
      upsert(templates, {
        template_id: data.templateId,
        operator_id: data.operatorId,
        key: data.key,
        version: data.version,
        name: data.terms.name,
        terms: data.terms,
        archived_at: null,
        imported_at: data.occurredAt,
      }),
    ],
    'noctant.TemplateArchived.v1': ({ data }) => [
      patch(templates, { template_id: data.templateId }, { archived_at: data.occurredAt }),
    ],
  },
})

/** Presets, and with an operator's id its own, by key. */
export const listTemplates = (db: ReadModels, operatorId: string | undefined): Promise<TemplateRow[]> =>
  noctantTables(db)
    .selectFrom('noctant_templates')
    .selectAll()
    .where((eb) =>
      operatorId === undefined
        ? eb('operator_id', 'is', null)
        : eb.or([eb('operator_id', 'is', null), eb('operator_id', '=', operatorId)]),
    )
    .orderBy('operator_id', (order) => order.asc().nullsFirst())
    .orderBy('key')
    .execute()
