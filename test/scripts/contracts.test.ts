/** What runs on the local chain is what stands in the sources: the committed file is what the compiler makes of them. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { artifactsAreCurrent, artifactsFile } from '../../scripts/contracts.ts'

it('the compiled contracts are those of the sources', async () => {
  expect(artifactsAreCurrent()).toBe(true)
  // In a process of its own: the compiler is 9 MB of WebAssembly, and listens for errors that nobody has caught.
  const url = new URL('../../scripts/contracts.ts', import.meta.url).href
  const code = `import { compiledArtifacts } from ${JSON.stringify(url)}; process.stdout.write(await compiledArtifacts())`
  const options = { maxBuffer: 8 * 1_024 ** 2 }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], options)
  expect(stdout).toBe(readFileSync(artifactsFile, 'utf8'))
}, 120_000)
