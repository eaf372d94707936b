/** Challenge templates: presets, and operators' own. */
import type { TemplateEvent, TemplateTerms } from '../../events/noctant/template.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

export const templates = defineTable({
  name: 'noctant_templates',
  key: ['template_id'],
  columns: {
    template_id: uuid,
    /** Null: a preset. */
    operator_id: uuid.orNull,
    key: text,
    version: integer,
    name: text,
    terms: jsonb.of<TemplateTerms>(),
    archived_at: time.orNull,
    imported_at: time,
  },
  indexes: ['(operator_id, key)'],
})
export type TemplateRow = RowOf<typeof templates>

export const templateProjection = defineProjection<TemplateEvent>({
  name: 'noctant.template',
  version: 1,
  onPoison: 'park',
  tables: [templates],
  handlers: {
    'noctant.TemplateImported.v1': ({ data }) => [
      upsert(templates, { ...snake(data), name: data.terms.name, archived_at: null, imported_at: data.occurredAt }),
    ],
    'noctant.TemplateArchived.v1': ({ data }) => [
      patch(templates, snake(data, 'templateId'), { archived_at: data.occurredAt }),
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
