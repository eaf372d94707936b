/**
 * The sandbox operator: made on an instance's first run, so that a newcomer has a key to try. The key is written to its
 * file before the operator is created (first-run.ts).
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { generateApiKey, hashApiKey, parseApiKey } from '../../commands/noctant/api-key.ts'
import { createOperator, operator } from '../../commands/noctant/operator.ts'
import { apiScope } from '../../events/noctant/vocabulary.ts'
import { firstRunContext, keepKeysFile } from '../first-run.ts'

const fileSchema = z.object({ url: z.string(), api_key: z.string(), operator_id: z.uuid() })

export interface Sandbox {
  file: string
  apiKey: string
  operatorId: string
  /** This start made it. */
  created: boolean
}

/** Sees to it that the sandbox operator and its key exist. Safe to repeat. */
export async function ensureSandboxOperator(
  bus: CommandBus,
  directory: string,
  url: string,
  now: () => Date,
): Promise<Sandbox> {
  const file = join(directory, 'sandbox-operator.json')
  const { kept, created } = await keepKeysFile(file, fileSchema, { url }, () => ({
    api_key: generateApiKey('sandbox').key,
    operator_id: randomUUID(),
  }))
  const { api_key: apiKey, operator_id: operatorId } = kept
  const parsed = parseApiKey(apiKey)
  if (!parsed) throw new Error(`${file} holds no API key that could be read; remove it to get a new sandbox operator`)
  const step = (action: string) => firstRunContext(operatorId, action, now)
  if ((await bus.load(operator, operatorId)).status === 'absent') {
    const facts = {
      operatorId,
      orgId: deterministicId('noctant.org', operatorId),
      name: 'Sandbox',
      slug: `sandbox-${operatorId.slice(0, 8)}`,
      environment: 'sandbox' as const,
      rateLimitTier: 'unlimited' as const,
      apiAccess: 'allowlisted_beta' as const,
      allowedOrigins: [],
    }
    await createOperator(bus, facts, step('create'))
  }
  const key = { keyId: parsed.keyId, label: 'first run', scopes: apiScope.options, keyHash: hashApiKey(apiKey) }
  const at = now().toISOString()
  await bus.handle(operator, operatorId, { kind: 'issueKey', key, at }, step('key'))
  return { file, apiKey, operatorId, created }
}
