/**
 * Templates: the rules that challenges are sold under. A preset belongs to nobody and is seen by all operators; any other
 * is seen by its operator alone. Importing other terms makes the next version; challenges keep theirs.
 */
import type { TemplateEvent, TemplateTerms } from '../../events/noctant/template.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId, fingerprintOf } from '../identity.ts'
import { Rejected } from './rejection.ts'

export interface TemplateFacts {
  templateId: string
  operatorId: string | null
  key: string
}

export type TemplateState =
  | { status: 'absent' }
  | (TemplateFacts & { status: 'active' | 'archived'; version: number; terms: TemplateTerms; importedAt: string })

export type TemplateCommand =
  | { kind: 'import'; facts: TemplateFacts; terms: TemplateTerms; at: string }
  | { kind: 'archive'; reason: string | null; at: string }

/** `operatorId` null: the presets. */
export const templateIdOf = (operatorId: string | null, key: string): string =>
  operatorId === null
    ? deterministicId('noctant.template', 'preset', key)
    : deterministicId('noctant.template', 'operator', operatorId, key)

export const template: Aggregate<TemplateState, TemplateCommand, TemplateEvent> = {
  category: 'noctant.template',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'noctant.TemplateImported.v1': {
        const { occurredAt: importedAt, ...facts } = event.data
        return { status: 'active', ...facts, importedAt }
      }
      case 'noctant.TemplateArchived.v1':
        return state.status === 'absent' ? state : { ...state, status: 'archived' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const occurredAt = command.at
    if (command.kind === 'import') {
      const { facts, terms } = command
      const version = state.status === 'absent' ? 1 : state.version + 1
      if (state.status === 'active' && fingerprintOf(state.terms) === fingerprintOf(terms)) return []
      return [{ type: 'noctant.TemplateImported.v1', data: { ...facts, version, terms, occurredAt } }]
    }
    if (state.status === 'absent') throw new Rejected('template_not_found', 'There is no such template.')
    if (state.status === 'archived') return []
    const { templateId, operatorId } = state
    const { reason } = command
    return [{ type: 'noctant.TemplateArchived.v1', data: { templateId, operatorId, reason, occurredAt } }]
  },
}

export type VisibleTemplate = Extract<TemplateState, { status: 'active' | 'archived' }>

/**
 * The template where the operator may use it: a preset or its own, not archived, and without steps that begin on a fresh
 * account, which are not offered yet. Rejects with template_not_found otherwise, naming the field.
 */
export async function visibleTemplate(
  bus: CommandBus,
  operatorId: string,
  templateId: string,
): Promise<VisibleTemplate> {
  const state = await bus.current(template, templateId)
  if (state.status === 'active' && isVisible(state, operatorId)) return state
  throw new Rejected('template_not_found', 'The operator sees no such template.', '/template_id')
}

const isVisible = ({ operatorId: owner, terms }: VisibleTemplate, operatorId: string): boolean =>
  (owner === null || owner === operatorId) && !advancesToFreshAccount(terms)

/** Whether a later step begins on an account of its own. */
export const advancesToFreshAccount = (terms: TemplateTerms): boolean =>
  terms.steps.some(({ sequence, advancement }) => sequence > 1 && advancement === 'fresh_account')

/** Imports terms, as the first or the next version; the terms that it has already change nothing. */
export function importTemplate(
  bus: CommandBus,
  { operatorId, key, terms }: { operatorId: string | null; key: string; terms: TemplateTerms },
  context: CommandContext,
): Promise<Handled<TemplateState, TemplateEvent>> {
  const templateId = templateIdOf(operatorId, key)
  const command = { kind: 'import', facts: { templateId, operatorId, key }, terms, at: context.at } as const
  return bus.handle(template, templateId, command, context)
}
