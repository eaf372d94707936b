/** What administrators do about operators and their keys. */
import { html } from 'hono/html'
import { deterministicId } from '../../../commands/identity.ts'
import { generateApiKey } from '../../../commands/noctant/api-key.ts'
import {
  createOperator,
  type OperatorCommand,
  operator as operatorAggregate,
} from '../../../commands/noctant/operator.ts'
import { apiAccess, apiScope, environment, rateLimitTier } from '../../../events/noctant/vocabulary.ts'
import { invalid } from '../../errors.ts'
import type { Acting, ActionDeclaration, Asked, Prepared } from '../../pages/declaration.ts'
import { said } from '../../pages/markup.ts'
import { thingOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { keyThings, operatorThings } from './things.ts'

type Action = ActionDeclaration<NoctantParts>
type Noctant = Asked<NoctantParts>

const audience = ['administrator'] as const
const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/

const choicesOf = (options: readonly string[]) => options.map((option) => [option, option] as const)

/** Handles a command of the operator, and waits until the read models show it. */
async function handle(acting: Acting<NoctantParts>, operatorId: string, command: OperatorCommand) {
  const { parts, runtime } = acting
  const { position } = await parts.bus.handle(operatorAggregate, operatorId, command, acting.command)
  if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
}

const operatorIn = (asked: Noctant) => thingOf(operatorThings, asked, asked.params.id ?? '')
const keyIn = (asked: Noctant) => thingOf(keyThings, asked, asked.params.id ?? '')

const create: Action = {
  ...{ of: '/operators', audience, name: 'create', title: 'Create operator' },
  fields: [
    { name: 'name', label: 'Name', isRequired: true, lengthMax: 200 },
    {
      name: 'slug',
      label: 'Slug',
      isRequired: true,
      hint: 'Small letters, digits and dashes; it stays.',
      lengthMax: 64,
    },
    {
      name: 'environment',
      label: 'Environment',
      kind: 'choice',
      choices: choicesOf(environment.options),
      value: 'sandbox',
    },
    { name: 'tier', label: 'Tier', kind: 'choice', choices: choicesOf(rateLimitTier.options) },
  ],
  prepare: async () => ({ says: html`<p>Makes a tenant, which has no key yet.</p>` }),
  async perform(acting) {
    const { form, parts, runtime } = acting
    const [name, slug] = [form.get('name')?.trim() ?? '', form.get('slug')?.trim() ?? '']
    if (name === '') throw invalid('/name', 'required', 'The operator needs a name.')
    if (!SLUG.test(slug))
      throw invalid('/slug', 'invalid_format', 'A slug has small letters, digits and single dashes.')
    const operatorId = deterministicId('noctant.operator', slug)
    const facts = {
      ...{ operatorId, orgId: deterministicId('noctant.org', operatorId), name, slug, allowedOrigins: [] },
      environment: environment.parse(form.get('environment')),
      rateLimitTier: rateLimitTier.parse(form.get('tier')),
      apiAccess: apiAccess.parse('allowlisted_beta'),
    }
    const { position } = await createOperator(parts.bus, facts, acting.command)
    if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
    return { message: `The operator ${name} is created.`, to: `/operators/${operatorId}` }
  },
}

const standing = (kind: 'suspend' | 'resume', title: string, does: string): Action => ({
  ...{ of: '/operators/:id', audience, name: kind, title, reason: 'required' },
  async prepare(asked): Promise<Prepared | undefined> {
    const row = await operatorIn(asked)
    return row && { says: html`<p>${does} ${said(row.name)}.</p>` }
  },
  async perform(acting) {
    const { params, reason, command } = acting
    await handle(acting, params.id ?? '', { kind, reason, at: command.at })
    return { message: kind === 'suspend' ? 'The operator is suspended.' : 'The operator is resumed.' }
  },
})

const issue: Action = {
  ...{ of: '/operators/:id', audience, name: 'issue', title: 'Issue key' },
  fields: [
    { name: 'label', label: 'Label', hint: 'What it is for.', lengthMax: 200 },
    ...apiScope.options.map((scope) => ({
      name: `scope ${scope}`,
      label: scope,
      kind: 'check' as const,
      value: 'true',
    })),
  ],
  async prepare(asked) {
    const row = await operatorIn(asked)
    return row && { says: html`<p>Makes a key of ${said(row.name)} with these scopes. It is shown once.</p>` }
  },
  async perform(acting) {
    const { parts, params, form, command } = acting
    const row = await operatorIn(acting)
    if (!row) throw new Error('the operator of an action was there a moment ago')
    const scopes = apiScope.options.filter((scope) => form.get(`scope ${scope}`) === 'true')
    if (scopes.length === 0) throw invalid('/scopes', 'required', 'The key would be allowed nothing: choose a scope.')
    const { key, keyId, keyHash } = generateApiKey(row.environment)
    const facts = { keyId, keyHash, scopes, label: form.get('label')?.trim() || null }
    await handle(acting, params.id ?? '', {
      kind: 'issueKey',
      key: facts,
      keysMax: parts.keysPerOperatorMax,
      at: command.at,
    })
    const state = await parts.bus.current(operatorAggregate, params.id ?? '')
    // Sent twice, the form has made one key, which was shown with the first answer.
    const isNew = state.status !== 'absent' && state.keys.has(keyId)
    if (!isNew) return { message: 'The key was issued before, and shown then.' }
    const once = html`<div class="message" role="status">The key ${keyId}, shown this once: <code data-field="api_key">${key}</code></div>`
    return { message: 'The key is issued.', once }
  },
}

const revoke: Action = {
  ...{ of: '/keys/:id', audience, name: 'revoke', title: 'Revoke', reason: 'required' },
  async prepare(asked) {
    const row = await keyIn(asked)
    if (!row) return undefined
    const says = html`<p>Stops the key ${row.key_id} from working, for good, and with it those that were made from it by rotation.</p>`
    return { says, confirm: row.key_id }
  },
  async perform(acting) {
    const row = await keyIn(acting)
    if (!row) throw new Error('the key of an action was there a moment ago')
    const { reason, command } = acting
    await handle(acting, row.operator_id, { kind: 'revokeKey', keyId: row.key_id, reason, at: command.at })
    return { message: 'The key is revoked.' }
  },
}

export const operatorActions: readonly Action[] = [
  create,
  standing('suspend', 'Suspend', 'Stops every key of'),
  standing('resume', 'Resume', 'Lets the keys work again of'),
  issue,
  revoke,
]
