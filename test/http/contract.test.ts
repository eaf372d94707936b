/** The generated documents; that they are those of the contracts is for test/suites/documents.ts. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { root } from '../support/source.ts'

it('the generated documents are those that are committed', { timeout: 60_000 }, async () => {
  const script = join(root, 'scripts', 'generate.ts')
  const ended = promisify(execFile)(process.execPath, [script, '--check'])
  await expect(ended).resolves.toMatchObject({ stderr: '' })
})
