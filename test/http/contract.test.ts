import { execFile } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { apiScope } from '../../src/events/noctant/vocabulary.ts'
import { documentsOf } from '../../src/http/app.ts'
import { operations as firsthandOperations } from '../../src/http/firsthand/operations.ts'
import { operations as noctantOperations } from '../../src/http/noctant/operations.ts'
import { apis } from '../support/contexts.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const beside = join(root, '..', 'shared', 'contracts', 'check.mjs')
/** Its real path: under a linked one the check would not know that it is the program that was asked for. */
const check = existsSync(beside) ? realpathSync(beside) : beside
const generated = (name: string) => join(root, 'docs', 'generated', name)
const namesOf = (of: readonly { method: string; path: string }[]) =>
  of.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
const operations = namesOf(noctantOperations)
/** Contexts that others have written a contract for. */
const contracts = { noctant: operations, firsthand: namesOf(firsthandOperations) }

describe('the generated documents', () => {
  it('are those that are committed', async () => {
    const script = join(root, 'scripts', 'generate.ts')
    await expect(run(process.execPath, [script, '--check'])).resolves.toMatchObject({ stderr: '' })
  })

  it('describe each operation once, with its scopes', () => {
    const [noctant] = documentsOf(apis)
    const described = Object.entries(noctant?.document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.toSorted()).toStrictEqual(operations.toSorted())
    expect(new Set(operations).size).toBe(operations.length)
    for (const { access } of noctantOperations) {
      for (const { scopes } of access.alternatives)
        expect(apiScope.options).toEqual(expect.arrayContaining([...scopes]))
    }
  })
})

describe('the contract', () => {
  // The contract stands beside the checkout where this is developed; a clone elsewhere has the generated document only.
  const known = existsSync(check)
    ? Object.entries(contracts).flatMap(([name, of]) => of.map((operation) => ({ name, operation })))
    : []
  it.each(known)('of $name: $operation is served to the letter', async ({ name, operation }) => {
    const asked = [check, name, generated(`${name}.openapi.json`), '--only', operation]
    expect((await run(process.execPath, asked)).stdout).toContain('1 of 1 operations match')
  })

  it('is met in every operation of noctant', () => {
    const document = JSON.parse(readFileSync(generated('noctant.openapi.json'), 'utf8'))
    for (const { path, method, access } of noctantOperations) {
      const operation = document.paths[path][method]
      expect(operation['x-required-scopes']).toStrictEqual(access.alternatives[0]?.scopes)
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining(['400', '401', '403', '404', '409', '429', '503']),
      )
    }
  })
})
