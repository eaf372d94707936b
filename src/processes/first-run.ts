/**
 * What an instance makes for those who try it: a file with keys. The file is written before what its keys open exists, and
 * everything follows from it, so a crash in between is made good by the next start; a file that is there keeps its keys.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { systemContext } from '../commands/context.ts'
import { deterministicId } from '../commands/identity.ts'

/** What the file holds, with the address, or all that may be another at each start, as it is now; made at the first time, and what an older file lacks is added. */
export async function keepKeysFile<Kept extends { url: string }>(
  file: string,
  schema: z.ZodType<Kept>,
  place: { url: string },
  make: () => Omit<Kept, 'url'>,
): Promise<{ kept: Kept; created: boolean }> {
  const created = !existsSync(file)
  if (created) await write(file, { ...place, ...make() })
  const held = JSON.parse(readFileSync(file, 'utf8'))
  const kept = schema.parse({ ...(schema.safeParse(held).success ? {} : make()), ...held, ...place })
  if (!isDeepStrictEqual(held, kept)) await write(file, kept)
  return { kept, created }
}

/** Of what an instance does by itself at its start; the same subject and action are the same command. */
export const firstRunContext = (subject: string, action: string, now: () => Date) =>
  systemContext('first-run', deterministicId('sandbox', subject, action), now().toISOString(), {
    requestId: randomUUID(),
    correlationId: deterministicId('sandbox', subject),
  })

/** Writes the file whole or not at all, readable by its owner alone. */
async function write(file: string, content: object): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
