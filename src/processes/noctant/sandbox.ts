/**
 * The sandbox operator: made on an instance's first run, so that a newcomer has a key to try. The key is written to its
 * file before the operator is created, and everything follows from the file, so a crash in between is made good by the
 * next start; a file that is there is never written again.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { generateApiKey, hashApiKey, parseApiKey } from '../../commands/noctant/api-key.ts'
import { createOperator, operator } from '../../commands/noctant/operator.ts'
import { apiScope } from '../../events/noctant/vocabulary.ts'

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
  const created = !existsSync(file)
  if (created) {
    await write(file, { url, api_key: generateApiKey('sandbox').key, operator_id: randomUUID() })
  }
  const kept = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  if (kept.url !== url) await write(file, { ...kept, url })
  const { api_key: apiKey, operator_id: operatorId } = kept
  const parsed = parseApiKey(apiKey)
  if (!parsed) throw new Error(`${file} holds no API key that could be read; remove it to get a new sandbox operator`)
  const step = (action: string): CommandContext => ({
    commandId: deterministicId('sandbox', operatorId, action),
    fingerprint: undefined,
    actor: { kind: 'system', id: 'first-run' },
    requestId: randomUUID(),
    correlationId: deterministicId('sandbox', operatorId),
    traceparent: undefined,
    at: now().toISOString(),
  })
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

/** What an instance does by itself at its start. */
export const firstRunContext = (action: string, now: () => Date): CommandContext => ({
  commandId: deterministicId('first run', action, randomUUID()),
  fingerprint: undefined,
  actor: { kind: 'system', id: 'first-run' },
  requestId: randomUUID(),
  correlationId: randomUUID(),
  traceparent: undefined,
  at: now().toISOString(),
})

/** Writes the file whole or not at all, readable by its owner alone. */
async function write(file: string, content: z.infer<typeof fileSchema>): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
